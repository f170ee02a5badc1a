"""Inline parts of Markdown: references, bare addresses, pictures, emoji, spoilers and HTML tags."""

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape

from markdown_it.token import Token

from core.operations.markdown.markup import Flavour, Markup, Reference

SHORTCODE = re.compile(r":[a-z0-9_+-]{1,60}:")
SPOILER = "||"
SMALL = "-# "


def inline(tokens: Sequence[Token], markup: Markup) -> Iterator[Token]:
    """Yield the tokens of a paragraph for display. Links lead only to the web, to mail addresses or to this site."""
    children = list(_linked(_texts(tokens), markup))
    if markup.flavour is Flavour.CHAT:
        children = _small(_spoilers(children))
    yield from children


def reference_tokens(reference: Reference) -> list[Token]:
    """Return the tokens of a reference: a link, or a ``span`` if the reference has no address."""
    words = Token("text", "", 0, content=reference.text)
    attributes: dict[str, str | int | float] = {"class": "reference"}
    attributes |= {"title": reference.title} if reference.title else {}
    if not reference.href:
        return [Token("span_open", "span", 1, attrs=attributes), words, Token("span_close", "span", -1)]
    link = Token("link_open", "a", 1, attrs=attributes | {"href": reference.href}, meta={"own": True})
    return [link, words, Token("link_close", "a", -1)]


def split_references(text: str, markup: Markup) -> Iterator[str | Reference]:
    """Yield the parts of a text in order, with a ``Reference`` in place of each reference."""
    end = 0
    for match in markup.pattern.finditer(text) if markup.pattern else ():
        if (reference := markup.find(match)) is not None:
            yield from filter(None, [text[end : match.start()]])
            yield reference
            end = match.end()
    yield from filter(None, [text[end:]])


def with_emoji(text: str) -> str:
    """Return the text with emoji instead of GitHub's short names such as ``:tada:``."""
    if ":" not in text:
        return text
    import emoji  # imported here, because its tables take a tenth of a second to load

    return SHORTCODE.sub(lambda name: emoji.emojize(name[0], language="alias"), text)


def _texts(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens. Escaped characters become text tokens marked ``escaped``, which contain no references."""
    for token in tokens:
        if token.type == "text_special":
            token.type, token.info = "text", "escaped"
        yield token


def _linked(tokens: Iterator[Token], markup: Markup) -> Iterator[Token]:
    inside = 0
    remaining = list(tokens)[::-1]
    while remaining:
        token = remaining.pop()
        if token.type == "link_open":
            if token.info == "auto" and [other.type for other in remaining[:-3:-1]] == ["text", "link_close"]:
                yield from _bare(token, remaining.pop(), remaining.pop(), markup)
                continue
            inside += 1
            if not _leads_out(str(token.attrs.get("href", ""))):
                token.attrs = {}
        elif token.type == "link_close":
            inside -= 1
        if token.type == "image":
            yield from _picture(token, inside=inside > 0)
        elif token.type == "html_inline":
            token.content = harmless(token.content, in_link=inside > 0)
            yield token
        elif token.type == "text" and token.info != "escaped":
            yield from _text(token, markup, inside=inside > 0)
        else:
            yield token


def _leads_out(address: str) -> bool:
    return is_web(address) or address.lower().startswith("mailto:")


def _bare(opening: Token, words: Token, closing: Token, markup: Markup) -> Iterator[Token]:
    """Yield the tokens of a bare address: the reference that ``markup`` returns for the address, or else a link.

    In chat messages, host names and mail addresses stay plain text.
    """
    address = str(opening.attrs.get("href", ""))
    if reference := markup.address(address):
        yield from reference_tokens(reference)
    elif is_web(words.content) if markup.flavour is Flavour.CHAT else _leads_out(address):
        yield from (opening, words, closing)
    else:
        typed = f"<{words.content}>" if opening.markup == "autolink" and ":" in words.content else words.content
        yield from _text(Token("text", "", 0, content=typed), markup, inside=False)


def _text(token: Token, markup: Markup, *, inside: bool) -> Iterator[Token]:
    for part in [token.content] if inside else split_references(token.content, markup):
        if isinstance(part, Reference):
            yield from reference_tokens(part)
        else:
            shown = with_emoji(part) if markup.flavour is Flavour.GFM else part
            yield Token("text", "", 0, content=shown)


def _picture(token: Token, *, inside: bool) -> Iterator[Token]:
    """Yield a link or text in place of a picture, so that pages load nothing from other hosts."""
    words = Token("text", "", 0, content=f"[{token.content or 'picture'}]")
    address = str(token.attrs.get("src", ""))
    if inside or not is_web(address):
        yield words
    else:
        yield from (Token("link_open", "a", 1, attrs={"href": address}), words, Token("link_close", "a", -1))


def _spoilers(tokens: list[Token]) -> list[Token]:
    """Return the tokens, with text between two ``||`` as a spoiler.

    Pages hide the text of a spoiler until the user points at the spoiler or focuses it.
    """
    parts: list[Token] = []
    for token in tokens:
        if token.type != "text" or token.info == "escaped" or SPOILER not in token.content:
            parts.append(token)
            continue
        for n, part in enumerate(token.content.split(SPOILER)):
            if n:
                parts.append(Token("spoiler", "", 0, content=SPOILER))
            if part:
                parts.append(Token("text", "", 0, content=part))
    delimiters = [n for n, token in enumerate(parts) if token.type == "spoiler"]
    for opening, closing in zip(delimiters[::2], delimiters[1::2], strict=False):
        attributes: dict[str, str | int | float] = {"class": "spoiler", "title": "Spoiler"}
        parts[opening] = Token("span_open", "span", 1, attrs=attributes)
        parts[closing] = Token("span_close", "span", -1)
    for token in parts:
        token.type = "text" if token.type == "spoiler" else token.type
    return parts


def _small(tokens: list[Token]) -> list[Token]:
    """Return the tokens, with lines that begin with ``-#`` as small print."""
    parts: list[Token] = []
    begins = True
    small = False
    for token in tokens:
        ends = token.type in {"softbreak", "hardbreak"}
        if small and ends:
            parts.append(Token("small_close", "small", -1))
            small = False
        if begins and token.type == "text" and token.content.startswith(SMALL):
            parts.append(Token("small_open", "small", 1))
            token.content, small = token.content.removeprefix(SMALL), True
        parts.append(token)
        begins = ends
    return [*parts, Token("small_close", "small", -1)] if small else parts


TAG = re.compile(
    r"""<!--.*?(?:-->|\Z)|<\?.*?\?>|<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*)"""
    r"""(?P<attributes>(?:[^<>"']|"[^"]*"|'[^']*')*+)>""",
    re.DOTALL,
)
ADDRESS = re.compile(r"""\b(href|src|alt|align)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
SIMPLE = frozenset(
    {
        "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "hr", "i", "ins", "kbd", "li",
        "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "summary", "sup", "table",
        "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "ul", "var",
    }
)  # fmt: skip
"""Allowed tags. Their attributes are removed.

https://github.com/gjtorikian/html-pipeline/blob/main/lib/html_pipeline/sanitization_filter.rb
"""
SILENT = frozenset({"center", "font", "picture", "source", "video", "section", "figure", "figcaption", "a"})
"""Tags that are removed. Their contents stay."""
HEADING = re.compile(r"h([1-6])")


def harmless(html: str, *, in_link: bool = False) -> str:
    """Return safe HTML with known tags only.

    Comments are removed, and pictures become links. Attributes are removed, except the addresses of links and the
    ``open`` attribute of ``details``. Unknown tags are escaped, so that they appear as they were typed.
    """
    parts: list[str] = []
    end = 0
    for tag in TAG.finditer(html):
        parts += (_escaped(html[end : tag.start()]), _tag(tag, in_link=in_link))
        end = tag.end()
    return "".join([*parts, _escaped(html[end:])])


def without_tags(html: str) -> str:
    """Return the text of HTML, with a space in place of each tag and with entities decoded."""
    return unescape(TAG.sub(" ", html))


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _tag(tag: re.Match[str], *, in_link: bool) -> str:
    if not tag["name"]:
        return ""  # a comment or a processing instruction
    name, end = tag["name"].lower(), tag["end"]
    values = {key.lower(): unescape(value.strip("\"'")) for key, value in ADDRESS.findall(tag["attributes"])}
    if heading := HEADING.fullmatch(name):
        return f"<{end}h{min(6, int(heading[1]) + 3)}>"
    if name == "img":
        return _picture_link(values, in_link=in_link)
    if name == "a" and (end or is_web(values.get("href", ""))):
        return "</a>" if end else f'<a href="{escape(values["href"])}">'
    if name == "details" and re.search(r"\bopen\b", tag["attributes"]):
        return "<details open>"
    if name in SIMPLE:
        return f"<{end}{name}>"
    return "" if name in SILENT else _escaped(tag[0])


def _picture_link(values: dict[str, str], *, in_link: bool) -> str:
    words = escape(f"[{values.get('alt') or 'picture'}]")
    address = values.get("src", "")
    return words if in_link or not is_web(address) else f'<a href="{escape(address)}">{words}</a>'


def is_web(address: str) -> bool:
    """Return whether an address is an absolute HTTP or HTTPS URL."""
    return address.lower().startswith(("https://", "http://"))
