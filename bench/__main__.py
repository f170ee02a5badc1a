"""``make bench``: a whole collection against merely downloading and parsing the same pages."""

import os
import sys
import tempfile
import time
from collections.abc import Callable

from samples.community import SampleCommunity
from samples.server import SampleServer

ISSUES, COMMENTS, REVIEW_COMMENTS = 2_000, 8_000, 4_000


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def download(server: SampleServer) -> None:
    """The bare minimum: follow every list to its end and parse it."""
    from core.operations.github_ops.client import GitHubClient
    from core.operations.github_ops.tokens import TokenPool
    from core.operations.http import Allowance, Transport

    client = GitHubClient(server.url, TokenPool([server.token()]), Transport(Allowance()))
    name = server.truth()["full_name"]
    for stream in ("issues?state=all&per_page=100", "issues/comments?per_page=100", "pulls/comments?per_page=100"):
        for _ in client.pages(f"/repos/{name}/{stream}"):
            pass


def main() -> None:
    """Set up a database of its own, measure, and print the ratio."""
    community = SampleCommunity.synthetic(issues=ISSUES, comments=COMMENTS, review_comments=REVIEW_COMMENTS, seed=1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as var, SampleServer(community) as server:
        os.environ |= {
            "VAR_DIR": var, "GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url, "GITHUB_TOKENS": server.token(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        download(server)  # the server renders each page once, and keeps it
        bare = seconds(lambda: download(server))
        names = [server.truth()["full_name"]]
        whole = seconds(lambda: call_command("collect_github", *names, no_sync=True))
        sys.stdout.write(f"collection / download and parse: {whole:.2f} s / {bare:.2f} s = {whole / bare:.2f}\n")


if __name__ == "__main__":
    main()
