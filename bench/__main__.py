"""``make bench``: speed as ratios, each measured in one run against the bare minimum of the same work."""

import os
import subprocess
import sys
import tempfile


def main() -> None:
    """Set up a database of its own, measure, and print one line each."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        os.environ |= {"VAR_DIR": var, "DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        from bench import collection, discord, history, index, memory, pages, rollups

        call_command("migrate", verbosity=0)
        for line in (
            collection.measure,
            history.measure,
            memory.measure,
            discord.measure,
            index.measure,
            rollups.measure,
            pages.measure,
        ):
            sys.stdout.write(f"{line()}\n")
            sys.stdout.flush()
    del os.environ["VAR_DIR"]
    for name in ("bench.retrieval", "bench.search_speed"):  # each with a database of its own
        subprocess.run([sys.executable, "-m", name], check=True)


if __name__ == "__main__":
    main()
