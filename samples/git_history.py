"""Build the git history of the sample project. The commit SHAs are the same on every machine.

``history/*.toml`` lists commits in the order in which they are made. ``parents`` contains the ids of parent commits.
Without ``parents``, the parent is the last commit of the branch, if there is one and ``root`` is not true. ``append``
and ``write`` map paths to texts. ``append_latin1`` encodes both path and text in Latin-1. ``delete``, ``rename``,
``binary`` (base64), ``submodule``, ``symlink``, ``executable`` and ``many`` (generated files) also change the tree. A
merge includes the changes of its other parents.
``pull`` also stores the commit under ``refs/pull/N/head``, as GitHub does. A commit with ``pull_only`` is not on any
branch.
"""

import shutil
import tempfile
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from samples.fast_import import Commit, Tree, write_commit, write_ref, write_tag
from samples.git_command import run_git
from samples.git_trees import change

DATA = Path(__file__).parent / "history"
Raw = dict[str, Any]


@dataclass(kw_only=True, slots=True)
class History:
    """A bare repository in a temporary folder."""

    folder: Path

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def build(folder: Path) -> None:
    """Create a bare repository of the sample project in ``folder``. This takes about 50 ms.

    Raises FileExistsError if the folder exists.
    """
    folder.mkdir(parents=True)
    run_git(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", ".")
    run_git(folder, "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--date-format=raw", feed=_stream())
    run_git(folder, "pack-refs", "--all")


def commit_names(folder: Path) -> list[str]:
    """Return the SHAs of all commits that branches and tags reach."""
    return sorted(run_git(folder, "rev-list", "--branches", "--tags").decode().split())


def own_copy() -> History:
    """Return a copy of the built repository in a temporary folder. The caller must remove the copy."""
    folder = Path(tempfile.mkdtemp(prefix="tidewatch-"))
    for name, content in _files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for empty in ("refs/heads", "refs/tags", "objects/info"):
        (folder / empty).mkdir(parents=True, exist_ok=True)
    return History(folder=folder)


@lru_cache(maxsize=1)
def _files() -> dict[str, bytes]:
    """Return the files of the built repository by path. Each process builds the repository only once."""
    with tempfile.TemporaryDirectory(prefix="tidewatch-") as scratch:
        folder = Path(scratch) / "built.git"
        build(folder)
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@dataclass(kw_only=True, slots=True)
class _Builder:
    people: dict[str, bytes]
    marks: dict[str, int] = field(default_factory=dict[str, int])
    trees: dict[int, Tree] = field(default_factory=dict[int, Tree])
    parents: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    tips: dict[str, int] = field(default_factory=dict[str, int])
    chunks: list[bytes] = field(default_factory=list[bytes])

    def add(self, raw: Raw) -> None:
        branch = raw.get("branch", "main")
        mark = len(self.marks) + 1
        parents = self._parents_of(raw, branch)
        before = self.trees[parents[0]] if parents else {}
        after = self._merged(parents) if len(parents) > 1 else dict(before)
        change(after, raw)
        ref = f"refs/pull/{raw['pull']}/head" if raw.get("pull_only") else f"refs/heads/{branch}"
        author = self._line(raw["by"], raw["at"])
        committer = self._line(raw.get("committer", raw["by"]), raw.get("committed_at", raw["at"]))
        encoding: str | None = raw.get("encoding")
        commit = Commit(
            ref=ref,
            mark=mark,
            author=_recoded(author, encoding),
            committer=_recoded(committer, encoding),
            message=_message(raw),
            encoding=encoding,
            parents=parents,
            before=before,
            after=after,
            renames=[(old.encode(), new.encode()) for old, new in raw.get("rename", ())],
        )
        self.chunks.append(write_commit(commit))
        self.marks[raw["id"]] = self.tips[branch] = mark
        self.trees[mark], self.parents[mark] = after, parents
        self._refs(raw, mark, committer)

    def _refs(self, raw: Raw, mark: int, tagger: bytes) -> None:
        if "pull" in raw and not raw.get("pull_only"):
            self.chunks.append(write_ref(f"refs/pull/{raw['pull']}/head", mark))
        if "light_tag" in raw:
            self.chunks.append(write_ref(f"refs/tags/{raw['light_tag']}", mark))
        if "tag" in raw:
            self.chunks.append(write_tag(raw["tag"]["name"], mark, tagger, raw["tag"]["message"] + "\n"))

    def _parents_of(self, raw: Raw, branch: str) -> list[int]:
        if "parents" in raw:
            return [self.marks[name] for name in raw["parents"]]
        return [self.tips[branch]] if branch in self.tips and not raw.get("root") else []

    def _merged(self, parents: list[int]) -> Tree:
        """Return the tree of the first parent, with the changes of each other parent since the common ancestor."""
        tree = dict(self.trees[parents[0]])
        for other in parents[1:]:
            base = self.trees[max(self._ancestors(parents[0]) & self._ancestors(other))]
            theirs = self.trees[other]
            for path in base.keys() | theirs.keys():
                if base.get(path) == theirs.get(path):
                    continue
                if path in theirs:
                    tree[path] = theirs[path]
                else:
                    del tree[path]
        return tree

    def _ancestors(self, mark: int) -> set[int]:
        found, left = set[int](), [mark]
        while left:
            here = left.pop()
            if here not in found:
                found.add(here)
                left += self.parents[here]
        return found

    def _line(self, person: str, moment: datetime) -> bytes:
        return self.people[person] + f" {int(moment.timestamp())} {moment.strftime('%z')}".encode()


def _message(raw: Raw) -> bytes:
    """Return the encoded message of a commit.

    The encoding is ``encoding``, which the commit declares, or else ``message_encoding``, which the commit does not
    declare. The default is UTF-8.
    """
    text = raw["message"].strip("\n")
    return (text and f"{text}\n").encode(raw.get("encoding") or raw.get("message_encoding", "utf-8"))


def _recoded(line: bytes, encoding: str | None) -> bytes:
    return line.decode().encode(encoding) if encoding else line


def _stream() -> bytes:
    records = [tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.toml"))]
    people = {p["key"]: f"{p['name']} <{p['email']}>".encode() for record in records for p in record.get("people", ())}
    builder = _Builder(people=people)
    for record in records:
        for raw in record["commits"]:
            builder.add(raw)
    return b"".join(builder.chunks)
