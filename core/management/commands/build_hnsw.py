"""``manage.py build_hnsw``: approximate search in PostgreSQL, for more than some 300,000 chunks."""

from argparse import ArgumentParser
from typing import Any

from core.collectors import ReportingCommand
from core.db.limits import MAINTENANCE
from core.errors import ConfigurationError
from core.search.indexes.pgvector import LONGEST_HNSW, PgvectorIndex
from core.search.namespaces import serving


class Command(ReportingCommand):
    """Builds it while searches and syncs go on; after a switch of model it is built anew."""

    database_limits = MAINTENANCE
    help = "Build (or drop) the HNSW index of the vectors in PostgreSQL; worth it above some 300,000 chunks."
    examples = (
        "build_hnsw",
        "build_hnsw --drop",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the way back."""
        parser.add_argument("--drop", action="store_true", help="Remove it; searches compare every vector again.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build or drop."""
        target = serving()
        if target is None or not isinstance(target.index, PgvectorIndex):
            raise ConfigurationError("No vectors are in PostgreSQL: set VECTOR_INDEX=pgvector and run sync_index.")
        if options["drop"]:
            target.index.drop_hnsw()
            self.stdout.write("dropped; searches scan exactly")
            return
        if target.namespace.dimension > LONGEST_HNSW:
            raise ConfigurationError(f"HNSW takes at most {LONGEST_HNSW} dimensions.")
        target.index.build_hnsw()
        self.stdout.write(f"built for {target.namespace.embedder}")
