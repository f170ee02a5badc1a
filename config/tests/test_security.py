"""Secrets do not leak, and no request is sent to a URL in a collected text."""

import json
import os
import socket
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.errors import AccessDenied
from core.models import Activity, Alert, CollectorRun, Notice
from core.operations.github_ops.git import GitMirror
from samples.server import SampleServer
from tests.support.doc_examples import ROOT, run
from tests.support.fake_collector import FakeCollector, command_error

TOKENS = [
    "ghp_" + "a1" * 18,
    "gho_" + "b2" * 18,
    "ghs_" + "c3" * 18,
    "github_pat_" + "d4" * 40,
    "xoxb-" + "123456789012-abcdefghijkl",
    "pcsk_" + "e5" * 20,
    "sk-proj-" + "f6" * 20,
    "MTIzNDU2Nzg5MDEyMzQ1Njc4." + "AbCdEf." + "abcdefghijklmnopqrstuvwxyz1",
]
GIT = """#!/bin/sh
printf '%s\\n' "$@" >> "{seen}"
exec "{real}" "$@"
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "shape", ["refused {}", "https://x:{}@host/p", "{{'Authorization': 'Bearer {}'}}", "?token={}&a"]
)
def test_a_token_in_an_error_is_nowhere_afterwards(
    token: str, shape: str, settings: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL, settings.SLACK_API_BASE = "x", "C0", "http://127.0.0.1:9/"
    command_error(FakeCollector(run=AccessDenied(shape.format(token))))
    kept = [*CollectorRun.objects.values(), *Alert.objects.values(), *Notice.objects.values()]
    assert len(kept) == 3
    assert token not in json.dumps(kept, default=str)
    assert token not in capsys.readouterr().err


def test_a_secret_of_the_settings_is_hidden_whatever_it_looks_like(tmp_path: Path) -> None:
    code = (
        "import logging; from core.logs import redact;"
        "print(redact('it is plainwordsecret, it is otherwordsecret'));"
        "logging.getLogger('x').error('%s', 'thirdwordsecret')"
    )
    done = run(
        f".venv/bin/python manage.py shell --no-imports -c \"{code}\"", ROOT, VAR_DIR=str(tmp_path),
        SECRET_KEY="plainwordsecret", DATABASE_URL="postgres://u:otherwordsecret@127.0.0.1:1/n",
        GITHUB_TOKENS="thirdwordsecret",
    )  # fmt: skip
    assert done.stdout.strip() == "it is ***, it is ***", done.stderr
    assert "wordsecret" not in done.stderr


def test_git_gets_no_token_as_an_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    real, seen, wrapper = shutil.which("git"), tmp_path / "seen", tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(GIT.format(seen=seen, real=real))
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    with SampleServer() as server:
        url, token = f"{server.url}/{server.truth()['full_name']}.git", server.token()
        mirror = GitMirror(url, tmp_path / "mirror", token)
        mirror.update()
        assert mirror.refs().commits
    requests = seen.read_text()
    assert url in requests
    assert token not in requests
    assert "Authorization" not in requests


@pytest.mark.django_db(transaction=True)
def test_no_address_in_collected_texts_is_asked_for(
    sample_server: SampleServer, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.GITHUB_API_URL = settings.GITHUB_GIT_URL = sample_server.url
    settings.GITHUB_TOKENS, settings.WORKSPACE_DIR = [sample_server.token()], tmp_path
    settings.EMBEDDER, asked = "local", set[Any]()
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connecting(self: socket.socket, address: Any) -> Any:
        if not isinstance(address, str):  # the socket of the database is a file
            asked.add(address)
        return connect(self, address)

    def looking_up(host: Any, *more: Any, **options: Any) -> Any:
        asked.add((host, int(more[0] if more else options["port"])))
        return look_up(host, *more, **options)

    monkeypatch.setattr(socket.socket, "connect", connecting)
    monkeypatch.setattr(socket, "getaddrinfo", looking_up)
    name = sample_server.truth()["full_name"]
    call_command("collect_github", name, "--no-sync", stdout=StringIO(), stderr=StringIO())
    call_command("export_activity", "--bodies", stdout=(out := StringIO()))
    assert Activity.objects.count() > 300
    assert out.getvalue().count("https://") > 50, "the texts hold addresses"
    assert asked == {("127.0.0.1", int(sample_server.url.rpartition(":")[2]))}
