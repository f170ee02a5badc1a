"""A document source that tests can change, embedders without a real model, and checks of the index."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
from django.db import transaction
from django.test.utils import override_settings
from numpy.typing import NDArray

from core.models import Chunk, Document, IndexEntry, Scope
from core.search.chunking.cutting import cut
from core.search.documents import DocumentMark, Passage, RenderedDocument, mark_changed, mark_deleted
from core.search.embedders.base import Embedder, EmbedderInfo, Role
from core.search.embedders.local import count_tokens
from core.search.embedders.registry import EMBEDDERS
from core.search.indexes.base import vector_id
from core.search.namespaces import serving
from core.search.vectors import stored_vectors

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class HashEmbedder:
    """An embedder that computes the vector of a text from its hash. ``seen`` contains all embedded texts."""

    def __init__(self, name: str, dimension: int = 8) -> None:
        self.info = EmbedderInfo(fingerprint=f"hashed/{name}", dimension=dimension)
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        del role
        self.seen += texts
        vectors = np.zeros((len(texts), self.info.dimension), np.float32)
        for row, text in enumerate(texts):
            seed = hashlib.sha256(f"{self.info.fingerprint} {text}".encode()).digest()
            vectors[row] = np.random.default_rng(int.from_bytes(seed[:8], "big")).standard_normal(self.info.dimension)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@contextmanager
def model(name: str, dimension: int = 8) -> Iterator[HashEmbedder]:
    """Register and yield a HashEmbedder. During the block, the setting EMBEDDER selects it.

    The embedder stays registered afterwards, because a switch to another embedder still needs it.
    """
    embedder = HashEmbedder(name, dimension)

    def factory(fingerprint: str | None) -> Embedder | None:
        return embedder if fingerprint in {None, embedder.info.fingerprint} else None

    EMBEDDERS[name] = factory
    from core.search.embedders import registry

    registry._create.cache_clear()  # pyright: ignore[reportPrivateUsage]
    with override_settings(EMBEDDER=name):
        yield embedder


class FakeSource:
    """A source of documents. Vertical bars in the text of a document separate its passages."""

    source_system = "notes"
    renderer_version = 1

    def __init__(self, **texts: str) -> None:
        self.texts = texts
        self.scope, _ = Scope.objects.get_or_create(
            source_system="notes", external_id="1", defaults={"name": "notes/all"}
        )
        self.enqueue(*texts)

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        for name in external_ids:
            if name in self.texts:
                parts = self.texts[name].split("|")
                passages = [Passage(text=part, author="ada", at=NOW, kind="note") for part in parts]
                yield RenderedDocument(
                    external_id=name, kind="note", title=name, url="https://example.org", author="Ada",
                    occurred_at=NOW, passages=passages, state="open",
                )  # fmt: skip

    def write(self, **texts: str) -> None:
        """Add documents or change their texts, and enqueue these documents."""
        self.texts |= texts
        self.enqueue(*texts)

    def enqueue(self, *names: str) -> None:
        with transaction.atomic():
            mark_changed(
                DocumentMark(source_system="notes", external_id=name, kind="note", scope_id=self.scope.pk)
                for name in names
            )

    def delete(self, *names: str) -> None:
        for name in names:
            self.texts.pop(name, None)
        with transaction.atomic():
            mark_deleted("notes", names, NOW)

    def rename(self, name: str) -> None:
        """Rename the scope, and enqueue all its documents, because a rename changes each of them."""
        with transaction.atomic():
            Scope.objects.filter(pk=self.scope.pk).update(name=name)
            self.enqueue(*self.texts)

    def chunks(self) -> dict[str, str]:
        """Return the chunks that the index should contain, by vector id."""
        texts: dict[str, str] = {}
        for document in self.render(list(self.texts)):
            pieces = cut(document, count_tokens)
            texts |= {vector_id(document.external_id, n): piece.text for n, piece in enumerate(pieces)}
        return texts


def check_ledger(notes: FakeSource) -> None:
    """Check that the ledger and the stored chunks match the documents, and that every entry of the ledger is clean."""
    target = serving()
    assert target is not None
    expected = notes.chunks()
    assert stored_texts() == expected
    for entry in IndexEntry.objects.filter(namespace=target.namespace).select_related("document"):
        name, version = entry.document.external_id, entry.document.version
        wanted = sum(key.rpartition("#")[0] == name for key in expected)
        assert (name, entry.state, entry.chunks, entry.indexed_version) == (name, "clean", wanted, version)
    alive = set(Document.objects.filter(deleted_at=None).values_list("external_id", flat=True))
    entries = IndexEntry.objects.filter(namespace=target.namespace, document__deleted_at=None)
    assert alive == set(entries.values_list("document__external_id", flat=True))


def stored_texts() -> dict[str, str]:
    """Return the texts of all stored chunks by the id of the chunk."""
    rows = Chunk.objects.values_list("document__external_id", "ordinal", "text")
    return {vector_id(external_id, ordinal): text for external_id, ordinal, text in rows}


def vector_hashes() -> dict[str, str]:
    """Return the SHA-256 of the vectors that the index should contain, by vector id.

    The vectors are stored with half precision, and rounded to six decimals as in requests to the index.
    """
    target = serving()
    assert target is not None
    rows = Chunk.objects.values_list("document__external_id", "ordinal", "text_hash")
    hashes = {vector_id(external_id, ordinal): one for external_id, ordinal, one in rows}
    vectors = stored_vectors(target.embedder, list(hashes.values()))
    sent = {one: np.asarray(vector.astype("f8").round(6), "<f4").tobytes() for one, vector in vectors.items()}
    return {name: hashlib.sha256(sent[one]).hexdigest() for name, one in hashes.items()}
