"""Collect, index, and search for the questions."""

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack


def main() -> None:
    """Run the benchmark in a temporary database, or in that of VAR_DIR, whose vectors are used again."""
    parser = ArgumentParser(
        prog="python -m bench.retrieval", description="Measure how well searches find known documents."
    )
    parser.add_argument("repository", nargs="*", metavar="owner/name", help="Without it: the sample community.")
    parser.add_argument("--limit", type=int, default=None, metavar="N", help="Documents of a repository at most.")
    parser.add_argument("--passages", type=int, default=None, metavar="N", help="Passages of a thread at most.")
    parser.add_argument("--skip-collecting", action="store_true", help="Use the documents that VAR_DIR holds.")
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
