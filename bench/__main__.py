"""``make bench``: measure speed, memory and search quality.

Most speeds are ratios: the time of a command, divided by the time of the work that it cannot avoid, such as downloading
and parsing. ``python -m bench NAME ...`` runs only the named benchmarks.
"""

import os
import subprocess
import sys
import tempfile
from importlib import import_module

MEASURES = ("collection", "history", "memory", "discord", "index", "rollups", "pages", "sizes")
PROGRAMS = ("retrieval", "search_speed")
"""Benchmarks that set up their own databases."""


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all benchmarks if ``names`` is empty.

    A single benchmark from ``MEASURES`` runs in this process. Otherwise each benchmark runs in its own process with its
    own database. Exits with an error message if a name is unknown or a benchmark fails.
    """
    if unknown := set(names) - {*MEASURES, *PROGRAMS}:
        sys.exit(
            f"error: unknown benchmark: {', '.join(sorted(unknown))}; choose from {', '.join((*MEASURES, *PROGRAMS))}"
        )
    if len(names) == 1 and names[0] in MEASURES:
        measure(names[0])
        return
    failed = [
        name for name in names or (*MEASURES, *PROGRAMS) if subprocess.run(_command(name), check=False).returncode
    ]
    if failed:
        sys.exit(f"error: these benchmarks failed: {', '.join(failed)}")


def _command(name: str) -> list[str]:
    return [sys.executable, "-m", f"bench.{name}"] if name in PROGRAMS else [sys.executable, "-m", "bench", name]


def measure(name: str) -> None:
    """Run a benchmark with a temporary database, and print its result."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var:
        os.environ |= {"VAR_DIR": var, "DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        sys.stdout.write(f"{import_module(f'bench.{name}').measure()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
