"""``manage.py startcollector NAME``: create a tracker that passes its tests immediately.

Writes the folder ``NAME_activity_tracker``, and prints the two lines to insert into other files. With ``--wire``, it
inserts these lines, writes the first migration, and updates the page of imports between apps.
"""

import re
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.core.management.templates import TemplateCommand

from config.wiring import edits_for
from core.collectors import ReportingCommand

TEMPLATE = Path(__file__).resolve().parents[2] / "new_tracker"


class Command(ReportingCommand):
    """Create a tracker from the template."""

    help = "Create a new tracker that passes its tests immediately."
    examples = (
        "startcollector forum",
        "startcollector forum --wire",
    )
    requires_system_checks: Any = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the name and the option ``--wire``."""
        parser.add_argument("name", help="One lower-case word for the source, such as forum.")
        parser.add_argument(
            "--wire", action="store_true", help="Also insert lines into other files and write the first migration."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the folder. Then insert the lines into other files (with ``--wire``), or print them.

        Raises CommandError if the name is invalid or already used.
        """
        slug, app = options["name"], f"{options['name']}_activity_tracker"
        if not re.fullmatch(r"[a-z][a-z0-9]{1,19}", slug):
            raise CommandError(
                "NAME must be 2-20 lower-case letters and digits, and begin with a letter.", returncode=2
            )
        target = settings.BASE_DIR / app
        if not (target / "apps.py").exists():
            if find_spec(app) is not None:
                raise CommandError(f"A module {app} already exists. Choose another name.", returncode=2)
            _write(slug, app, target)
            self.stdout.write(f"Created {app}/. Start with fetch.py and convert.py.")
        elif not options["wire"]:
            raise CommandError(f"The folder {app} already exists. Use --wire to register it.", returncode=2)
        for edit in edits_for(slug, settings.BASE_DIR):
            if options["wire"]:
                self.stdout.write(f"{edit.path}: {'written' if edit.apply() else 'already there'}")
            else:
                self.stdout.write(f"\n{edit.path}, {edit.where}:\n{edit.shown()}")
        if options["wire"]:
            _manage("makemigrations", app)
            call_command("dependencies", stdout=self.stdout)
        self.stdout.write(
            f"\nNext: {'' if options['wire'] else f'manage.py makemigrations {app}, manage.py dependencies, '}"
            f"manage.py migrate, make test; then set {slug.upper()}_URL to the address of the source."
        )


def _manage(*arguments: str) -> None:
    """Run a management command in a new process, because this process has not loaded the new tracker.

    Raises CommandError if the command fails.
    """
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=settings.BASE_DIR, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CommandError(f"manage.py {' '.join(arguments)} failed: {done.stderr.strip()}")


def _write(slug: str, app: str, target: Path) -> None:
    """Create the folder from the template, with Django's ``startapp``. The folder appears only when it is complete."""
    with tempfile.TemporaryDirectory(prefix=".startcollector-", dir=target.parent) as folder:
        fresh = Path(folder, app)
        fresh.mkdir()
        TemplateCommand().handle(
            "app", app, str(fresh), template=str(TEMPLATE), extensions=["py"], files=[], exclude=[], verbosity=0,
            slug=slug, app=app, camel=slug.capitalize(), upper=slug.upper(), title=slug.capitalize(),
        )  # fmt: skip
        commands = fresh / "management" / "commands"
        (commands / "collect_name.py").rename(commands / f"collect_{slug}.py")
        for order in (
            "check --fix-only --select I",
            "format",
        ):  # the order of imports and the line breaks depend on the name
            subprocess.run(
                [sys.executable, "-m", "ruff", *order.split(), "--quiet", "--config", "pyproject.toml", str(fresh)],
                cwd=target.parent, check=False,
            )  # fmt: skip
        fresh.rename(target)
