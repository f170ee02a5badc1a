"""A small local server with GitHub's REST API, GraphQL API, rate limits, and git over HTTP.

``python -m samples.server --port 0`` prints the server's URL and serves until it is interrupted. In a test::

    with SampleServer() as server:
        collect(api=server.url, git=server.url, token=server.token())
        server.edit_issue(2, body="New words")
        server.fail("reset", when=r"/issues/comments")

The server listens on 127.0.0.1 only. Its git repository is in a temporary folder, and all other data is in memory.
Pages and rate limits work as GitHub documents them. The server does not support write requests, ``prev`` links of the
issue list, bodies in HTML, or compressed responses. Secondary rate limits occur only after ``fail("secondary")``.
"""

import argparse
import signal
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from samples import SAMPLE_REPOSITORY, git_history, git_http
from samples.addresses import answer_git
from samples.answers import Answer, Request
from samples.api import Api
from samples.catalogue import Catalogue
from samples.community import Repository, SampleCommunity
from samples.community.truth import Truth, truth_of
from samples.controls import Controls
from samples.faults import Fault, refusal_of, spoil
from samples.limits import Limits, name_of
from samples.shapes import Site
from samples.wire import LocalServer


class Logged(NamedTuple):
    """A logged request. ``path`` includes the query. ``user`` is the user in the token, or empty."""

    method: str
    path: str
    status: int
    user: str = ""
    kind: str = "rest"
    """``rest``, ``graphql`` or ``git``."""


class SampleServer(Controls):
    """A server for a community. Tests can change the community and schedule faults at any time.

    See :class:`Changes` and :class:`Controls`. Limits can be lower than GitHub's. ``rest_limit`` is the number of
    requests per hour for each user, and ``anonymous_limit`` the number per hour without a token. ``comment_limit`` is
    the number of comments that each list of a repository's comments returns. Pages of issues without a cursor must end
    before item ``page_limit``. ``exhausted_status`` is the status of responses after the REST quota is used up.
    """

    def __init__(
        self,
        community: SampleCommunity | None = None,
        *,
        port: int = 0,
        rest_limit: int = 5000,
        anonymous_limit: int = 60,
        comment_limit: int = 30_000,
        page_limit: int = 10_000,
        exhausted_status: int = 403,
    ):
        self.community = community or SampleCommunity.load()
        self.requests: list[Logged] = []
        self.limits = Limits(rest_limit=rest_limit, anonymous_limit=anonymous_limit, exhausted_status=exhausted_status)
        self.faults: list[Fault] = []
        self._history: git_history.History | None = None
        self._history_lock = threading.Lock()
        self._wire = LocalServer(port, self._answer)
        self.url = f"http://127.0.0.1:{self._wire.server_address[1]}"
        """The base URL of the API and of git, for ``GITHUB_API_URL`` and ``GITHUB_GIT_URL``."""
        catalogue = Catalogue(Site(community=self.community, api=self.url))
        self._api = Api(catalogue, self.limits, self._git_dir, comment_limit, page_limit)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        self._wire.start()

    def stop(self) -> None:
        """Stop the server, and wait until its threads and sockets are closed and its files are removed."""
        self._wire.stop()
        if self._history:
            self._history.remove()

    def reset_log(self) -> None:
        self.requests.clear()

    @property
    def git_dir(self) -> Path:
        """The bare repository of :data:`SAMPLE_REPOSITORY`. Tests may change it with git."""
        with self._history_lock:
            self._history = self._history or git_history.own_copy()
            return self._history.folder

    def truth(self, repository: str = SAMPLE_REPOSITORY) -> Truth:
        """Return the data that a complete copy of the repository must contain now."""
        with self.community.lock:
            repo = self.community.repository(repository)
            commits = git_history.commit_names(self.git_dir) if repo.has_git else []
            return truth_of(self.community, repo, commits)

    def _git_dir(self, repo: Repository) -> Path | None:
        return self.git_dir if repo.has_git else None

    def _answer(self, request: Request) -> Answer:
        git = git_http.find(request.path)
        fault = self.fault_of(request, git is not None)
        refusal = refusal_of(fault) if fault else None
        if git and not refusal:
            answer = answer_git(request, git, self._api.catalogue.site, self.limits, self._git_dir)
        else:
            with self.community.lock:
                answer = self._api.refuse(request, refusal) if refusal else self._api.answer(request)
        answer = spoil(answer, fault) if fault else answer
        kind = "git" if git else "graphql" if request.path == "/graphql" else "rest"
        self.requests.append(Logged(request.method, request.target, answer.status, name_of(request), kind))
        return answer


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the sample community through GitHub's APIs and git over HTTP.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 (the default) selects a free port")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    with SampleServer(port=parser.parse_args().port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
