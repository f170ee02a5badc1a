"""The few HTML tags that people write between their Markdown, cut down to what can do no harm."""

import re
from html import escape, unescape

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
"""Tags that are kept, without their attributes.

https://github.com/gjtorikian/html-pipeline/blob/main/lib/html_pipeline/sanitization_filter.rb
"""
SILENT = frozenset({"center", "font", "picture", "source", "video", "section", "figure", "figcaption", "a"})
"""Tags that leave nothing but what they hold."""
HEADING = re.compile(r"h([1-6])")


def harmless(html: str, *, in_link: bool = False) -> str:
    """Return HTML in which known tags are plain, comments are gone, and everything else is shown as it was typed."""
    parts: list[str] = []
    end = 0
    for tag in TAG.finditer(html):
        parts += (_text(html[end : tag.start()]), _tag(tag, in_link=in_link))
        end = tag.end()
    return "".join([*parts, _text(html[end:])])


def without_tags(html: str) -> str:
    """Return the words between tags."""
    return unescape(TAG.sub(" ", html))


def _text(text: str) -> str:
    return text.replace("<", "&lt;").replace(">", "&gt;")


def _tag(tag: re.Match[str], *, in_link: bool) -> str:
    if not tag["name"]:
        return ""  # a comment or a processing instruction
    name, end = tag["name"].lower(), tag["end"]
    values = {key.lower(): unescape(value.strip("\"'")) for key, value in ADDRESS.findall(tag["attributes"])}
    if heading := HEADING.fullmatch(name):
        return f"<{end}h{min(6, int(heading[1]) + 3)}>"
    if name == "img":
        return _picture(values, in_link=in_link)
    if name == "a" and (end or is_web(values.get("href", ""))):
        return "</a>" if end else f'<a href="{escape(values["href"])}">'
    if name == "details" and re.search(r"\bopen\b", tag["attributes"]):
        return "<details open>"
    if name in SIMPLE:
        return f"<{end}{name}>"
    return "" if name in SILENT else _text(tag[0])


def _picture(values: dict[str, str], *, in_link: bool) -> str:
    words = escape(f"[{values.get('alt') or 'picture'}]")
    address = values.get("src", "")
    return words if in_link or not is_web(address) else f'<a href="{escape(address)}">{words}</a>'


def is_web(address: str) -> bool:
    """Whether an address leads to the web, whatever the page around it is."""
    return address.lower().startswith(("https://", "http://"))
