"""Functions that send one request with each client that uses a credential."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from core.operations.bounds import Allowance
from core.operations.discord_ops import RequestBudget, open_client
from core.operations.embedding_endpoint import EmbeddingEndpoint
from core.operations.github_ops.client import GitHubClient
from core.operations.github_ops.git import GitMirror
from core.operations.github_ops.tokens import TokenPool
from core.operations.http import Transport
from core.operations.pinecone_ops import PineconeInference, PineconeStore, client
from core.operations.slack_ops import Message, SlackClient

SECRET = "a-secret-of-these-tests"


def _github(url: str) -> GitHubClient:
    return GitHubClient(url, TokenPool([SECRET]), Transport(Allowance(), attempts=1))


def rest(url: str, folder: Path) -> None:
    _github(url).get("/repos/owner/name", scope="owner/name")


def graphql(url: str, folder: Path) -> None:
    _github(url).graphql("query { viewer { login } }")


def git(url: str, folder: Path) -> None:
    GitMirror(f"{url}/owner/name.git", folder / "mirror.git", SECRET).update()


def discord(url: str, folder: Path) -> None:
    async def log_in() -> None:
        await open_client(SECRET, f"{url}/api/v10", budget=RequestBudget())

    asyncio.run(log_in())


def _store(url: str) -> PineconeStore:
    client.forget_clients()
    return PineconeStore(SECRET, host=url, index="activity", namespace="one", region="aws/us-east-1")


def pinecone_control(url: str, folder: Path) -> None:
    _store(url).exists()


def pinecone_index(url: str, folder: Path) -> None:
    """Query an index. The URL contains ``.svc.``, because the client recognizes the URL of an index by this text."""
    _store(f"{url}/one.svc.local").query([0.1, 0.2], None, 3)


def pinecone_models(url: str, folder: Path) -> None:
    PineconeInference(SECRET, host=url).embed("multilingual-e5-large", ["text"], role="passage")


def embedding(url: str, folder: Path) -> None:
    EmbeddingEndpoint(url, SECRET, transport=Transport(Allowance(), attempts=1)).embed("model", ["text"])


def slack_post(url: str, folder: Path) -> None:
    SlackClient(SECRET, f"{url}/api/", patience=0).post("C1", Message(title="Recovered"), key="1")


def slack_read(url: str, folder: Path) -> None:
    next(iter(SlackClient(SECRET, f"{url}/api/", patience=0).history("C1")))


CLIENTS: dict[str, Callable[[str, Path], None]] = {
    "GitHub REST": rest,
    "GitHub GraphQL": graphql,
    "git": git,
    "Discord": discord,
    "Pinecone control plane": pinecone_control,
    "Pinecone index": pinecone_index,
    "Pinecone models": pinecone_models,
    "embedding endpoint": embedding,
    "Slack post": slack_post,
    "Slack read": slack_read,
}
