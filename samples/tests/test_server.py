import http.client
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from samples import SAMPLE_REPOSITORY
from samples.server import SampleServer
from samples.tests.conftest import ask_server

ROOT = Path(__file__).parents[2]
COMMENTS = f"/repos/{SAMPLE_REPOSITORY}/issues/comments?per_page=100"


def test_the_server_runs_alone_and_ends_with_a_signal() -> None:
    command = [sys.executable, "-m", "samples.server", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        try:
            with SampleServer() as other:
                assert ask_server(other, f"{url}/repos/{SAMPLE_REPOSITORY}").data["full_name"] == SAMPLE_REPOSITORY
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_the_server_needs_neither_django_nor_other_packages() -> None:
    code = "import sys, samples.server; print([m for m in ('django', 'requests', 'pytest') if m in sys.modules])"
    environment = {"PATH": os.defpath}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_readers_and_writers_do_not_disturb_each_other(sample_server: SampleServer) -> None:
    statuses: list[int] = []

    def read() -> None:
        statuses.extend(
            ask_server(sample_server, COMMENTS, token=f"ghp_{threading.get_ident()}_x").status for _ in range(10)
        )

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    ids = [sample_server.add_comment(1, f"comment {n}") for n in range(30)]
    for id_ in ids[::2]:
        sample_server.delete_comment(id_)
    for reader in readers:
        reader.join()
    assert statuses == [200] * 60
    assert len(sample_server.requests) == 60
    assert set(ids[1::2]) <= set(sample_server.truth()["issue_comments"])


def test_a_connection_is_kept_between_requests(sample_server: SampleServer) -> None:
    client = http.client.HTTPConnection(sample_server.url.removeprefix("http://"))
    sockets: set[object] = set()
    for _ in range(3):
        client.request("GET", "/rate_limit", headers={"User-Agent": "tests"})
        client.getresponse().read()
        sockets.add(client.sock)
    client.close()
    assert len(sockets) == 1
