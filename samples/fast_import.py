"""Write the input of ``git fast-import``.

https://git-scm.com/docs/git-fast-import
"""

from dataclasses import dataclass, field

File = tuple[bytes, bytes]
"""An entry of a tree: its mode and its content. The content of a submodule is the SHA of its commit."""
Tree = dict[bytes, File]
"""The entries of a tree by path. Paths are bytes, because git does not define their encoding."""
PLAIN, EXECUTABLE, SYMLINK, SUBMODULE = b"100644", b"100755", b"120000", b"160000"


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A commit. ``author`` and ``committer`` are whole lines: name, email address, seconds since 1970, time zone."""

    ref: str
    mark: int
    author: bytes
    committer: bytes
    message: bytes
    encoding: str | None
    parents: list[int]
    before: Tree
    """The tree of the first parent."""
    after: Tree
    renames: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])


def write_commit(commit: Commit) -> bytes:
    lines = [f"commit {commit.ref}".encode(), f"mark :{commit.mark}".encode()]
    lines += [b"author " + commit.author, b"committer " + commit.committer]
    if commit.encoding:
        lines.append(f"encoding {commit.encoding}".encode())
    lines.append(_data(commit.message))
    if commit.parents:
        lines.append(f"from :{commit.parents[0]}".encode())
        lines += [f"merge :{mark}".encode() for mark in commit.parents[1:]]
    before = dict(commit.before)
    for old, new in commit.renames:
        before[new] = before.pop(old)
        lines.append(b"R " + _quoted(old) + b" " + _quoted(new))
    lines += [b"D " + _quoted(path) for path in sorted(before.keys() - commit.after.keys())]
    for path, (mode, content) in sorted(commit.after.items()):
        if before.get(path) == (mode, content):
            continue
        if mode == SUBMODULE:
            lines.append(b"M " + mode + b" " + content + b" " + _quoted(path))
        else:
            lines += [b"M " + mode + b" inline " + _quoted(path), _data(content)]
    return b"\n".join(lines) + b"\n\n"


def write_tag(name: str, mark: int, tagger: bytes, message: str) -> bytes:
    """Return the input that creates an annotated tag."""
    head = f"tag {name}\nfrom :{mark}\ntagger ".encode()
    return head + tagger + b"\n" + _data(message.encode()) + b"\n"


def write_ref(ref: str, mark: int) -> bytes:
    return f"reset {ref}\nfrom :{mark}\n\n".encode()


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content


def _quoted(path: bytes) -> bytes:
    return b'"' + path.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
