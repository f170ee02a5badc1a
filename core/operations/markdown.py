"""Markdown as text for search and as HTML that is safe to show."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """CommonMark with tables; raw HTML is shown as text, and links to scripts are not links."""
    return MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])


@lru_cache(maxsize=1)
def _page_parser() -> MarkdownIt:
    """The same, with line ends kept as both GitHub and Discord show them in posts."""
    return MarkdownIt("commonmark", {"html": False, "maxNesting": 20, "breaks": True}).enable(
        ["table", "strikethrough"]
    )


def safe_html(markdown: str) -> str:
    """HTML for pages: no raw HTML or scripts; pictures become links; only addresses of the web lead anywhere.

    The parser is not trusted alone: what it made is cleaned once more.
    """
    parser = _page_parser()
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + 3)}"  # below the headings of the page around it
        if token.children:
            token.children = list(_without_pictures(token.children))
    html = str(parser.renderer.render(tokens, parser.options, {}))
    return nh3.clean(html, tags=TAGS, attributes={"a": {"href"}, "ol": {"start"}}, url_schemes=SCHEMES, link_rel=REL)


TAGS = {
    "a", "blockquote", "br", "code", "em", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "strong", "table",
    "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}
REL = "nofollow noopener noreferrer"


def _without_pictures(tokens: Sequence[Token]) -> Iterator[Token]:
    """A picture becomes a link to it, or its words where it stands in a link; links into this site lose their aim."""
    inside = False
    for token in tokens:
        if token.type == "link_open":
            inside = True
            if not str(token.attrs.get("href", "")).lower().startswith(("https://", "http://", "mailto:")):
                token.attrs = {}
        inside = inside and token.type != "link_close"
        if token.type != "image":
            yield token
            continue
        words = Token("text", "", 0, content=f"[{token.content or 'picture'}]")
        address = str(token.attrs.get("src", ""))
        if inside or not address.lower().startswith(("https://", "http://")):
            yield words
        else:
            yield from (Token("link_open", "a", 1, attrs={"href": address}), words, Token("link_close", "a", -1))


def plain_text(markdown: str) -> str:
    """The words of a text without its markup; code is kept, addresses of links are not."""
    lines: list[str] = []
    for token in _parser().parse(markdown):
        if token.type in {"fence", "code_block"}:
            lines.append(token.content.rstrip())
        elif token.type == "inline":
            words = (
                "\n" if child.type in {"softbreak", "hardbreak"} else child.content
                for child in token.children or ()
                if child.type in {"text", "code_inline", "image", "softbreak", "hardbreak"}
            )
            lines.append("".join(words))
    return "\n".join(lines).strip()
