"""Tests of ``JsonReader``: the same values as the standard library, line numbers of errors, and limited memory use."""

import io
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.operations import json_stream
from core.operations.json_stream import BadJson, JsonReader

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(text: str | bytes) -> dict[str, Any]:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    reader = JsonReader(io.BytesIO(data))
    found: dict[str, Any] = {}
    for key in reader.names():
        found[key] = [value for _, value in reader.items()] if key == "items" else reader.value()[1]
    return found


@given(
    whole=st.dictionaries(st.text(), VALUES),
    items=st.lists(VALUES),
    step=st.integers(1, 40),
    indent=st.none() | st.just(2),
)
def test_it_reads_the_same_as_the_standard_library(whole: Any, items: Any, step: int, indent: int | None) -> None:
    whole["items"] = items
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_stream, "STEP", step)
        assert read(json.dumps(whole, indent=indent)) == whole


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("[]", 1),
        ('{"a": 1,\n"items": [\n1,\n2\n', 5),
        ('{"items": [\n{"a": 1}\n{"a": 2}]}', 3),
        ('{"items": [\n{"a": 1},\n{"a": tru}]}', 3),
        ('{"items": [\n{"a": "cut', 2),
        ('{"a": 1}\n\nmore', 3),
        ("{\n1: 2}", 2),
        ('{"a": ' + "[" * 100_000, 1),
        ('{"a":\n' + "9" * 5000 + "}", 2),
        (b'{"a":\n"\xff"}', 2),
        (b'{"a": 1}\n\xe2', 2),
    ],
)
def test_invalid_json_is_refused_with_its_line(text: str | bytes, line: int) -> None:
    with pytest.raises(BadJson) as caught:
        read(text)
    assert caught.value.line == line


def test_items_know_their_lines() -> None:
    reader = JsonReader(io.BytesIO(b'{"items": [\n  {"a":\n 1},\n\n  2]}'))
    assert [(key, list(reader.items())) for key in reader.names()] == [("items", [(2, {"a": 1}), (5, 2)])]


def test_a_value_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "STEP", 10)
    monkeypatch.setattr(json_stream, "LONGEST", 1000)
    file = io.BytesIO(b'{"a": "' + b"x" * 100_000)
    with pytest.raises(BadJson):
        list(JsonReader(file).value())
    assert file.tell() < 5000


def test_a_large_file_is_never_completely_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "STEP", 100)
    file = io.BytesIO(b'{"items": [' + b",".join(b'{"a": "some words"}' for _ in range(1000)) + b"]}")
    reader = JsonReader(file)
    places = [file.tell() for _ in reader.names() for _ in reader.items()]
    assert places[0] <= 100
    assert max(b - a for a, b in pairwise(places)) <= 100
