"""``python -m bench.retrieval``: collect and index documents, and search with the questions."""

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack


def main() -> None:
    """Run the benchmark, and print its report.

    Uses the database in VAR_DIR and reuses its vectors. If VAR_DIR is not set, uses a temporary database.
    """
    parser = ArgumentParser(
        prog="python -m bench.retrieval", description="Measure how well searches find known documents."
    )
    parser.add_argument("repository", nargs="*", metavar="owner/name", help="Default: the sample community.")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="Maximum number of documents.")
    parser.add_argument("--passages", type=int, default=None, metavar="N", help="Maximum passages per thread.")
    parser.add_argument("--skip-collecting", action="store_true", help="Use the documents in VAR_DIR.")
    options = parser.parse_args()
    with ExitStack() as stack:
        if not os.environ.get("VAR_DIR"):
            os.environ["VAR_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for line in _lines(options):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


def _lines(options: Namespace):
    from bench.retrieval.evaluation import report

    return report(options.repository, options.limit, options.passages, collect=not options.skip_collecting)


if __name__ == "__main__":
    main()
