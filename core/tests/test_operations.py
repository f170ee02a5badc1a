"""Redaction, files, markdown."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.operations.files import Workspace, open_atomic
from core.operations.markdown import plain_text, safe_html
from core.operations.redaction import redact, register_secret

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[link](javascript:alert(1))",
    "![picture](https://elsewhere.example/pixel.png)",
    "<iframe src='https://elsewhere.example'></iframe>",
]


@pytest.mark.parametrize(
    "text",
    [
        "ghp_" + "x" * 36,
        "github_pat_" + "x" * 30,
        "xoxb-123456789-abcdefgh",
        "Authorization: Bearer something-long-enough",
        "postgres://user:hidden-word@host/db",
        "https://host/?token=hidden-word",
    ],
)
def test_a_secret_is_hidden(text: str) -> None:
    shown = redact(f"failed with {text} at once")
    assert "***" in shown
    assert not any(part in shown for part in ("xxxxxx", "hidden-word", "abcdefgh", "something-long-enough"))


def test_a_registered_secret_is_hidden_wherever_it_stands() -> None:
    register_secret("correct horse battery")
    assert redact("it was correct horse battery, was it") == "it was ***, was it"


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


def write_half(target: Path) -> None:
    """Fails in the middle."""
    with open_atomic(target) as file:
        file.write("half")
        raise RuntimeError


def test_a_file_that_fails_half_way_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_half(tmp_path / "out.txt")
    assert not list(tmp_path.iterdir())


def test_a_failed_file_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError):
        write_half(target)
    assert target.read_text() == "old"


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_no_name_leads_out_of_the_workspace(names: list[str]) -> None:
    root = Path("/workspace")
    if any("\ud800" <= c <= "\udfff" for name in names for c in name):
        return
    path = Workspace(root).path(*names)
    assert len(path.parts) == len(root.parts) + len(names)
    assert ".." not in path.parts


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_harmless(text: str) -> None:
    html = safe_html(text)
    assert not any(bad in html for bad in ("<script", "<img", "<iframe", 'href="javascript'))


def test_the_words_of_a_text_are_kept() -> None:
    assert plain_text("# Title\n\nSome *words* and `code`.\n\n```\nx = 1\n```") == "Title\nSome words and code.\nx = 1"
