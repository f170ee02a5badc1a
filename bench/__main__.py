"""``make bench``: speed as ratios, each measured in one run against the bare minimum of the same work."""

import os
import sys
import tempfile


def main() -> None:
    """Set up a database of its own, measure, and print one line each."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        os.environ |= {"VAR_DIR": var, "DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        from bench import collection, history, memory, pages, rollups

        call_command("migrate", verbosity=0)
        for line in (
            collection.measure,
            history.measure,
            memory.measure,
            rollups.measure,
            pages.measure,
        ):
            sys.stdout.write(f"{line()}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
