"""What the tests of core share."""

from collections.abc import Iterator

import pytest

from tests.support.pinecone_twin import Twin
from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def script() -> Iterator[ScriptedServer]:
    """A running server that answers what it is told."""
    with ScriptedServer() as running:
        yield running


@pytest.fixture(scope="session")
def running_twin() -> Iterator[Twin]:
    """One stand-in for all tests of a process."""
    twin = Twin()
    yield twin
    twin.stop()


@pytest.fixture
def twin(running_twin: Twin) -> Twin:
    """The stand-in for Pinecone, empty."""
    running_twin.reset()
    return running_twin
