"""Fixtures for all tests: ``pytest_plugins = ["samples.fixtures"]`` in the root ``conftest.py``."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from samples.community import SampleCommunity
from samples.discord import SampleDiscord
from samples.server import SampleServer


@pytest.fixture
def sample_server() -> Iterator[SampleServer]:
    """A server for the sample community, new for every test."""
    with SampleServer() as server:
        yield server


@pytest.fixture
def sample_discord() -> Iterator[SampleDiscord]:
    """A server for the sample guild, new for every test."""
    with SampleDiscord() as server:
        yield server


@pytest.fixture
def serve_community() -> Iterator[Callable[..., SampleServer]]:
    """Starts servers of other communities, or with other limits, and stops them after the test.

    Called with the arguments of :class:`SampleServer`, such as
    ``serve_community(SampleCommunity.synthetic(issues=500), comment_limit=300)``.
    """
    with ExitStack() as running:

        def serve(community: SampleCommunity | None = None, **options: int) -> SampleServer:
            return running.enter_context(SampleServer(community, **options))

        yield serve
