"""Reads ``git log -z --raw --numstat`` as a stream of commits.

Fields are separated by NUL, which can stand neither in a message nor in a path, and are read by position: no name of a
file can be taken for anything else. Merges show no files, as in ``git log`` itself.
https://git-scm.com/docs/diff-format#_raw_output_format
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MARK = b"\x02"
FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%ad", "%cn", "%ce", "%cd", "%e", "%B")
FORMAT = "%x02" + "%x00".join(FIELDS) + "%x00"
ARGUMENTS = ("-z", "--raw", "--numstat", "--no-abbrev", "--root", "-M", "--date=raw", f"--format=tformat:{FORMAT}")


@dataclass(frozen=True, slots=True)
class RawDate:
    """Seconds since 1970 (UTC) and the author's offset from UTC in minutes."""

    seconds: int
    offset: int


@dataclass(slots=True)
class RawFile:
    """A changed file. Line counts are ``None`` for binary files; a submodule has mode 160000."""

    path: str
    previous_path: str | None
    status: str
    similarity: int | None
    old_mode: str
    new_mode: str
    additions: int | None = None
    deletions: int | None = None


@dataclass(frozen=True, slots=True)
class RawCommit:
    """A commit as git shows it; texts are UTF-8, what cannot be read as such is U+FFFD."""

    sha: str
    tree: str
    parents: list[str]
    author_name: str
    author_email: str
    author_date: RawDate
    committer_name: str
    committer_email: str
    committer_date: RawDate
    encoding: str
    message: str
    files: list[RawFile]


def parse(chunks: Iterable[bytes]) -> Iterator[RawCommit]:
    """Commits out of the bytes of a log that was asked for with ``ARGUMENTS``."""
    tokens = _tokens(chunks)
    token = next(tokens, None)
    while token is not None:
        if not token.startswith(MARK):
            token = next(tokens, None)  # an empty token between a commit and the next
            continue
        fields = [token[1:].decode()]
        fields += [next(tokens, b"").decode("utf-8", "replace") for _ in range(len(FIELDS) - 1)]
        files: list[RawFile] = []
        by_path: dict[str, RawFile] = {}
        token = next(tokens, None)
        while token is not None and not token.startswith(MARK):
            line = token.lstrip(b"\n")
            if line.startswith(b":"):
                file = _raw(line, tokens)
                files.append(file)
                by_path[file.path] = file
            elif line:
                _count(line, tokens, by_path)
            token = next(tokens, None)
        yield _commit(fields, files)


def _tokens(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []
    for chunk in chunks:
        first, *more = chunk.split(b"\0")
        rest.append(first)
        if more:
            yield b"".join(rest)
            yield from more[:-1]
            rest = [more[-1]]
    if last := b"".join(rest):
        yield last


def _raw(line: bytes, tokens: Iterator[bytes]) -> RawFile:
    old_mode, new_mode, _, _, status = line[1:].decode("ascii").split(" ")
    path, previous = _path(tokens), None
    if status[0] in "RC":
        previous, path = path, _path(tokens)
    similarity = int(status[1:]) if status[1:].isdigit() else None
    return RawFile(path, previous, status[0], similarity, old_mode, new_mode)


def _count(line: bytes, tokens: Iterator[bytes], by_path: dict[str, RawFile]) -> None:
    added, deleted, path = line.split(b"\t", 2)
    if not path:  # a rename: the old and the new path follow
        _path(tokens)
        name = _path(tokens)
    else:
        name = path.decode("utf-8", "replace")
    if (file := by_path.get(name)) is not None and added != b"-":
        file.additions, file.deletions = int(added), int(deleted)


def _path(tokens: Iterator[bytes]) -> str:
    return next(tokens, b"").decode("utf-8", "replace")


def _date(text: str) -> RawDate:
    seconds, _, zone = text.partition(" ")
    digits = zone[1:]
    minutes = int(digits[:-2] or 0) * 60 + int(digits[-2:]) if digits.isdigit() and len(digits) >= 3 else 0
    return RawDate(int(seconds) if seconds.lstrip("-").isdigit() else 0, -minutes if zone.startswith("-") else minutes)


def _commit(f: list[str], files: list[RawFile]) -> RawCommit:
    return RawCommit(
        sha=f[0], tree=f[1], parents=f[2].split(), author_name=f[3], author_email=f[4], author_date=_date(f[5]),
        committer_name=f[6], committer_email=f[7], committer_date=_date(f[8]), encoding=f[9],
        message=f[10].rstrip("\n"), files=files,
    )  # fmt: skip
