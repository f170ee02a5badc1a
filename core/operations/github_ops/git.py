"""Bare copies of repositories, updated with ``git fetch`` and read with ``git log``."""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

from core.errors import AccessDenied, CollectorError, NotFound, SourceTimeout, SourceUnavailable, UnexpectedAnswer
from core.logs import redact
from core.operations import bounds
from core.operations.github_ops.git_log import ARGUMENTS, RawCommit, dates_of_header, is_doubtful, parse

REFSPECS = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
ATTEMPTS = 6
CHUNK = 1 << 20
LEFTOVERS = ("**/*.lock", "objects/pack/tmp_*", "objects/??/tmp_obj_*")
"""Files that a killed git process leaves behind. Locks would block the next process; partial objects waste space."""
LOG_SECONDS = 24 * 3600.0
"""Maximum seconds for one ``git log``.

The limit is high, because git waits while its commits are stored, and large repositories have millions of commits.
"""


class CredentialsRefused(AccessDenied):
    """The server requires a token or refuses the token that was sent."""


ERRORS: tuple[tuple[str, type[CollectorError], str], ...] = (
    ("authentication failed", CredentialsRefused, "git has no access; put a token with access into GITHUB_TOKENS"),
    ("could not read username", CredentialsRefused, "git has no access; put a token with access into GITHUB_TOKENS"),
    ("error: 401", CredentialsRefused, "git has no access; put a valid token into GITHUB_TOKENS"),
    ("error: 403", AccessDenied, "git has no access; put a token with access into GITHUB_TOKENS"),
    ("no space left", SourceUnavailable, "the disk of WORKSPACE_DIR is full: free space, then run again"),
)
REDIRECTED = ("unable to update url base from redirection", "returned error: 30")
"""Phrases in git's messages about a redirect that it does not follow."""
ABSENT = ("not found", "does not exist", "does not appear to be a git repository", "error: 404")
CORRUPT = (
    "bad object",
    "corrupt",
    "unable to read",
    "missing blob",
    "missing tree",
    "not a git repository",
    "did not send all",
)


def repository_url(base: str, full_name: str) -> str:
    """Return the address from which git fetches a repository. A ``file://`` base may be the repository itself."""
    if not base.startswith("file://"):
        return f"{base}/{quote(full_name)}.git"
    root = Path(urlsplit(base).path)
    candidates = [root / f"{full_name}.git", root / full_name, root]
    return f"file://{next((c for c in candidates if _is_repository(c)), candidates[1])}"


def _is_repository(folder: Path) -> bool:
    return any((path / "HEAD").is_file() and (path / "objects").is_dir() for path in (folder, folder / ".git"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Refs:
    """The branches and tags of a repository. ``commits`` contains the commit of each branch or tag, by full name.

    ``missing`` contains the names of refs with a missing object. A tag of a tree or a file is in neither field.
    Bytes of a name that are not UTF-8 are written as ``\\xff``, so that names stay distinct.
    """

    commits: dict[str, str]
    missing: tuple[str, ...] = ()


class GitMirror:
    """A bare copy of a repository in a separate folder. git receives the token only through the environment."""

    def __init__(self, url: str, folder: Path, token: str | None = None) -> None:
        self.url, self.folder = url, folder
        self.use(token)

    def use(self, token: str | None) -> None:
        """Use this token from now on. ``None`` means anonymous access."""
        self.environment = _environment(self.url, token)

    def update(self) -> None:
        """Fetch all branches and tags. Remove leftovers of a killed fetch first, and replace a damaged copy.

        Raises NotFound, AccessDenied, SourceUnavailable, SourceTimeout, UnexpectedAnswer or BudgetExhausted.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._fetch()
            except bounds.RedirectRefused:
                raise
            except SourceUnavailable:
                if attempt == ATTEMPTS:
                    raise
                bounds.pause(0.2 * 2**attempt)
            except TimeoutError as error:  # another attempt would take as long
                raise SourceTimeout(f"{self.url}: git did not end in time; run again later") from error
            except UnexpectedAnswer:  # the copy is damaged; clone it again
                shutil.rmtree(self.folder, ignore_errors=True)
                if attempt > 1:
                    raise
            else:
                return

    def _fetch(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if not self.folder.exists():
            self._link()
        self._run("init", "--quiet", "--bare", str(self.folder), inside=False)
        for pattern in LEFTOVERS:
            for stale in self.folder.glob(pattern):
                stale.unlink(missing_ok=True)
        fetch = ("fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", self.url, *REFSPECS)
        self._run(*fetch, seconds=bounds.GIT_FETCH)

    def _link(self) -> None:
        """Hard-link the objects of a ``file://`` repository, which is faster than a copy.

        If this fails, the fetch copies them.
        """
        here = urlsplit(self.url)
        source = Path(here.path)
        borrowing = [folder / "objects/info/alternates" for folder in (source, source / ".git")]
        if here.scheme != "file" or any(path.exists() for path in borrowing):
            return
        clone = ["git", "clone", "--quiet", "--bare", "--local", "--no-tags", str(source), str(self.folder)]
        bounds.run_program(clone, seconds=bounds.GIT_FETCH, env=self.environment)

    def refs(self) -> Refs:
        """Return the branches and tags with their commits. For an annotated tag, this is the tagged commit.

        Two git processes read any number of refs. The first process opens no objects, so it succeeds even if an object
        is missing.
        """
        lines = self._run("for-each-ref", "--format=%(objectname) %(refname)").split(b"\n")
        tips = [(line[:at], line[at + 1 :]) for line in lines if (at := line.find(b" ")) > 0]
        peeled = self._peel({sha for sha, _ in tips})
        named = [(name.decode("utf-8", "backslashreplace"), peeled.get(sha)) for sha, name in tips]
        return Refs(
            commits={name: sha for name, sha in named if sha},
            missing=tuple(name for name, sha in named if sha is None),
        )

    def _peel(self, shas: Collection[bytes]) -> dict[bytes, str]:
        """Return the commit of each object, or an empty string for a tree or a file. Missing objects are left out.

        https://git-scm.com/docs/gitrevisions#_specifying_revisions
        """
        tips = sorted(shas)
        names = b"".join(sha + b"^{}\n" for sha in tips)
        commits: dict[bytes, str] = {}
        answers = self._run("cat-file", "--batch-check=%(objectname) %(objecttype)", input_bytes=names).split(b"\n")
        for sha, answer in zip(tips, answers, strict=False):
            target, _, kind = answer.partition(b" ")
            if kind != b"missing":
                commits[sha] = target.decode() if kind == b"commit" else ""
        return commits

    def log(self, heads: Sequence[str], known: Sequence[str]) -> Iterator[RawCommit]:
        """Yield the commits that are reachable from ``heads`` but not from ``known``, parents first, in a stable order.

        Known commits that no longer exist are ignored. Raises UnexpectedAnswer with git's message when the copy is
        damaged.
        """
        command = ["git", "log", "--stdin", "--ignore-missing", "--topo-order", "--reverse", *ARGUMENTS]
        with tempfile.TemporaryFile() as wanted, tempfile.TemporaryFile() as errors:
            wanted.write("".join([*(f"{sha}\n" for sha in heads), *(f"^{sha}\n" for sha in known)]).encode())
            wanted.seek(0)
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdin=wanted, stdout=subprocess.PIPE, stderr=errors,
                bufsize=0, pipesize=CHUNK, start_new_session=True,
            )  # fmt: skip
            with bounds.bounded_process(process, LOG_SECONDS) as is_late:
                yield from self._with_true_dates(parse(self._chunks(process, is_late, errors)))

    def _chunks(
        self, process: "subprocess.Popen[bytes]", is_late: Callable[[], bool], errors: IO[bytes]
    ) -> Iterator[bytes]:
        """Yield the output of a process as it arrives, so that git continues while the first commits are stored.

        When the process fails, raise an error, so that partial output is never read as a complete commit.
        """
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        while chunk := process.stdout.read(CHUNK):
            yield chunk
        failed = process.wait() != 0
        if is_late():
            bounds.check_time()
            raise SourceTimeout(f"{self.url}: git log did not end in time; run again later")
        if failed:
            errors.seek(0)
            raise _error(self.url, errors.read())

    def _with_true_dates(self, commits: Iterator[RawCommit]) -> Iterator[RawCommit]:
        """Yield the commits. Dates that ``git log`` cannot show are read from the commit objects."""
        with ExitStack() as stack:
            headers: subprocess.Popen[bytes] | None = None
            for commit in commits:
                if not (is_doubtful(commit.author_date) or is_doubtful(commit.committer_date)):
                    yield commit
                    continue
                headers = headers or stack.enter_context(self._open_objects())
                author, committer = dates_of_header(_next_object(headers, commit.sha))
                yield replace(commit, author_date=author, committer_date=committer)

    @contextmanager
    def _open_objects(self) -> Generator[subprocess.Popen[bytes]]:
        """Yield a ``git cat-file`` process that returns the contents of objects by name."""
        process = subprocess.Popen(
            ["git", "cat-file", "--batch"], cwd=self.folder, env=self.environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        with bounds.bounded_process(process, LOG_SECONDS):
            yield process

    def contains(self, descendant: str, ancestor: str) -> bool:
        """Return whether ``ancestor`` is in the history of ``descendant``. Return False if either is missing."""
        command = ["git", "merge-base", "--is-ancestor", ancestor, descendant]
        return self._read(command).returncode == 0

    def unreachable(self, tip: str, heads: Sequence[str]) -> list[str]:
        """Return the commits that are reachable from ``tip`` but not from ``heads``.

        The list is empty if ``tip`` is missing or git fails.
        """
        wanted = "".join([f"{tip}\n", *(f"^{sha}\n" for sha in heads)]).encode()
        done = self._read(["git", "rev-list", "--stdin", "--ignore-missing"], wanted)
        return done.stdout.decode().split() if done.returncode == 0 else []

    def _read(self, command: Sequence[str], input_bytes: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
        """Run a command that reads the copy, and return the completed process. Raises SourceTimeout."""
        try:
            return bounds.run_program(
                command, seconds=bounds.GIT_LOCAL, env=self.environment, cwd=self.folder, input_bytes=input_bytes
            )
        except TimeoutError as error:
            raise SourceTimeout(f"{self.url}: git did not read the copy in time; run again later") from error

    def _run(
        self, *arguments: str, inside: bool = True, input_bytes: bytes | None = None, seconds: float = bounds.GIT_LOCAL
    ) -> bytes:
        """Run git with ``input_bytes`` as standard input and return its output.

        Raises TimeoutError after ``seconds``, and the matching error of the project when git fails.
        """
        done = bounds.run_program(
            ["git", *arguments],
            seconds=seconds,
            cwd=self.folder if inside else None,
            env=self.environment,
            input_bytes=input_bytes,
        )
        if done.returncode:
            raise _error(self.url, done.stderr)
        return done.stdout


def _next_object(process: "subprocess.Popen[bytes]", sha: str) -> bytes:
    """Return an object's content from ``git cat-file --batch``, or empty bytes if the object is missing."""
    assert process.stdin is not None  # noqa: S101  (it is a pipe)
    assert process.stdout is not None  # noqa: S101  (it is a pipe)
    process.stdin.write(f"{sha}\n".encode())
    process.stdin.flush()
    heading = process.stdout.readline().split()
    if len(heading) != 3 or not heading[2].isdigit():
        return b""
    return process.stdout.read(int(heading[2]) + 1)


def _environment(url: str, token: str | None) -> dict[str, str]:
    """Return git's environment, without personal settings, hooks and prompts. git sends the token as an HTTP header.

    The token is not an argument, so process lists do not show it. Redirects are not followed, because git would send
    the header to the new address. A renamed repository is requested by the new name that the API reports.
    https://git-scm.com/docs/git-config#Documentation/git-config.txt-httpfollowRedirects
    """
    settings = {
        "gc.auto": "0", "maintenance.auto": "false", "core.hooksPath": os.devnull, "safe.directory": "*",
        "http.followRedirects": "false", "http.lowSpeedLimit": "1", "http.lowSpeedTime": str(bounds.GIT_SILENCE),
    }  # fmt: skip
    if token and url.startswith("http"):
        secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        parts = urlsplit(url)
        settings[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: Basic {secret}"
    env = {
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": "http:https:file", "GIT_CONFIG_COUNT": str(len(settings)), "GIT_ASKPASS": "true",
        "HOME": os.devnull,  # git's HTTP library would use a password in ~/.netrc instead of the token
    }  # fmt: skip
    for number, (name, value) in enumerate(settings.items()):
        env |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return bounds.child_environment(env)


def _error(url: str, stderr: bytes) -> CollectorError:
    """Return the project's error that matches git's error message."""
    message = redact(" ".join(stderr.decode("utf-8", "replace").split()))[-300:]
    lower = message.lower()
    if any(word in lower for word in ABSENT):
        return NotFound(f"git finds no repository at {url}", reason="not_found")
    if any(word in lower for word in REDIRECTED):
        advice = "If the repository was renamed, use its new name."
        return bounds.redirect_refused(f"the Git server of {url}", "GITHUB_GIT_URL", advice)
    for words, error, advice in ERRORS:
        if words in lower:
            return error(f"{url}: {advice}")
    if any(word in lower for word in CORRUPT):
        return UnexpectedAnswer(f"{url}: git reports: {message}")
    return SourceUnavailable(f"{url}: git reports: {message}; run again later")
