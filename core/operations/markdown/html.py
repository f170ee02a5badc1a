"""Renders Markdown as safe HTML."""

import re
from collections.abc import Iterator, Sequence
from html import escape

import nh3
from markdown_it.token import Token

from core.operations.markdown.inline import harmless, inline
from core.operations.markdown.markup import PLAIN, Flavour, Markup, parser, tokens

TAGS = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h4", "h5", "h6", "hr", "i",
    "input", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span", "strike", "strong",
    "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"}, "ol": {"start"}, "details": {"open"}, "span": {"title", "tabindex"},
    "input": {"checked", "disabled"},
}  # fmt: skip
CLASSES = {
    "a": {"reference"}, "span": {"reference", "spoiler"}, "ul": {"contains-task-list"}, "ol": {"contains-task-list"},
    "li": {"task-list-item"}, "p": {"markdown-alert-title"}, "section": {"footnotes"}, "td": {"right", "center"},
    "th": {"right", "center"},
    "div": {
        "suggestion", "markdown-alert", "markdown-alert-note", "markdown-alert-tip", "markdown-alert-important",
        "markdown-alert-warning", "markdown-alert-caution",
    },
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}
REL = "nofollow noopener noreferrer"
ALIGNED = re.compile(r"text-align:(right|center)")
MOST_HEADINGS_IN_CHAT = 3


def safe_html(markdown: str, markup: Markup = PLAIN) -> str:
    """Render Markdown as HTML without scripts and images. Links lead only to the web, mail addresses or this site.

    HTML in the text is reduced to plain tags, and the parser's output is cleaned again. Links to this site are allowed
    only if ``markup`` created them.
    """
    rendered = list(_prepared(tokens(markdown, markup.flavour), markup))
    own = {str(t.attrs["href"]) for token in rendered for t in token.children or () if t.meta.get("own")}
    markdown_it = parser(markup.flavour)
    html = str(markdown_it.renderer.render(rendered, markdown_it.options, {}))
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        tag_attribute_values={"input": {"type": {"checkbox"}}},
        set_tag_attribute_values={"input": {"aria-label": "Task"}},
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        link_rel=REL,
        url_relative=lambda address: address if address in own else None,
    )


def _prepared(tokens: Sequence[Token], markup: Markup) -> Iterator[Token]:
    for position, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = _heading(token, markup.flavour)
            if token.tag == "p" and token.nesting == 1:
                (tokens[position + 1].children or []).insert(0, Token("text", "", 0, content=f"{token.markup} "))
        elif token.type == "html_block":
            token.content = harmless(token.content)
        elif token.type in {"td_open", "th_open"} and (align := ALIGNED.search(str(token.attrs.get("style", "")))):
            token.attrs = {"class": align[1]}
        elif token.type == "fence" and token.info.strip() == "suggestion" and markup.flavour is Flavour.GFM:
            yield Token("html_block", "", 0, content=_suggestion(token.content))
            continue
        if token.children:
            token.children = list(_children(token.children, markup))
        yield token


def _heading(token: Token, flavour: Flavour) -> str:
    """Return the tag for a heading: ``h4`` to ``h6``, because the headings of the page rank higher.

    Chat programs have only three levels of headings. Deeper headings become paragraphs.
    """
    level = int(token.tag[1]) if token.tag.startswith("h") else 6
    if flavour is Flavour.CHAT and level > MOST_HEADINGS_IN_CHAT:
        return "p"
    return f"h{min(6, level + 3)}"


def _children(tokens: Sequence[Token], markup: Markup) -> Iterator[Token]:
    for token in inline(tokens, markup):
        if markup.flavour is Flavour.CHAT and token.type in {"strong_open", "strong_close"} and token.markup == "__":
            token.tag = "u"
        if token.type == "span_open" and token.attrs.get("class") == "spoiler":
            token.attrs["tabindex"] = "0"
        yield token


def _suggestion(code: str) -> str:
    """Return HTML for the suggested change of a review comment.

    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/commenting-on-a-pull-request
    """
    return f'<div class="suggestion"><p>Suggested change</p><pre><code>{escape(code)}</code></pre></div>\n'
