"""The section "Your own repositories" of the README leads from an empty folder to a log-in and a search."""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from samples.community import SampleCommunity
from samples.server import SampleServer
from tests.support.doc_examples import ROOT, commands, copy_repository, run
from tests.support.terminal import record

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"
QUESTIONS = [
    ("Username", b"reader\n"), ("Email", b"reader@example.org\n"), ("Password", f"{PASSWORD}\n".encode()),
    ("Password (again)", f"{PASSWORD}\n".encode()),
]  # fmt: skip


def steps() -> list[str]:
    """Return the commands in the section, without comments."""
    section = re.split(r"^## ", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    page = next(part for part in section if part.startswith("Your own repositories"))
    return [re.sub(r"\s+#.*", "", order) for order in commands(page)]


def installed(order: str) -> str:
    """Return a make command that does not install requirements, because the folder shares an installed ``.venv``."""
    return order.replace("make ", "make -o .venv/installed ", 1)


def free_address() -> str:
    """Return a local address and port on which no process listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def served(place: Path) -> Iterator[tuple[str, str]]:
    """Run ``make serve``. Yield its URL and the output that it prints before it accepts connections."""
    address, log = free_address(), place / "serve.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "VAR_DIR", "PYTEST_"))}
    with log.open("w") as file:
        command = [*installed("make serve").split(), f"ADDRESS={address}"]
        process = subprocess.Popen(command, cwd=place, env=env, stdout=file, stderr=file, start_new_session=True)
    try:
        until = time.monotonic() + 240
        while time.monotonic() < until and process.poll() is None:
            host, _, port = address.partition(":")
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    break
            time.sleep(0.2)
        yield f"http://{address}", log.read_text()
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=30)


def search(address: str, name: str, password: str, words: str) -> str:
    """Log in, search for ``words``, and return the page with the results."""
    jar = CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    page = browser.open(f"{address}/admin/login/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    target = f"/admin/search/?{urllib.parse.urlencode({'q': words})}"
    form = {"csrfmiddlewaretoken": token[1], "username": name, "password": password, "next": target}
    found = browser.open(
        f"{address}/admin/login/?{urllib.parse.urlencode({'next': target})}", urllib.parse.urlencode(form).encode()
    )
    assert found.url.endswith(target), "logged in"
    return found.read().decode()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Yield the folder of a copy of the project, and stop its databases afterwards."""
    yield copy_repository(tmp_path)
    run(".venv/bin/python -m embedded_postgres stop", tmp_path)


@pytest.mark.parametrize("demo_before", [False, True], ids=["without demo", "with demo"])
def test_the_readme_leads_to_a_repository_a_log_in_and_a_search(place: Path, *, demo_before: bool) -> None:
    community = SampleCommunity.synthetic(issues=20, comments=30, review_comments=5, seed=9)
    with SampleServer(community) as server:
        name = str(server.truth()["full_name"])
        if demo_before:
            assert run(installed("make demo"), place).returncode == 0
            with served(place) as (address, printed):
                assert "sample community" in printed
                account = re.search(r"as (\S+) with password (\S+)", printed)
                assert account is not None, printed
                assert "gauge" in search(address, account[1], account[2], "import hangs on gauge files")
        title = ""
        for step in steps():
            order = step.replace("owner/name", name)
            if order == "make serve":
                with served(place) as (address, printed):
                    assert "sample" not in printed
                    assert "Log in at" in printed
                    assert title in search(address, "reader", PASSWORD, title)
                continue
            if " createsuperuser" in order:
                done = record(
                    order.split(),
                    cwd=place,
                    env={"VAR_DIR": "", "DJANGO_SETTINGS_MODULE": "config.settings"},
                    press=QUESTIONS,
                )
                assert done.exit_code == 0, done.text
                continue
            found = run(installed(order) if order.startswith("make ") else order, place)
            assert found.returncode == 0, f"{order}\n{found.stdout}\n{found.stderr}"
            if order.startswith("cp "):  # do what the README says next: put a token into .env
                more = {"GITHUB_TOKENS": server.token(), "GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url}
                text = "\n".join(f"{key}={value}" for key, value in more.items())
                env = place / ".env"
                kept = [line for line in env.read_text().splitlines() if line.partition("=")[0] not in more]
                env.write_text("\n".join([*kept, text, ""]))
            if "collect_github" in order and "--estimate" not in order:
                title = str(run(f".venv/bin/python manage.py search --json --limit 1 the --scope {name}", place).stdout)
                title = re.findall(r'"title": "([A-Za-z ]{8,})', title)[0]
        sources = run(".venv/bin/python manage.py export_activity", place).stdout
        assert '"source_system": "github"' in sources
        assert '"source_system": "discord"' not in sources, "the sample stays in its own database"
