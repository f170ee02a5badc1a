"""Measures a sync of the index: time relative to embedding alone, speed with a constant model, and peak memory."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.test.utils import override_settings
from numpy.typing import NDArray

from bench.collection import seconds
from core.models import Chunk, Document, Embedding, IndexEntry, Namespace, Scope
from core.search.documents import DocumentMark, Passage, RenderedDocument, mark_changed
from core.search.embedders.base import Embedder, EmbedderInfo, Role
from core.search.embedders.registry import EMBEDDERS, get_embedder
from core.search.sync import sync

FEW, MANY = 10_000, 300_000
EMBEDDED, FREE = 400, 30_000
ROUNDS = 3
PASSAGES = 6
WORDS = [f"{a}{b}" for a in ("tide", "buoy", "chart", "gauge", "boat", "rope", "light") for b in
         ("", "s", "ing", "ed", "less", "ful", "house", "line", "work", "man")]  # fmt: skip
SENTENCES = [" ".join(random.Random(n).choices(WORDS, k=5 + n % 35)) for n in range(1000)]  # noqa: S311
PEAK = (
    "import re, sys, django; django.setup(); from django.core.management import call_command; "
    "call_command('migrate', verbosity=0); from bench.index import fill_free; fill_free(int(sys.argv[1])); "
    "print('peak', int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
)


class ConstantModel:
    """An embedding model that returns the same vector for every text, without computing anything."""

    info = EmbedderInfo(fingerprint="bench/free", dimension=384)
    vector = np.full(384, 384**-0.5, np.float32)

    def embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        """Return the constant vector for each text."""
        del role
        return np.broadcast_to(self.vector, (len(texts), 384)).copy()


def _free(fingerprint: str | None) -> Embedder | None:
    return ConstantModel() if fingerprint in {None, ConstantModel.info.fingerprint} else None


def _sentence(number: int) -> str:
    return SENTENCES[number % len(SENTENCES)]


class Threads:
    """A source of documents with passages of a few dozen words. Documents are generated on demand to save memory."""

    source_system = "bench"
    renderer_version = 1

    def render(self, external_ids: Sequence[str]) -> Iterator[RenderedDocument]:
        """Yield a document for each id."""
        for name in external_ids:
            first, at = int(name.rpartition(":")[2]) * PASSAGES, datetime(2026, 1, 1, tzinfo=UTC)
            passages = [
                Passage(
                    text=f"{_sentence(7 * (first + n))} {_sentence(11 * (first + n) + 5)} {name}-{n}.",
                    author=f"person{n}", at=at + timedelta(hours=n), url=f"https://example.org/{name}#{n}",
                )
                for n in range(PASSAGES)
            ]  # fmt: skip
            yield RenderedDocument(
                external_id=name, kind="issue", title=f"About {WORDS[first % len(WORDS)]} and {name}", author="person0",
                url=f"https://example.org/{name}", occurred_at=at, passages=passages,
            )  # fmt: skip


def enqueue_documents(chunks: int) -> Threads:
    """Delete all documents, queue new documents with about ``chunks`` chunks in total, and return their source."""
    for model in (IndexEntry, Chunk, Namespace, Embedding, Document):
        model.objects.all().delete()
    scope, _ = Scope.objects.get_or_create(source_system="bench", external_id="1", defaults={"name": "bench/all"})
    for start in range(0, chunks // PASSAGES, 5000):
        names = range(start, min(start + 5000, chunks // PASSAGES))
        with transaction.atomic():
            mark_changed(
                DocumentMark(source_system="bench", external_id=f"bench:{n}", kind="issue", scope_id=scope.pk)
                for n in names
            )
    return Threads()


def fill_free(chunks: int) -> float:
    """Return the seconds that a sync of about ``chunks`` new chunks with the constant model takes."""
    EMBEDDERS["free"] = _free
    with override_settings(EMBEDDER="free"):
        source = enqueue_documents(chunks)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return seconds(lambda: sync([source]))


def measure_local() -> str:
    """Return one line: the time of a sync relative to embedding the same texts, as the median of several rounds."""
    embedder = get_embedder()
    embedder.embed(["warm"], "passage")
    rounds: list[tuple[float, float, int]] = []
    for _ in range(ROUNDS):
        source = enqueue_documents(EMBEDDED)
        whole = seconds(lambda source=source: sync([source]))
        texts = [f"{prefix}{text}" for prefix, text in Chunk.objects.values_list("prefix", "text")]
        rounds.append((whole, seconds(lambda texts=texts: embedder.embed(texts, "passage")), len(texts)))
    whole, bare, chunks = sorted(rounds, key=lambda times: times[0] / times[1])[ROUNDS // 2]
    pace = f"{chunks} chunks, {chunks / bare:.0f}/s"
    return f"index / embed: {whole:.2f} s / {bare:.2f} s = {whole / bare:.2f} ({pace})"


def measure_pace() -> str:
    """Return one line: the number of chunks per second with the constant model, as the median of several rounds."""
    took = sorted(fill_free(FREE) for _ in range(ROUNDS))[ROUNDS // 2]
    count = Chunk.objects.count()
    return f"index with a constant model: {count / took:,.0f} chunks/s ({count:,} chunks)"


def peak(chunks: int) -> int:
    """Return the peak memory in MiB of a process that indexes ``chunks`` chunks in its own database."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        command = [sys.executable, "-c", PEAK, str(chunks)]
        done = subprocess.run(command, env=os.environ | {"VAR_DIR": var}, capture_output=True, text=True, check=True)
        time.sleep(0.5)
        return int(done.stdout.rpartition("peak ")[2])


def measure_memory() -> str:
    """Return one line: the peak memory for few and for many chunks."""
    few, many = peak(FEW), peak(MANY)
    return f"index, peak memory: {few} MiB for {FEW:,} chunks, {many} MiB for {MANY:,}"


def measure() -> str:
    """Return the results of all three benchmarks, each on its own line."""
    return "\n".join(line() for line in (measure_local, measure_pace, measure_memory))
