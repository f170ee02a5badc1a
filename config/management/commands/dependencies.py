"""``manage.py dependencies``: generate docs/cross-app-dependencies.md from the actual import graph.

``--check`` writes nothing, and ends with exit code 1 if the page does not match the graph. ``make test`` runs it.
"""

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from core.collectors import ReportingCommand
from core.operations.files import open_atomic

PAGE = settings.BASE_DIR / "docs" / "cross-app-dependencies.md"
HEAD = """# Imports between apps

`manage.py dependencies` generates this page from the import graph, and `make test` fails if the page is stale.
`.importlinter` defines which imports are allowed. This page lists the actual imports, without tests and migrations.
"""


class Command(ReportingCommand):
    """Write the page about imports between apps, or check whether it is up to date."""

    help = "Write docs/cross-app-dependencies.md from the import graph."
    examples = (
        "dependencies",
        "dependencies --check",
    )
    requires_system_checks: Any = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the option ``--check``."""
        parser.add_argument("--check", action="store_true", help="Only check whether the page is up to date.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the page, or compare it with the graph. Raises CommandError if ``--check`` finds a difference."""
        text = rendered(apps())
        if options["check"]:
            if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
                raise CommandError("docs/cross-app-dependencies.md is stale: run manage.py dependencies")
            return
        with open_atomic(PAGE) as file:
            file.write(text)
        self.stdout.write(f"docs/{PAGE.name}: written")


def apps() -> list[str]:
    """Return the sorted names of the project's own packages, which ``.importlinter`` lists."""
    lines = (settings.BASE_DIR / ".importlinter").read_text(encoding="utf-8").splitlines()
    start = lines.index("root_packages =") + 1
    found: list[str] = []
    for line in lines[start:]:
        if not line.startswith(" "):
            break
        found.append(line.strip())
    return sorted(found)


def rendered(names: Iterable[str]) -> str:
    """Return the page: a table of the imports between apps, and lists of the imported modules with their importers."""
    from grimp import build_graph  # imported here, because production does not install it

    ours = list(names)
    graph = build_graph(*ours, include_external_packages=False, cache_dir=None)
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module in sorted(graph.modules):
        importer = module.partition(".")[0]
        for imported in graph.find_modules_directly_imported_by(module) if _shown(module) else ():
            target = imported.partition(".")[0]
            if target != importer and target in ours and _shown(imported):
                found[importer, target][imported].add(module)
    lines = [HEAD, "| app | imports |", "|---|---|"]
    for name in ours:
        targets = [f"`{target}`" for app, target in sorted(found) if app == name]
        lines += [f"| `{name}` | {', '.join(targets) or '-'} |"]
    for (importer, target), modules in sorted(found.items()):
        lines += ["", f"## {importer} -> {target}", ""]
        for module, users in sorted(modules.items()):
            short = ", ".join(sorted(user.removeprefix(f"{importer}.") for user in users))
            lines.append(f"- `{module}`: {short}")
    return "\n".join(lines) + "\n"


def _shown(module: str) -> bool:
    return not {"tests", "migrations", "pyright_samples"} & set(module.split("."))
