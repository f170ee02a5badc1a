"""Tests that GitHub Flavored Markdown is rendered as on GitHub.

One test compares the words and tags with the output of ``cmark-gfm``, which is GitHub's own parser.
"""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import Any

import pytest

from core.operations.markdown import Flavour, Markup, excerpt, safe_html
from core.search.chunking.blocks import blocks
from tests.support.gfm_bodies import BODIES, NOT_COMPARED, SOURCES

GFM = Markup(flavour=Flavour.GFM)
CMARK = shutil.which("cmark-gfm")
OPTIONS = ["--unsafe", "--hardbreaks"]
EXTENSIONS = [word for name in ("table", "strikethrough", "autolink", "tagfilter", "tasklist") for word in ("-e", name)]


@pytest.mark.parametrize("name", BODIES)
def test_a_body_shows_what_its_author_meant(name: str) -> None:
    body, seen = BODIES[name]
    html = safe_html(body, GFM)
    assert [part for part in seen if part not in html] == [], html
    assert "\r" not in html
    assert "U+000D" not in html


@pytest.mark.skipif(CMARK is None, reason="cmark-gfm is not installed")
@pytest.mark.parametrize("name", [name for name in BODIES if name not in NOT_COMPARED])
def test_a_body_has_the_structure_that_the_reference_parser_gives_it(name: str) -> None:
    body, _ = BODIES[name]
    assert CMARK
    command = [CMARK, *OPTIONS, *EXTENSIONS]
    reference = subprocess.run(
        command, input=body.encode(), capture_output=True, check=True, timeout=30
    ).stdout.decode()
    assert structure(safe_html(body, GFM)) == structure(reference)


def test_constructs_beyond_the_specification_name_their_source() -> None:
    assert {name for name in BODIES if name.startswith("github:")} == set(SOURCES)
    assert all(source.startswith("https://docs.github.com/") for source in SOURCES.values())


@pytest.mark.parametrize("name", BODIES)
def test_line_ends_make_no_difference(name: str) -> None:
    body = re.sub("\r\n?", "\n", BODIES[name][0])
    for end in ("\r\n", "\r"):
        assert safe_html(body.replace("\n", end), GFM) == safe_html(body, GFM)
        assert excerpt(body.replace("\n", end), GFM) == excerpt(body, GFM)
        assert blocks(body.replace("\n", end)) == blocks(body)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("> asked\r\n\r\nanswered **so**", "answered so"), ("<!-- template -->\r\nwords", "words"),
        ("```\ncode\n```", "code"), ("> only quoted", "only quoted"), ("", ""),
        ("![gauge](https://x.example/y.png)", "gauge"),
        ("see [the page](https://example.org) :tada:", "see the page 🎉"), ("x" * 300, "x" * 199 + "…"),
        ("ACK 0123456789abcdef0123456789abcdef01234567", "ACK 0123456"),
    ],
)  # fmt: skip
def test_an_excerpt_is_one_line_without_markup_or_quotes(body: str, words: str) -> None:
    assert excerpt(body, GFM) == words


class _Tree(HTMLParser):
    """A parser that collects tags and words in order. It removes the few allowed differences from GitHub's HTML."""

    RENAMED = {"del": "s", "strike": "s", "h1": "h4", "h2": "h5", "h3": "h6", "h4": "h6", "h5": "h6"}
    WITHOUT_END = {"br", "hr", "img", "input"}

    def __init__(self, *, shifted: bool) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.shifted = shifted

    def _name(self, tag: str) -> str:
        return self.RENAMED.get(tag, tag) if self.shifted or not tag.startswith("h") else tag

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = {name: value for name, value in attrs if name in {"href", "start", "checked"}}
        if tag == "img":
            address, words = dict(attrs).get("src"), dict(attrs).get("alt")
            self.found += [("a", {"href": address}), f"[{words}]".split(), "/a"]
        else:
            self.found.append((self._name(tag), kept))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.WITHOUT_END:
            self.found.append(f"/{self._name(tag)}")

    def handle_data(self, data: str) -> None:
        if words := data.split():
            if self.found and isinstance(self.found[-1], list):
                self.found[-1] += words
            else:
                self.found.append(words)


def structure(html: str) -> list[Any]:
    """Return the tags and words of HTML in order. The only attributes are ``href``, ``start`` and ``checked``."""
    tree = _Tree(shifted=not re.search(r"<h[4-6]>", html))
    tree.feed(html)
    tree.close()
    return tree.found
