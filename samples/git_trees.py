"""Apply the changes in a record of ``history/*.toml`` to a tree."""

import base64
from typing import Any

from samples.fast_import import EXECUTABLE, PLAIN, SUBMODULE, SYMLINK, File, Tree

Raw = dict[str, Any]


def change(tree: Tree, raw: Raw) -> None:
    """Apply the changes in a record to a tree, in place."""
    for old, new in raw.get("rename", ()):
        tree[new.encode()] = tree.pop(old.encode())
    for name in raw.get("delete", ()):
        del tree[name.encode()]
    for encoding, kind in (("utf-8", "append"), ("latin-1", "append_latin1")):
        for name, text in raw.get(kind, {}).items():
            mode, content = tree.get(name.encode(encoding), (PLAIN, b""))
            tree[name.encode(encoding)] = (mode, content + text.encode(encoding))
    for name in raw.get("executable", ()):
        tree[name.encode()] = (EXECUTABLE, tree[name.encode()][1])
    for name, file in _new_files(raw):
        tree[name.encode()] = file


def _new_files(raw: Raw) -> list[tuple[str, File]]:
    many = raw.get("many", {"folder": "", "count": 0})
    stations = range(1, many["count"] + 1)
    return [
        *((name, (PLAIN, text.encode())) for name, text in raw.get("write", {}).items()),
        *((name, (PLAIN, base64.b64decode(text))) for name, text in raw.get("binary", {}).items()),
        *((name, (SYMLINK, target.encode())) for name, target in raw.get("symlink", {}).items()),
        *((name, (SUBMODULE, sha.encode())) for name, sha in raw.get("submodule", {}).items()),
        *((f"{many['folder']}/{n:03d}.csv", (PLAIN, f"id,zone\n{n},UTC\n".encode())) for n in stations),
    ]
