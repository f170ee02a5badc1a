"""Flavours of Markdown, their parsers, and references such as ``#12`` in texts."""

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
    """The Markdown dialect of a text."""

    COMMONMARK = "commonmark"
    """CommonMark with tables and strikethrough."""
    GFM = "gfm"
    """GitHub Flavored Markdown: task lists, alerts, footnotes, bare addresses, some HTML, ``:emoji:``.

    https://github.github.com/gfm/ and
    https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax
    """
    CHAT = "chat"
    """Markdown of chat programs, with spoilers, underlines, ``>>>`` quotes and ``-#`` small print.

    Tables, HTML and pictures are not supported.

    https://support.discord.com/hc/en-us/articles/210298617-Markdown-Text-101-Chat-Formatting-Bold-Italic-Underline
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The replacement for a reference such as ``#12``. An empty ``href`` means that the reference is not a link."""

    text: str
    href: str = ""
    title: str = ""
    """The text of the tooltip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Markup:
    """The flavour of a source's texts, and how to find references in them.

    ``pattern`` matches references; it is applied only to text outside code and links. ``find`` returns the
    replacement, or ``None`` for text that only looks like a reference. ``address`` returns the replacement for a bare
    web address, or ``None``.
    """

    flavour: Flavour = Flavour.COMMONMARK
    pattern: re.Pattern[str] | None = None
    find: Callable[[re.Match[str]], Reference | None] = lambda _: None
    address: Callable[[str], Reference | None] = lambda _: None


PLAIN = Markup()


FENCE = re.compile(r"(?P<mark>```)(?:(?P<info>[\w+#.-]*)\n)?(?P<code>.*?)```", re.DOTALL)
"""A code block of a chat message, which may begin and end in the middle of a line."""
REST = ">>> "
"""Prefix that quotes everything to the end of a chat message."""


def unix_lines(text: str) -> str:
    """Return the text with ``\\n`` as line ends. Browsers send CRLF, and some old systems use CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def chat_lines(text: str) -> str:
    """Return a chat message with quotes and code blocks in the form that CommonMark parsers expect.

    In chat programs a quote ends with its last ``>`` line. CommonMark would include the next line in the quote.
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
        return found[0]  # each line of the code begins with the quote's ``>``
    if "\n" not in found[0] and (before.strip() or found.string[found.end() :].split("\n", 1)[0].strip()):
        return found[0]  # a code span in the middle of a line
    code = found["code"].removesuffix("\n")
    after = "" if found.string[found.end() : found.end() + 1] in {"\n", ""} else "\n"
    return f"{chr(10) if before.strip() else ''}```{found['info'] or ''}\n{code}\n```{after}"


MOST_NESTED = 20
"""Maximum number of levels of nested quotes and lists. Deeper levels become plain text, so that no text takes long to
parse."""
NOT_IN_CHAT = ["code", "hr", "lheading", "html_block", "reference", "entity", "html_inline", "image"]
"""Rules of CommonMark that chat programs do not support."""


@lru_cache(maxsize=3)
def parser(flavour: Flavour) -> MarkdownIt:
    """Return the cached parser of a flavour. It turns line ends in a paragraph into line breaks."""
    options = {"html": flavour is Flavour.GFM, "maxNesting": MOST_NESTED, "breaks": True}
    markdown = MarkdownIt("commonmark", options).enable("strikethrough")
    if flavour is Flavour.GFM:
        gfm_plugin(markdown)
        # Footnotes get no anchors, because the footnotes of several posts on one page would have the same anchors.
        markdown.add_render_rule("footnote_anchor", lambda *_: "")
    elif flavour is Flavour.CHAT:
        markdown.disable(NOT_IN_CHAT).use(gfm_autolink_plugin)
    else:
        markdown.enable("table")
    # Keep escaped characters separate from the text around them: \#12 is not a reference.
    return markdown.disable("text_join")


def tokens(text: str, flavour: Flavour) -> list[Token]:
    """Parse a text with any kind of line ends and return its tokens."""
    text = unix_lines(text)
    return parser(flavour).parse(chat_lines(text) if flavour is Flavour.CHAT else text)
