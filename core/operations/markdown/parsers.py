"""One parser for each flavour. Each costs milliseconds to build, so they are built once."""

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.gfm import gfm_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

from core.operations.markdown.lines import chat_lines, unix_lines
from core.operations.markdown.markup import Flavour

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
