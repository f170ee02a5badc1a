"""``manage.py build_hnsw``: build the index for approximate vector search, useful above about 300,000 chunks."""

from argparse import ArgumentParser
from typing import Any

from core.collectors import ReportingCommand
from core.db.limits import MAINTENANCE
from core.errors import ConfigurationError
from core.search.indexes.pgvector import LONGEST_HNSW, PgvectorIndex
from core.search.namespaces import serving


class Command(ReportingCommand):
    """Build the HNSW index while searches and syncs continue. Build it again after a switch to another embedder."""

    database_limits = MAINTENANCE
    help = "Build or drop the HNSW index of the vectors in PostgreSQL. It pays off above about 300,000 chunks."
    examples = (
        "build_hnsw",
        "build_hnsw --drop",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the option ``--drop``."""
        parser.add_argument(
            "--drop", action="store_true", help="Drop the index. Searches then compare every vector again."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Build or drop the index.

        Raises ConfigurationError if PostgreSQL has no vectors, or if they are too long for HNSW.
        """
        target = serving()
        if target is None or not isinstance(target.index, PgvectorIndex):
            raise ConfigurationError("PostgreSQL has no vectors. Set VECTOR_INDEX=pgvector and run sync_index.")
        if options["drop"]:
            target.index.drop_hnsw()
            self.stdout.write("HNSW index dropped; searches compare every vector again")
            return
        if target.namespace.dimension > LONGEST_HNSW:
            raise ConfigurationError(
                f"HNSW supports at most {LONGEST_HNSW:,} dimensions, but {target.namespace.embedder} has "
                f"{target.namespace.dimension:,}. Set EMBEDDER or EMBEDDING_MODEL to a model with fewer dimensions, "
                "then run switch_embedder."
            )
        target.index.build_hnsw()
        self.stdout.write(f"HNSW index built for {target.namespace.embedder}")
