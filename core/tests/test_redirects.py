"""Tests that credentials are sent only to the origin in their setting, for all kinds of redirects."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.errors import CollectorError
from core.operations import bounds
from core.operations.bounds import child_environment, run_ends_after
from core.operations.github_ops.git import GitMirror
from core.operations.pinecone_ops import client
from tests.support.credential_clients import CLIENTS, SECRET
from tests.support.misbehaving_servers import redirecting

REDIRECTS = {
    "moved for good": (301, "http://127.0.0.1:{port}/elsewhere"),
    "found": (302, "http://127.0.0.1:{port}/elsewhere"),
    "see other": (303, "http://127.0.0.1:{port}/elsewhere"),
    "moved for now, same method": (307, "http://127.0.0.1:{port}/elsewhere"),
    "moved for good, same method": (308, "http://127.0.0.1:{port}/elsewhere"),
    "without a scheme": (302, "//127.0.0.1:{port}/elsewhere"),
    "another name of this machine": (307, "http://localhost:{port}/repos/owner/name"),
    "with a user and the same path": (
        301,
        "http://someone:word@127.0.0.1:{port}/owner/name.git/info/refs",  # pragma: allowlist secret
    ),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bounds, "GRACE", 0.1)
    yield
    client.forget_clients()


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize(("status", "target"), REDIRECTS.values(), ids=REDIRECTS)
def test_a_redirect_takes_no_credential_to_another_origin(
    client: Callable[[str, Path], None], status: int, target: str, tmp_path: Path
) -> None:
    with redirecting(status, target) as (first, other), run_ends_after(10):
        with pytest.raises(CollectorError):
            client(first.url, tmp_path)
        assert first.requests
        assert other.requests == []


@pytest.mark.parametrize("name", ["git", "Discord", "embedding endpoint", "Slack post", "Pinecone models"])
def test_a_refused_redirect_names_the_setting(name: str, tmp_path: Path) -> None:
    settings = {
        "git": "GITHUB_GIT_URL", "Discord": "DISCORD_API_BASE", "embedding endpoint": "EMBEDDING_API_URL",
        "Slack post": "SLACK_API_BASE", "Pinecone models": "PINECONE_HOST",
    }  # fmt: skip
    with (
        redirecting(302, "http://127.0.0.1:{port}/") as (first, _),
        pytest.raises(bounds.RedirectRefused, match=settings[name]),
    ):
        CLIENTS[name](first.url, tmp_path)


def test_child_processes_get_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GITHUB_TOKENS", "DISCORD_BOT_TOKEN", "PINECONE_API_KEY", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    found = GitMirror("https://example.org/owner/name.git", tmp_path, None).environment
    assert SECRET not in "".join(found.values())
    assert found["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert found["PATH"]
    assert child_environment({"ONE": "1"})["ONE"] == "1"
