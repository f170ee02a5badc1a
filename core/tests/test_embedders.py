"""Tests of embedding models on other servers and on this machine."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.test.utils import override_settings

from core.errors import AccessDenied, DocumentRefused, ReplaceToken, RetryLater, UnexpectedAnswer
from core.operations.embedding_endpoint import EmbeddingEndpoint
from core.search.embedders.local import LocalEmbedder
from core.search.embedders.registry import get_embedder
from tests.support.pinecone_twin import Twin
from tests.support.scripted_server import Reply, ScriptedServer

KEY = "a-secret-of-the-tests"


def answer(*vectors: list[float], order: list[int] | None = None) -> Reply:
    items = [{"index": n, "embedding": vector} for n, vector in enumerate(vectors)]
    return Reply(body=json.dumps({"data": [items[n] for n in order or range(len(items))]}).encode())


def refusal(status: int, words: str, **headers: str) -> Reply:
    body = json.dumps({"error": {"message": f"{words} {KEY}"}}).encode()
    return Reply(status=status, headers={"Content-Type": "application/json", **headers}, body=body)


@pytest.fixture
def endpoint(script: ScriptedServer) -> EmbeddingEndpoint:
    return EmbeddingEndpoint(script.url, KEY, transport=script.transport())


@pytest.fixture
def settled(script: ScriptedServer) -> Iterator[ScriptedServer]:
    with override_settings(EMBEDDER="openai", EMBEDDING_API_URL=script.url, EMBEDDING_API_KEY=KEY, EMBEDDING_MODEL="m"):
        yield script


def test_vectors_are_put_in_the_order_of_their_texts(endpoint: EmbeddingEndpoint, script: ScriptedServer) -> None:
    script.replies = [answer([1.0], [2.0], order=[1, 0])]
    assert endpoint.embed("m", ["a", "b"]) == [[1.0], [2.0]]
    assert script.seen[0]["Authorization"] == f"Bearer {KEY}"


def test_limits_and_outages_are_waited_for(endpoint: EmbeddingEndpoint, script: ScriptedServer) -> None:
    script.replies = [refusal(429, "slow", **{"Retry-After": "3"}), Reply(status=503), answer([1.0])]
    assert endpoint.embed("m", ["a"]) == [[1.0]]
    assert script.slept[0] == 3.0


@pytest.mark.parametrize(
    ("reply", "error"),
    [(refusal(401, "bad key"), ReplaceToken), (refusal(403, "no"), AccessDenied), (refusal(402, "pay"), AccessDenied),
     (refusal(429, "insufficient_quota"), AccessDenied), (refusal(400, "too long"), DocumentRefused),
     (refusal(429, "slow", **{"Retry-After": "9999"}), RetryLater), (Reply(body=b"{}"), UnexpectedAnswer),
     (Reply(body=b'{"data": [{"embedding": ["x"]}]}'), UnexpectedAnswer)],
)  # fmt: skip
def test_refusals_say_what_to_do_and_no_secret(
    endpoint: EmbeddingEndpoint, script: ScriptedServer, reply: Reply, error: type[Exception]
) -> None:
    script.replies = [reply]
    with pytest.raises(error) as raised:
        endpoint.embed("m", ["a"])
    assert KEY not in str(raised.value)


def test_an_endpoint_tells_its_dimension_and_is_found_again_by_its_fingerprint(settled: ScriptedServer) -> None:
    settled.replies = [answer([3.0, 4.0])]
    embedder = get_embedder()
    assert embedder.info.dimension == 2
    assert embedder.embed(["a"], "query").tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
    again = get_embedder(embedder.info.fingerprint)
    assert again.info == embedder.info


@pytest.mark.parametrize("vector", [[0.0, 0.0], [float("nan"), 1.0], [1.0]])
def test_a_vector_without_direction_or_of_another_length_is_not_believed(
    settled: ScriptedServer, vector: list[float]
) -> None:
    settled.replies = [answer([3.0, 4.0]), Reply(body=json.dumps({"data": [{"embedding": vector}]}).encode())]
    embedder = get_embedder()
    assert embedder.info.dimension == 2
    with pytest.raises(UnexpectedAnswer):
        embedder.embed(["a"], "passage")


@pytest.mark.twin
@pytest.mark.parametrize("name", ["multilingual-e5-large", "llama-text-embed-v2"])
def test_hosted_models_read_passages_and_queries_in_their_own_way(twin: Twin, name: str) -> None:
    here: dict[str, Any] = {"PINECONE_HOST": twin.url, "PINECONE_API_KEY": "a-key-of-tests", "EMBEDDING_MODEL": name}
    with override_settings(EMBEDDER="pinecone", **here):
        embedder = get_embedder()
        texts = [f"text {n}" for n in range(200)] + [""]
        passages, queries = embedder.embed(texts, "passage"), embedder.embed(texts, "query")
        assert passages.shape == (201, 1024)
        assert np.allclose(np.linalg.norm(passages, axis=1), 1)
        assert not np.allclose(passages, queries)
        assert get_embedder(embedder.info.fingerprint).info == embedder.info
    assert twin.count("inference.embed") == 2 * 3  # at most 96 texts per request


def test_the_local_vector_of_a_text_does_not_depend_on_its_neighbours() -> None:
    embedder = LocalEmbedder()
    texts = ["short", "a longer text " * 20, "", "潮位"]
    together = embedder.embed(texts, "passage")
    alone = np.concatenate([embedder.embed([text], "passage") for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
