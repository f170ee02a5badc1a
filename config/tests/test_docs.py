"""Every command in the README and the docs works. Of other commands, only names and options are checked."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.discord_exports import export, exported
from tests.support.discord_fixtures import at
from tests.support.doc_examples import INDENTED, ROOT, SHELL, commands, copy_repository, run

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
ELSEWHERE = {"how_to_add_a_tracker.md"}
"""Names of pages with commands that another test runs."""
LONG = (
    "make demo",
    "make test",
    "make bench",
    "make serve",
    "make install",
    "make lock",
    "make audit",
    ".venv/bin/pytest",
)
"""Beginnings of commands that are not run here. Other tests run them, or they never end, or they would run these tests
again."""


def of(page: Path) -> list[str]:
    """Return the commands on a page, without trailing comments."""
    return [re.sub(r"\s+#.*", "", order) for order in commands(page.read_text())]


def every() -> list[str]:
    """Return all commands without duplicates, in the order of the pages."""
    found = [order for page in PAGES if page.name not in ELSEWHERE for order in of(page)]
    return list(dict.fromkeys(found))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[tuple[Path, SampleServer, SampleDiscord]]:
    """Yield a copy of the project with an exported channel, and local imitations of GitHub and Discord."""
    place = copy_repository(tmp_path / "copy")
    (place / "exports").mkdir()
    export(place / "exports" / "old-harbour.json", [exported(at(0)), exported(at(1))])
    with SampleServer() as server, SampleDiscord() as discord:
        yield place, server, discord
    run(".venv/bin/python -m embedded_postgres stop", place)


@pytest.mark.slow
def test_every_command_in_the_docs_works(machine: tuple[Path, SampleServer, SampleDiscord]) -> None:
    place, server, discord = machine
    more = {
        "GITHUB_TOKENS": server.token(), "GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url,
        "DJANGO_SUPERUSER_PASSWORD": "correct horse battery", "SECRET_KEY": "k" * 25 + "0123456789abcdefghijklmnopqrst",
        "HTTPS": "1", "BEHIND_PROXY": "1", "ALLOWED_HOSTS": "activity.example.org", "GITHUB_REPOS": "",
        "DISCORD_API_BASE": discord.url, "DISCORD_BOT_TOKEN": discord.token,
        "OPENBLAS_NUM_THREADS": "1",  # more threads wait in busy loops, which is slow on a busy machine
    }  # fmt: skip
    name = server.truth()["full_name"]
    given = [order for order in every() if not order.startswith(LONG)]
    # The order of a real installation: migrate, collect, and then all commands in the order of the pages.
    first = [".venv/bin/python manage.py migrate", f".venv/bin/python manage.py collect_github {name}"]
    failed: list[str] = []
    for order in [*first, *(order.replace("owner/name", name) for order in given)]:
        done = run(order, place, **more)
        fine = done.returncode in ({0, 1, 2} if "collector_status" in order else {0})
        if not fine or "Traceback" in done.stderr:
            failed.append(f"{order}\n{done.returncode} {done.stdout[-500:]} {done.stderr[-800:]}")
    assert not failed, "\n\n".join(failed)
    assert len(given) > 30


def test_the_commands_that_are_not_run_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for order in [order for order in every() if order.startswith("make ")]:
        words = [word for word in order.split()[1:] if "=" not in word]
        assert set(words) <= targets, order
    for order in [order for order in every() if order.startswith(".venv/bin/pytest")]:
        assert all((ROOT / word).exists() for word in order.split()[1:] if not word.startswith("-")), order


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_mentioned_command_and_option_exists(page: Path) -> None:
    known = get_commands()
    for name, options in re.findall(r"manage\.py ([a-z_]+)((?: --?[a-z-]+| [\w/.<>\"]+)*)", page.read_text()):
        assert name in known or name.startswith("collect_"), name
        command: Any = load_command_class(known[name], name) if name in known else None
        helped = command.create_parser("manage.py", name).format_help() if command else options
        for option in re.findall(r"--[a-z-]+", options):
            assert option in helped, f"{name} {option}"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_every_setting_is_explained() -> None:
    read = set(re.findall(r'_(?:text|words|flag|one_of|hours)\("([A-Z_]+)"', (ROOT / "config/settings.py").read_text()))
    documented = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    coming = ("DISCORD_", "PINECONE_", "EMBEDDING_")  # these settings may be missing from .env.example
    assert {name for name in read - documented if not name.startswith(coming)} == set()


def test_the_page_of_dependencies_is_not_stale() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "dependencies", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_finder_of_commands_finds_both_kinds() -> None:
    page = "text\n\n    make demo     # remark\n\n```sh\nA=1 b \\\n  c\n# remark\n```\n"
    assert commands(page) == ["make demo     # remark", "A=1 b    c"]
    assert SHELL.search(page)
    assert INDENTED.search(page)
