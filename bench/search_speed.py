"""Measures the time of a search among 100,000 chunks, including the time to embed the query.

The frequencies of words follow a Zipf distribution. The most frequent words come from the sample
community. Vectors are scattered around a few hundred topics. Run it with ``python -m bench.search_speed [chunks]``.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from core.search.filters import Filters

CHUNKS = 100_000
CHUNKS_PER_DOCUMENT = 8
VOCABULARY, TOPICS = 60_000, 300
QUERIES = 60
FIELDS = ("document_id", "ordinal", "text", "prefix", "words", "url", "text_hash")


def main() -> None:
    """Print the times of searches in the database in VAR_DIR, or in a temporary database if VAR_DIR is not set.

    The database is filled first, unless it already has enough chunks.
    """
    chunks = int(sys.argv[1]) if len(sys.argv) > 1 else CHUNKS
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        os.environ |= {"VAR_DIR": os.environ.get("VAR_DIR") or var, "DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for line in measure(chunks):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def measure(chunks: int = CHUNKS) -> Iterator[str]:
    """Yield a header, a line with the times of each search mode without filters, and the same lines with filters."""
    from core.models import Chunk
    from core.search.filters import Filters

    dice = random.Random(1)  # noqa: S311  # repeatable texts, not a secret
    words, chances = _vocabulary(dice)
    if Chunk.objects.count() < chunks:
        fill(chunks, dice, words, chances)
    questions = [" ".join(_draw(dice, words, chances, dice.randint(3, 9))) for _ in range(QUERIES)]
    yield f"{chunks:,} chunks, {QUERIES} queries; milliseconds: median, 95th percentile"
    filtered = Filters(source="bench", scope="bench/3", kind="issue")
    for name, filters in (("all", Filters()), ("filtered", filtered)):
        for mode in ("text", "dense", "hybrid"):
            yield f"{mode:7} {name:9} {_formatted(_times(questions, mode, filters))}"


def _vocabulary(dice: random.Random) -> tuple[list[str], list[float]]:
    """Return words and their cumulative weights.

    The first words are those of the sample community, most frequent first. Generated words follow.
    """
    from collections import Counter
    from pathlib import Path

    folder = Path(__file__).parent.parent / "samples" / "community" / "data"
    sample = " ".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.toml")))
    sample_words = [
        word for word, _ in Counter(word.strip("\"'`.,:;()[]{}=").lower() for word in sample.split()).most_common()
    ]
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in "aeiou"]
    generated = ("".join(dice.choices(syllables, k=dice.randint(2, 4))) for _ in range(VOCABULARY))
    words = list(dict.fromkeys([*filter(None, sample_words), *generated]))
    return words, list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))


def _draw(dice: random.Random, words: Sequence[str], chances: Sequence[float], count: int) -> list[str]:
    return dice.choices(words, cum_weights=chances, k=count)


def fill(chunks: int, dice: random.Random, words: Sequence[str], chances: Sequence[float]) -> None:
    """Create documents in ten scopes. Each chunk has 10 to 150 words and a vector near the topic of its document."""
    import numpy as np
    from django.db import connection

    from core.db.binary_copy import bigint, copy_rows, halfvec, integer, smallint, text
    from core.models import Document, Scope
    from core.search.namespaces import serving_or_new
    from core.search.query.text import refresh_common_words
    from core.search.vectors import model_key

    scopes = [Scope.objects.create(source_system="bench", external_id=str(n), name=f"bench/{n}") for n in range(10)]
    new = [
        Document(
            source_system="bench", external_id=f"bench:{n}", scope=dice.choice(scopes), author=f"person-{n % 50}",
            kind=dice.choice(["issue", "pull_request", "commit"]), title=" ".join(_draw(dice, words, chances, 7)),
        )
        for n in range(chunks // CHUNKS_PER_DOCUMENT + 1)
    ]  # fmt: skip
    documents = Document.objects.bulk_create(new, batch_size=5000)
    generator = np.random.default_rng(1)
    namespace = serving_or_new().namespace
    dimension, model = namespace.dimension, model_key(namespace.embedder)
    topics = generator.standard_normal((TOPICS, dimension))

    def texts() -> Iterator[tuple[bytes, ...]]:
        for n in range(chunks):
            document, ordinal = documents[n // CHUNKS_PER_DOCUMENT], n % CHUNKS_PER_DOCUMENT
            words_of_text = " ".join(_draw(dice, words, chances, min(150, 10 + int(dice.expovariate(1 / 50)))))
            yield (
                bigint(document.pk), integer(ordinal),
                *map(text, (words_of_text, "", "", "")), UUID(int=n).bytes,
            )  # fmt: skip

    def vectors() -> Iterator[tuple[bytes, ...]]:
        for n in range(chunks):
            document = documents[n // CHUNKS_PER_DOCUMENT]
            vector = topics[document.pk % TOPICS] + generator.standard_normal(dimension)
            half = (vector / np.linalg.norm(vector)).astype(">f2")
            yield smallint(model), UUID(int=n).bytes, halfvec(half.tobytes())

    copy_rows("core_chunk", FIELDS, texts())
    copy_rows("core_embedding", ("model_id", "text_hash", "vector"), vectors())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_vector (document_id, ordinal, namespace_id, embedding_id)"
            " SELECT c.document_id, c.ordinal, %s, e.id FROM core_chunk c JOIN core_embedding e USING (text_hash)",
            [namespace.pk],
        )
        cursor.execute("VACUUM ANALYZE core_chunk, core_embedding, core_vector, core_document")
    refresh_common_words(force=True)


def _times(questions: Sequence[str], mode: Any, filters: "Filters") -> list[float]:
    from core.search.query.search import search

    run: Callable[[str], object] = lambda words: search(words, mode=mode, filters=filters)  # noqa: E731
    for words in questions[:5]:
        run(words)  # load the model and the database pages into memory
    times: list[float] = []
    for words in questions:
        began = time.perf_counter()
        run(words)
        times.append(time.perf_counter() - began)
    return sorted(times)


def _formatted(times: Sequence[float]) -> str:
    return f"{times[len(times) // 2] * 1000:6.0f} {times[int(len(times) * 0.95)] * 1000:6.0f}"


if __name__ == "__main__":
    main()
