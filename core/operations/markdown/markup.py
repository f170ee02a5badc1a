"""How a source writes its texts: the flavour of Markdown, and what references in the texts lead to."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


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
