"""``python -m bench.retrieval``: collect and index documents, and search with the questions."""

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from pathlib import Path

from bench.retrieval.recordings import histories

KEPT = Path(__file__).parents[2] / "var" / "bench-retrieval"
"""Folder of the database with the real histories, so that their texts are embedded only once."""


def main() -> None:
    """Run the benchmark, and print its report.

    Uses the database in VAR_DIR and reuses its vectors. If VAR_DIR is not set, the vectors of the real histories stay
    in ``KEPT``, and the sample community has a temporary database.
    """
    parser = ArgumentParser(
        prog="python -m bench.retrieval", description="Measure how well searches find known documents."
    )
    parser.add_argument("repository", nargs="*", metavar="owner/name", help="Default: the histories of the twin.")
    parser.add_argument("--sample", action="store_true", help="Use the sample community instead of the histories.")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="Maximum number of documents.")
    parser.add_argument("--passages", type=int, default=None, metavar="N", help="Maximum passages per thread.")
    parser.add_argument("--skip-collecting", action="store_true", help="Use the documents in VAR_DIR.")
    options = parser.parse_args()
    with ExitStack() as stack:
        uses_histories = not options.repository and not options.sample and bool(histories())
        if not os.environ.get("VAR_DIR") and uses_histories:
            os.environ["VAR_DIR"] = str(KEPT)
        if not os.environ.get("VAR_DIR"):
            os.environ["VAR_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for line in _lines(options, uses_histories=uses_histories):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def _lines(options: Namespace, *, uses_histories: bool):
    if uses_histories:
        from bench.retrieval.history_report import report_of_histories

        return report_of_histories(histories())
    from bench.retrieval.evaluation import report

    return report(options.repository, options.limit, options.passages, collect=not options.skip_collecting)


if __name__ == "__main__":
    main()
