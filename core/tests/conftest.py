"""Fixtures for the tests of core."""

from collections.abc import Iterator

import pytest

from tests.support.pinecone_twin import Twin
from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    """Yield a running server that sends scripted replies."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture(scope="session")
def running_twin() -> Iterator[Twin]:
    """Yield one fake Pinecone server that all tests of a process share."""
    twin = Twin()
    yield twin
    twin.stop()


@pytest.fixture
def twin(running_twin: Twin) -> Twin:
    """Return the fake Pinecone server, without data."""
    running_twin.reset()
    return running_twin
