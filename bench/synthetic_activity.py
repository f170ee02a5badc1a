"""Fills the tables of core with a million synthetic activities. Fixed seeds make all values except times repeatable."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import connection, transaction

from core.ingest.timeline import compact_rows

ACTIVITIES, SCOPES, PEOPLE, THREADS, WORDS = 1_000_000, 2_000, 20_000, 150_000, 20_000
DAYS = 5 * 365
TYPES = {
    "github": [
        "github.issue", "github.pull_request", "github.issue_comment", "github.review", "github.review_comment",
        "github.commit", "github.release", "github.discussion", "github.discussion_comment",
        *(f"github.event.{name}" for name in ("closed", "reopened", "merged", "labeled", "renamed", "assigned")),
    ],
    "discord": ["discord.default", "discord.reply", "discord.thread_created", "discord.chat_input_command"],
}  # fmt: skip
FIELDS = (
    "source_system", "external_id", "scope_id", "thread", "activity_type", "occurred_at", "edited_at", "deleted_at",
    "actor_external_id", "actor_name", "source_url", "summary",
)  # fmt: skip
BATCH = 20_000
NOW = datetime.now(UTC).replace(microsecond=0)


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows to a table with COPY."""
    with transaction.atomic(), connection.cursor() as cursor:
        names = ", ".join(f'"{name}"' for name in columns)
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as sink:
            for row in rows:
                sink.write_row(row)


def _skewed(dice: random.Random, size: int) -> int:
    """Return a random number from 0 to ``size - 1``. Small numbers are more frequent than large numbers."""
    return int(size * dice.random() ** 3)


def _scope_of(dice: random.Random, person: int) -> int:
    """Return the number of a random scope of the four in which a person is active. A few scopes have many people."""
    return int(SCOPES * (((person * 4 + _skewed(dice, 4)) * 2_654_435_761 % 2**32) / 2**32) ** 3)


def scopes() -> Iterator[tuple[object, ...]]:
    """Yield rows of repositories and channels. Some had no complete run, and some wait because of a rate limit."""
    dice = random.Random(1)  # noqa: S311  (seeded dice)
    for n in range(SCOPES):
        source = "github" if n % 3 else "discord"
        done = None if n % 50 == 0 else NOW - timedelta(hours=_skewed(dice, 100))
        held = NOW + timedelta(hours=1) if n % 97 == 0 else None
        name = f"group-{n % 40}/project-{n}" if source == "github" else f"guild-{n % 9}/channel-{n}"
        yield n + 1, source, str(10_000 + n), name, f"https://github.example/{name}", done, held


def activities(number: int = ACTIVITIES) -> Iterator[tuple[object, ...]]:
    """Yield rows of activities in bursts. A burst has about six activities of one person, as in a real repository.

    The values of a row have the order of ``FIELDS``.
    """

    dice = random.Random(2)  # noqa: S311  (seeded dice)
    left, person, scope, base, kind = 0, 0, 0, NOW, ""
    for n in range(number):
        if not left:
            left, person = 1 + int(dice.expovariate(1 / 6)), _skewed(dice, PEOPLE)
            scope, base = _scope_of(dice, person), NOW - timedelta(seconds=int(DAYS * 86_400 * dice.random() ** 1.5))
        source = "github" if scope % 3 else "discord"
        if not kind.startswith(source) or dice.random() < 0.3:
            kind = TYPES[source][_skewed(dice, len(TYPES[source]))]
        left -= 1
        at = base - timedelta(seconds=_skewed(dice, 3 * 86_400))
        words = " ".join(f"word{_skewed(dice, WORDS)}" for _ in range(9))
        external_id = f"{source}:{kind.split('.')[1]}:{10_000 + scope}:{n}"
        thread = f"{source}:thread:{10_000 + scope}:{_skewed(dice, THREADS)}"
        edited = at + timedelta(hours=1) if n % 10 == 0 else None
        deleted = NOW if n % 100 == 0 else None
        yield (
            source, external_id, scope + 1, thread, kind, at, edited, deleted, str(person), f"person-{person}",
            f"https://github.example/{n}", words,
        )  # fmt: skip


def copy_activities(number: int = ACTIVITIES) -> None:
    """Write activities to the timeline with COPY."""
    made = activities(number)
    while rows := [dict(zip(FIELDS, row, strict=True)) | {"common": False} for row in islice(made, BATCH)]:
        for source in TYPES:
            if compact := compact_rows([row for row in rows if row["source_system"] == source]):
                copy("core_activity", list(compact[0]), (list(row.values()) for row in compact))


def load_core() -> None:
    """Fill the tables of core."""
    columns = ["id", "source_system", "external_id", "name", "url", "last_completed_at", "not_before"]
    copy("core_scope", columns, scopes())
    copy_activities()
    with connection.cursor() as cursor:
        cursor.execute(OTHERS)


# The statements contain only constants.
OTHERS = f"""
INSERT INTO core_collectorrun (collector, options, host, pid, started_at, finished_at, outcome, counts, requests,
    failure_category, error, scopes, progress, alerted)
SELECT 'github', '{{}}', 'host', n, now() - n * interval '1 hour', now() - n * interval '1 hour' + interval '5 min',
    (ARRAY['succeeded', 'succeeded', 'partial', 'failed'])[1 + n % 4], '{{"issues": 12}}',
    n % 500, '', '', '[]', '{{}}', true
FROM generate_series(1, 20000) AS n;
INSERT INTO core_skippeditem (run_id, collector, scope, stream, external_id, reason, detail, first_seen_at,
    last_seen_at, attempts, cleared_at)
SELECT 1 + n % 20000, 'github', (10000 + n % {SCOPES})::text, 'issues', n::text, 'malformed', 'detail', now(), now(), 1,
    CASE WHEN n % 2 = 0 THEN now() END
FROM generate_series(1, 50000) AS n;
INSERT INTO core_checkpoint (collector, scope, stream, checkpoint_token, human_readable_marker, extras, updated_at)
SELECT 'github', (10000 + n % {SCOPES})::text, 'stream-' || n / {SCOPES}, '', '', '{{}}', now()
FROM generate_series(0, {SCOPES} * 10 - 1) AS n;
INSERT INTO core_apibudget (source_system, account, resource, "limit", remaining, updated_at)
SELECT 'github', '...' || n, 'core', 5000, 4000 - n, now() FROM generate_series(1, 10) AS n;
INSERT INTO core_document (source_system, external_id, kind, scope_id, version, title, url, author, occurred_at)
SELECT 'github', 'github:issue:1:' || n, 'issue', 1 + n % {SCOPES}, 1, 'Title ' || n, '', 'person-' || n % 500,
    now() - n * interval '5 min'
FROM generate_series(1, 200000) AS n;
INSERT INTO core_namespace (index, container, name, embedder, dimension, state, created_at)
VALUES ('pgvector', '', 'bench', 'local', 384, 'serving', now());
INSERT INTO core_indexentry (namespace_id, document_id, state, indexed_version, content_hash, embedder,
    renderer_version, chunks, high_water, attempts, last_error)
SELECT (SELECT max(id) FROM core_namespace), id, (ARRAY['clean', 'clean', 'clean', 'clean', 'dirty'])[1 + id % 5],
    1, '', '', 1, 1, 1, 0, ''
FROM core_document;
INSERT INTO core_chunk (document_id, ordinal, text, prefix, words, url, text_hash)
SELECT id, n, 'some text of a chunk ' || id, '', '', '', md5(id::text || n)::uuid
FROM core_document, generate_series(0, 1) AS n;
ANALYZE;
"""  # noqa: S608
