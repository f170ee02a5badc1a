"""Serve git over HTTP, read-only: https://git-scm.com/docs/http-protocol.

The server runs ``git upload-pack``, which is part of every git installation. It does not use git's CGI program
``git http-backend``, because some installations lack it.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from samples.answers import Answer, Request
from samples.git_command import run_git

ADDRESS = re.compile(r"/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)")
GREETING = b"001e# service=git-upload-pack\n0000"


def find(path: str) -> tuple[str, str] | None:
    """Return (owner/name, service) for the path of a git request, or ``None`` for any other path."""
    found = ADDRESS.fullmatch(path)
    if found is None or found[1] in {"repos", "repositories"}:
        return None
    return f"{found[1]}/{found[2]}", found[3]


def serve(request: Request, service: str, git_dir: Path | None) -> Answer:
    """Return the response to one request of a clone or fetch.

    ``git_dir`` is ``None`` for a repository without commits. As on GitHub, the clone of such a repository is empty.
    """
    protocol = request.header("git-protocol")
    try:
        if service == "info/refs" and request.query.get("service") == "git-upload-pack":
            refs = _upload_pack(git_dir, b"", protocol, "--advertise-refs")
            body = refs if "version=2" in protocol else GREETING + refs
            return _answer("application/x-git-upload-pack-advertisement", body)
        if service == "git-upload-pack" and request.method == "POST":
            return _answer("application/x-git-upload-pack-result", _upload_pack(git_dir, request.body, protocol))
    except subprocess.CalledProcessError as error:
        return _plain(500, error.stderr.decode(errors="replace"))
    return _plain(403, "This server is read-only and supports only git's smart HTTP protocol.")


def refuse(status: int, headers: dict[str, str] | None = None) -> Answer:
    """Return the error for a bad token (401) or an unknown repository (404), or the redirect of a former name (301)."""
    text = {301: "Moved Permanently", 401: "Invalid username or token.", 404: "Repository not found."}
    return _plain(status, text.get(status, "Error"), headers)


def _upload_pack(git_dir: Path | None, feed: bytes, protocol: str, *options: str) -> bytes:
    if git_dir is None:
        with tempfile.TemporaryDirectory(prefix="tidewatch-") as empty:
            run_git(Path(empty), "init", "--quiet", "--bare", "--template=", ".")
            return _upload_pack(Path(empty), feed, protocol, *options)
    return run_git(
        git_dir, "-c", "uploadpack.allowFilter=true", "upload-pack", "--stateless-rpc", *options, ".",
        feed=feed, protocol=protocol,
    )  # fmt: skip


def _answer(content_type: str, body: bytes) -> Answer:
    return Answer(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-cache"})


def _plain(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    headers = {"Content-Type": "text/plain; charset=utf-8", **(headers or {})}
    return Answer(status=status, body=text.encode(), headers=headers)
