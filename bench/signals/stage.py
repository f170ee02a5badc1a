"""The environment of the commands: an embedded server, copies of prepared databases, and local services."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from embedded_postgres.client import ensure_running, programs, stop_server
from embedded_postgres.cluster_paths import ClusterPaths
from samples.discord import SampleDiscord
from samples.server import SampleServer
from tests.support.slack_server import CHANNEL, TOKEN, SlackServer

ROOT = Path(__file__).parents[2]
DIMENSION = 32
"""Dimension of the vectors from :class:`Embeddings`. Each number is a byte of a BLAKE2b hash of at most 64 bytes."""
LONGEST = 300.0
"""Maximum seconds for a command that receives no signal. This is generous, because the machine can be busy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The result of a command: exit code (negative after a signal), standard error, and duration in seconds."""

    code: int
    errors: str
    seconds: float


@dataclass(kw_only=True, slots=True)
class Place:
    """A database and a folder in which a command runs."""

    database: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])


class Stage:
    """Context manager that runs an embedded server and the local services, and stops them at the end."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._number, self._stack = folder, 0, ExitStack()
        self.github, self.discord, self.slack = SampleServer(rest_limit=10**9), SampleDiscord(), SlackServer()
        self.embeddings = Embeddings()

    def __enter__(self) -> Self:
        for service in (self.github, self.discord, self.slack, self.embeddings):
            self._stack.enter_context(service)  # pyright: ignore[reportUnknownMemberType, reportArgumentType]
        self.host = ensure_running(ClusterPaths(self.folder / "server" / "postgres"))
        self._stack.callback(stop_server, self.folder / "server")
        with self.connect("postgres") as connection:  # safe, because only processes are killed, not the machine
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def connect(self, database: str) -> "psycopg.Connection[Any]":
        """Open a connection to one database of the embedded server."""
        return psycopg.connect(host=self.host, user="postgres", dbname=database, autocommit=True)

    def place(self, template: Place | None = None, **environment: str) -> Place:
        """Create and return a place: a copy of ``template`` with its database and files, or an empty place."""
        self._number += 1
        name = f"stage_{self._number}"
        folder = self.folder / name
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template.database if template else "template0")
        )
        with self.connect("postgres") as connection:
            connection.execute(made)
        if template:
            shutil.copytree(template.folder, folder)
        else:
            folder.mkdir()
        return Place(database=name, folder=folder, environment=(template.environment if template else {}) | environment)

    def remove(self, place: Place) -> None:
        """Remove the database and the folder of a place. Ends database sessions that killed commands left open."""
        with self.connect("postgres") as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(place.database)))
        shutil.rmtree(place.folder)

    def start(self, place: Place, arguments: Sequence[str], errors: Path) -> "subprocess.Popen[bytes]":
        """Start a command in its own process group. ``{folder}`` in an argument is replaced by the place's folder."""
        command = [sys.executable, "manage.py", *(one.format(folder=place.folder) for one in arguments)]
        with errors.open("wb") as file:
            return subprocess.Popen(
                command, cwd=ROOT, env=self._environment(place), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=file, start_new_session=True,
            )  # fmt: skip

    def run(self, place: Place, *arguments: str) -> Ended:
        """Run a command until it ends. After ``LONGEST`` seconds, kill it and raise TimeoutExpired."""
        errors, began = self.folder / "errors", time.monotonic()
        process = self.start(place, arguments, errors)
        try:
            code = process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ended(code=code, errors=errors.read_text(errors="replace"), seconds=time.monotonic() - began)

    def _environment(self, place: Place) -> Mapping[str, str]:
        """Return the environment variables for a place, without the settings in this process's environment."""
        system = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        system["PATH"] = f"{programs()}:{system.get('PATH', '')}"  # so that pg_dump has the server's version
        return system | {
            "DATABASE_URL": f"postgresql:///{place.database}?user=postgres&host={self.host}",
            "VAR_DIR": str(place.folder), "SECRET_KEY": "signals", "PYTHONUNBUFFERED": "1",
            "GITHUB_TOKENS": self.github.token(), "GITHUB_API_URL": self.github.url, "GITHUB_GIT_URL": self.github.url,
            "GITHUB_REPOS": self.github.truth()["full_name"], "DISCORD_API_BASE": self.discord.url,
            "DISCORD_BOT_TOKEN": self.discord.token, "DISCORD_GUILDS": str(self.discord.guild.id),
            "SLACK_BOT_TOKEN": "", "SLACK_CHANNEL": "", "VECTOR_INDEX": "pgvector", "EMBEDDER": "openai",
            "EMBEDDING_API_URL": self.embeddings.url, "EMBEDDING_API_KEY": "key", "EMBEDDING_MODEL": "first",
        } | place.environment  # fmt: skip

    def with_slack(self) -> dict[str, str]:
        """Return the environment variables for posting to the local imitation of Slack."""
        return {"SLACK_BOT_TOKEN": TOKEN, "SLACK_CHANNEL": CHANNEL, "SLACK_API_BASE": self.slack.url}

    def with_other_model(self) -> dict[str, str]:
        """Return the environment variables for another embedding model at the same endpoint."""
        return {"EMBEDDING_MODEL": "second"}


class Embeddings:
    """A local endpoint with OpenAI's API for embeddings. The vectors are hashes of the texts."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _EmbeddingHandler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _EmbeddingHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        data = [{"index": index, "embedding": _vector(text)} for index, text in enumerate(texts)]
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the base class's)
        """Do nothing. The base class would print each request."""


def _vector(text: str) -> list[float]:
    return [byte / 255 + 0.01 for byte in hashlib.blake2b(text.encode(), digest_size=DIMENSION).digest()]
