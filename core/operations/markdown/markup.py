"""How a source writes its texts: the flavour of Markdown, and what references in the texts lead to."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin


class Flavour(StrEnum):
    """Which constructs a text may hold."""

    COMMONMARK = "commonmark"
    """CommonMark with tables and strikethrough."""
    GFM = "gfm"
    """The Markdown of code hosts: task lists, alerts, footnotes, bare addresses, some HTML, ``:emoji:``.

    https://github.github.com/gfm/ and
    https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax
    """
    CHAT = "chat"
    """Markdown of chat programs: spoilers, underlines, ``>>>`` quotes, ``-#`` small print; no tables, HTML or pictures.

    https://support.discord.com/hc/en-us/articles/210298617-Markdown-Text-101-Chat-Formatting-Bold-Italic-Underline
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """What stands in place of a reference such as ``#12``; ``href`` is of the web or of this site, or empty."""

    text: str
    href: str = ""
    title: str = ""
    """A tooltip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Markup:
    """The flavour of a source's texts, and its references.

    ``pattern`` finds references in running text (never in code or links); ``find`` says what stands in their place,
    None for text that only looks like one. ``address`` does the same for bare addresses of the web.
    """

    flavour: Flavour = Flavour.COMMONMARK
    pattern: re.Pattern[str] | None = None
    find: Callable[[re.Match[str]], Reference | None] = lambda _: None
    address: Callable[[str], Reference | None] = lambda _: None


PLAIN = Markup()


FENCE = re.compile(r"(?P<mark>```)(?:(?P<info>[\w+#.-]*)\n)?(?P<code>.*?)```", re.DOTALL)
"""A code block of a chat message: it may begin and end in the middle of a line."""
REST = ">>> "
"""Quotes everything to the end of a chat message."""


def unix_lines(text: str) -> str:
    """Return the text with ``\\n`` for every line end: browsers write CRLF, old systems CR alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def chat_lines(text: str) -> str:
    """Return a chat message whose quotes and code blocks a CommonMark parser reads as chat programs do.

    A quote ends with its last ``>`` line: CommonMark would take the answer below it for a part of the quote.
    """
    if "```" in text:
        text = FENCE.sub(_fence_on_its_own_lines, text)
    lines: list[str] = []
    quoted = fenced = rest = False
    for line in text.split("\n"):
        fenced = fenced != line.lstrip("> ").startswith("```")
        if not fenced and not rest and line.startswith(REST):
            rest, line = True, f"> {line.removeprefix(REST)}"
        elif rest:
            line = f"> {line}"
        is_quote = line.startswith("> ") or line == ">"
        if quoted and not is_quote and line.strip():
            lines.append("")
        lines.append(line)
        quoted = is_quote
    return "\n".join(lines)


def _fence_on_its_own_lines(found: re.Match[str]) -> str:
    start = found.string.rfind("\n", 0, found.start()) + 1
    before = found.string[start : found.start()]
    if before.startswith(">"):
        return found[0]  # the quote's own marks stand between its lines
    if "\n" not in found[0] and (before.strip() or found.string[found.end() :].split("\n", 1)[0].strip()):
        return found[0]  # in the middle of a line: read as a code span
    code = found["code"].removesuffix("\n")
    after = "" if found.string[found.end() : found.end() + 1] in {"\n", ""} else "\n"
    return f"{chr(10) if before.strip() else ''}```{found['info'] or ''}\n{code}\n```{after}"


MOST_NESTED = 20
"""Levels of quotes and lists; deeper ones are read as text, so that no text takes long."""
NOT_IN_CHAT = ["code", "hr", "lheading", "html_block", "reference", "entity", "html_inline", "image"]
"""CommonMark that chat programs show as it was typed."""


@lru_cache(maxsize=3)
def parser(flavour: Flavour) -> MarkdownIt:
    """Return the parser of a flavour. Line ends in a paragraph stay line ends, as in posts and messages."""
    options = {"html": flavour is Flavour.GFM, "maxNesting": MOST_NESTED, "breaks": True}
    made = MarkdownIt("commonmark", options).enable("strikethrough")
    if flavour is Flavour.GFM:
        gfm_plugin(made)
        # Anchors of footnotes would be the same in every post of a page.
        made.add_render_rule("footnote_anchor", lambda *_: "")
    elif flavour is Flavour.CHAT:
        made.disable(NOT_IN_CHAT).use(gfm_autolink_plugin)
    else:
        made.enable("table")
    # Keeps escaped characters apart from the text around them: \#12 is no reference.
    return made.disable("text_join")


def tokens(text: str, flavour: Flavour) -> list[Token]:
    """Parse a text of any line ends."""
    text = unix_lines(text)
    return parser(flavour).parse(chat_lines(text) if flavour is Flavour.CHAT else text)
