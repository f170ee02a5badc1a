"""Tests that every name in docs/Core_public_API.md can be imported from its documented module."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

import core.collectors
import core.operations
from core.operations import github_ops


def documented() -> Iterator[tuple[str, str]]:
    """Yield the module and the name of each entry in docs/Core_public_API.md."""
    module = ""
    for line in Path(settings.BASE_DIR, "docs", "Core_public_API.md").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## `([\w.]+)`", line):
            module = heading[1]
        elif heading := re.fullmatch(r"### `(\w+)`", line):
            yield module, heading[1]


@pytest.mark.parametrize(("module", "name"), list(documented()))
def test_a_documented_name_can_be_imported(module: str, name: str) -> None:
    assert getattr(import_module(module), name) is not None


def test_the_facades_are_documented_completely() -> None:
    names = set(documented())
    for facade in (core.collectors, core.operations, github_ops):
        assert {(facade.__name__, name) for name in facade.__all__} <= names


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = core.operations.Slack  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]
