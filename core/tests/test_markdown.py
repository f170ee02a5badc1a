"""Tests of Markdown as plain text and as safe HTML."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.operations.markdown import Flavour, Markup, excerpt, plain_text, safe_html

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[link](javascript:alert(1))",
    "[link](JaVaScRiPt:alert(1))",
    "[link](data:text/html;base64,PHNjcmlwdD4=)",
    "<javascript:alert(1)>",
    "![picture](https://elsewhere.example/pixel.png)",
    '![a" onerror="alert(1)](https://elsewhere.example/pixel.png)',
    "[![badge](https://elsewhere.example/pixel.png)](https://elsewhere.example/)",
    "<iframe src='https://elsewhere.example'></iframe>",
    "| a |\n|---|\n| <svg onload=alert(1)> |",
    "```html\n<script>alert(1)</script>\n```",
]
TAG = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>")
ALLOWED = {
    "a", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "h4", "h5", "h6", "hr", "i",
    "input", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span", "strike", "strong",
    "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
FLAVOURS = [Markup(flavour=flavour) for flavour in Flavour]
PIECES = [
    "```",
    ">>> ",
    "||",
    "<!--",
    "<a href=",
    "<img src=",
    "[x]: /a",
    *"<>[]()!*_`#|-~&\"'= \n\\:/abc1",
    "javascript:",
    "<script>",
    "http://",
    "\0",
    "潮",
]
MARKUP = st.lists(st.sampled_from(PIECES)).map("".join)


def is_safe(html: str) -> bool:
    """Return whether HTML contains only harmless tags, and links only to web and email addresses."""
    for _, name, attributes in TAG.findall(html):
        if name not in ALLOWED or re.search(r"\son\w+=", attributes):
            return False
        if re.search(r'(href|src)="(?!https?://|mailto:)', attributes, re.IGNORECASE):
            return False
    return True


@pytest.mark.parametrize("markup", FLAVOURS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_harmless(text: str, markup: Markup) -> None:
    assert is_safe(safe_html(text, markup))


# Hypothesis generates examples slowly on a busy machine. This test is not about speed.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MARKUP)
def test_any_markdown_is_harmless_and_has_words(text: str) -> None:
    for markup in FLAVOURS:
        assert is_safe(safe_html(text, markup))
        assert "\n" not in excerpt(text, markup)
    assert isinstance(plain_text(text), str)


@pytest.mark.parametrize(
    "text", ["[" * 5000, ">" * 5000, "*a " * 5000, "`" * 5001, "- " * 2000, "![a](" * 2000, "<a x='" * 3000]
)
def test_deeply_nested_markup_is_parsed(text: str) -> None:
    for markup in FLAVOURS:
        assert is_safe(safe_html(text, markup))
    plain_text(text)


def test_links_have_nofollow_and_noopener() -> None:
    assert 'rel="nofollow noopener noreferrer"' in safe_html("[here](https://example.org)")


def test_plain_text_has_all_words() -> None:
    assert plain_text("# Title\n\nSome *words* and `code`.\n\n```\nx = 1\n```") == "Title\nSome words and code.\nx = 1"


def test_plain_text_has_words_of_links_and_pictures_without_addresses() -> None:
    assert plain_text("[here](https://example.org) ![a cat](https://example.org/cat.png)") == "here a cat"


def test_plain_text_has_words_of_tables_and_lists() -> None:
    words = plain_text("| head |\n|---|\n| ~~cell~~ |\n\n- one\n  - two\n\n> quoted")
    assert words.split() == ["head", "cell", "one", "two", "quoted"]
