"""What the tests of core share."""

from collections.abc import Iterator

import pytest

from core.tests.scripted import ScriptedServer


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    """A running server that answers what it is told."""
    with ScriptedServer() as running:
        yield running
