"""Measures how many bytes on disk the tables need for a Discord message, for a chunk and for a row of the timeline.

Table sizes include indexes and are measured after ``VACUUM``, as in an installation that runs every night. The
benchmark needs the twin of Discord, an imitation of Discord's API in a folder next to the project.
"""

from collections.abc import Sequence

import numpy as np
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings
from numpy.typing import NDArray

from bench.discord import PYTHON, TWIN, Server
from core.search.embedders.base import Embedder, EmbedderInfo, Role
from core.search.embedders.registry import EMBEDDERS
from core.search.sync import sync
from core.trackers import document_sources

MESSAGES = 100_000
"""Number of messages in addition to the twin's own messages. More messages give the same sizes for each message."""
LISTED = 12
"""Number of tables to list. The other tables are nearly empty."""
COUNTS = "SELECT (SELECT count(*) FROM discord_activity_tracker_message), (SELECT count(*) FROM core_chunk)"
SIZES = """
    SELECT relname, pg_table_size(relid), pg_indexes_size(relid) FROM pg_stat_user_tables
    ORDER BY pg_total_relation_size(relid) DESC LIMIT %s
"""


class _RandomModel:
    """An embedding model that returns a random vector for each text, without computing anything."""

    info = EmbedderInfo(fingerprint="bench/random", dimension=384)

    def __init__(self) -> None:
        self._generator = np.random.default_rng(1)

    def embed(self, texts: Sequence[str], role: Role) -> NDArray[np.float32]:
        del role
        vectors = self._generator.standard_normal((len(texts), self.info.dimension))
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _model(fingerprint: str | None) -> Embedder | None:
    return _RandomModel() if fingerprint in {None, _RandomModel.info.fingerprint} else None


def measure() -> str:
    """Return a table of sizes: first without search, then with the search index. Or say why nothing was measured."""
    if not (TWIN.exists() and PYTHON.exists()):
        return f"sizes: not measured, because the twin of Discord is not installed ({TWIN})"
    EMBEDDERS["bench"] = _model
    with Server(MESSAGES) as server:
        settings = {
            "DISCORD_API_BASE": server.base, "DISCORD_BOT_TOKEN": "twin-token", "DISCORD_REQUESTS_PER_SECOND": 0,
            "EMBEDDER": "bench",
        }  # fmt: skip
        with override_settings(**settings):
            call_command("collect_discord", no_sync=True, progress=False)
            lines = _lines("without search")
            sync(document_sources())
            return "\n".join([*lines, *_lines("with search")])


def _lines(title: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(COUNTS)
        messages, chunks = cursor.fetchone()
        cursor.execute(SIZES, [LISTED])
        sizes = cursor.fetchall()
    whole = sum(table + indexes for _, table, indexes in sizes)
    lines = [f"{title}: {whole / messages:,.0f} bytes a message ({messages:,} messages, {chunks:,} chunks)"]
    lines += [
        f"  {name:42} {table / messages:8,.0f} table {indexes / messages:8,.0f} indexes, bytes a message"
        for name, table, indexes in sizes
    ]
    if chunks:
        search = ("core_chunk", "core_embedding", "core_vector")
        of_chunk = sum(table + indexes for name, table, indexes in sizes if name in search) / chunks
        lines.append(f"  a chunk: {of_chunk:,.0f} bytes in {', '.join(search)}")
    return lines
