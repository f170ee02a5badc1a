"""Parses the output of ``git log -z --raw --numstat`` as a stream of commits.

Fields are separated by NUL, which neither messages nor paths can contain. They are read by position, so that no file
name can be mistaken for another field. As in ``git log``, merges have no files.
https://git-scm.com/docs/diff-format#_raw_output_format
"""

import codecs
import re
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

COMMIT_START = "\x02"
FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%ad", "%cn", "%ce", "%cd", "%e", "%B")
FORMAT = "%x02" + "%x00".join(FIELDS) + "%x00"
ARGUMENTS = ("-z", "--raw", "--numstat", "--no-abbrev", "--root", "-M", "--date=raw", f"--format=tformat:{FORMAT}")


@dataclass(frozen=True, slots=True)
class RawDate:
    """A date of a commit: seconds since 1970 (UTC), the offset from UTC in minutes, and the text that contains both.

    A part that is missing in the text is ``None``. ``text`` is empty for a commit without a date.
    """

    seconds: int | None
    offset: int | None
    text: str = ""


@dataclass(slots=True)
class RawFile:
    """A changed file. Line counts are ``None`` for binary files. A submodule has mode 160000."""

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
    """A commit as git prints it. Bytes that are not valid UTF-8 become U+FFFD."""

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
    """Yield the commits in the output of ``git log`` with ``ARGUMENTS``.

    Bytes are decoded and split into tokens chunk by chunk. An incomplete commit is read again when the number of tokens
    has doubled, so that a large commit is not read again after each chunk.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    tokens: list[str] = []
    rest, wanted = "", 0
    for chunk in chunks:
        *more, rest = (rest + decoder.decode(chunk)).split("\0")
        tokens += more
        if len(tokens) < wanted:
            continue
        at = yield from _commits(tokens)
        del tokens[:at]
        wanted = 2 * len(tokens)
    tokens += [rest + decoder.decode(b"", final=True), COMMIT_START]
    yield from _commits(tokens)


def _commits(tokens: list[str]) -> Generator[RawCommit, None, int]:
    """Yield all complete commits, and return the position after the last of them."""
    at, end = 0, len(tokens)
    while at < end:
        if tokens[at][:1] != COMMIT_START:
            at += 1  # an empty token between two commits
            continue
        try:
            files, next_commit = _files(tokens, at + len(FIELDS))
        except IndexError:
            break
        yield _commit(tokens[at : at + len(FIELDS)], files)
        at = next_commit
    return at


def _files(tokens: list[str], at: int) -> tuple[list[RawFile], int]:
    """Return the changed files that begin at position ``at``, and the position of the next commit.

    Names are skipped by position, so that no name can be mistaken for another field. Raises IndexError when the start
    of the next commit has not arrived yet.
    """
    files: list[RawFile] = []
    counted = 0
    while (token := tokens[at])[:1] != COMMIT_START:
        at += 1
        line = token.lstrip("\n")
        if line[:1] == ":":
            old_mode, new_mode, _, _, status = line[1:].split(" ")
            path, previous, similarity = tokens[at], None, None
            at += 1
            if len(status) > 1:
                similarity = int(status[1:])
            if status[0] in "RC":
                previous, path = path, tokens[at]
                at += 1
            files.append(RawFile(path, previous, status[0], similarity, old_mode, new_mode))
        elif line:
            added, deleted, name = line.split("\t", 2)
            if not name:  # for a rename, the old and the new path follow
                name = tokens[at + 1]
                at += 2
            _count(files, counted, name, added, deleted)
            counted += 1
    return files, at


def _count(files: list[RawFile], position: int, name: str, added: str, deleted: str) -> None:
    """Store the line counts of a file. git prints the counts in the order of the files."""
    if added == "-":
        return
    if position >= len(files) or files[position].path != name:
        position = next((n for n, file in enumerate(files) if file.path == name), -1)
    if position >= 0:
        files[position].additions, files[position].deletions = int(added), int(deleted)


DATE = re.compile(r"(\d+)(?:[ \t]+([+-])(\d+))?(?!\S)")
"""The beginning of a valid date in a commit's header. git ignores the text after the time zone.

https://git-scm.com/docs/git-commit-tree#_commit_information
"""
MOST_DIGITS = 20
"""Maximum digits of a number. 64-bit numbers have at most 20 digits, and longer numbers are expensive to convert."""


@lru_cache(maxsize=4096)
def read_date(text: str) -> RawDate:
    """Parse a date in git's format ``seconds zone``. The zone may have any size, or be missing.

    ``seconds`` and ``offset`` are ``None`` if they cannot be parsed.
    """
    match = DATE.match(text)
    if match is None or len(match[1]) > MOST_DIGITS:
        return RawDate(None, None, text)
    digits = match[3] or ""
    if not digits or len(digits) > MOST_DIGITS:
        return RawDate(int(match[1]), None, text)
    minutes = int(digits[:-2] or 0) * 60 + int(digits[-2:])
    return RawDate(int(match[1]), -minutes if match[2] == "-" else minutes, text)


def is_doubtful(date: RawDate) -> bool:
    """Return whether ``git log`` may hide the real date.

    It prints 0 for an overflow, and nothing for an invalid date.
    """
    return not date.seconds


def dates_of_header(header: bytes) -> tuple[RawDate, RawDate]:
    """Return the author's and the committer's date from the header of a commit object."""
    lines = header.partition(b"\n\n")[0].split(b"\n")
    return _date_of(lines, b"author "), _date_of(lines, b"committer ")


def _date_of(lines: Iterable[bytes], name: bytes) -> RawDate:
    line = next((line for line in lines if line.startswith(name)), b"")
    return read_date(line.rpartition(b">")[2].removeprefix(name).decode("utf-8", "replace").strip())


def _commit(f: list[str], files: list[RawFile]) -> RawCommit:
    return RawCommit(
        sha=f[0][1:], tree=f[1], parents=f[2].split(), author_name=f[3], author_email=f[4], author_date=read_date(f[5]),
        committer_name=f[6], committer_email=f[7], committer_date=read_date(f[8]), encoding=f[9],
        message=f[10].rstrip("\n"), files=files,
    )  # fmt: skip
