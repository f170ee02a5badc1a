"""Markdown as text for search and as HTML that is safe to show."""

from functools import lru_cache

from markdown_it import MarkdownIt


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """CommonMark with tables; raw HTML is shown as text, and links to scripts are not links."""
    return MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable(["table", "strikethrough"])


def safe_html(markdown: str) -> str:
    """HTML without raw HTML, scripts or pictures from elsewhere."""
    tokens = _parser().parse(markdown)
    for token in tokens:
        for child in token.children or ():
            if child.type == "image":
                child.type, child.tag, child.content = "text", "", f"[{child.content or 'picture'}]"
                child.children = None
            elif child.type == "link_open":
                child.attrSet("rel", "nofollow noopener noreferrer")
    return str(_parser().renderer.render(tokens, _parser().options, {}))


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
