"""Fixtures for all tests. Use ``pytest_plugins = ["samples.fixtures"]`` in the root ``conftest.py``."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from samples.community import SampleCommunity
from samples.discord import SampleDiscord
from samples.server import SampleServer


@pytest.fixture
def sample_server() -> Iterator[SampleServer]:
    """Yield a new server for the sample community."""
    with SampleServer() as server:
        yield server


@pytest.fixture
def sample_discord() -> Iterator[SampleDiscord]:
    """Yield a new server for the sample guild."""
    with SampleDiscord() as server:
        yield server


@pytest.fixture
def serve_community() -> Iterator[Callable[..., SampleServer]]:
    """Yield a function that starts servers for other communities or with other limits.

    The function takes the arguments of :class:`SampleServer`, for example
    ``serve_community(SampleCommunity.synthetic(issues=500), comment_limit=300)``. The servers are stopped after the
    test.
    """
    with ExitStack() as running:

        def serve(community: SampleCommunity | None = None, **options: int) -> SampleServer:
            return running.enter_context(SampleServer(community, **options))

        yield serve
