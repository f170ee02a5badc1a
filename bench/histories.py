"""Writes synthetic Git histories of two shapes with ``git fast-import``."""

import random
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

START = 1_500_000_000
WORDS = (
    "tide", "table", "harbour", "moon", "current", "gauge", "buoy", "chart", "depth", "wind", "marsh",
    "anchor", "ebb", "flood",
)  # fmt: skip


def write(folder: Path, parts: Iterable[bytes]) -> None:
    """Create a bare repository from the parts of a stream for ``git fast-import``."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101  (it is a pipe)
        process.stdin.writelines(parts)
        process.stdin.close()
        if process.wait():
            raise RuntimeError("git fast-import failed")


def tiny(commits: int, *, files: int = 200) -> Iterator[bytes]:
    """Yield the stream of a linear history. Each commit changes three small files, so git has little to compare."""
    for n in range(commits):
        yield _commit("main", f"Change {n}: the tide tables\n\nBecause of the moon.\n", n)
        for k in range(3):
            text = "".join(f"line {line} of {(n + k) % 7}\n" for line in range(n % 150)).encode() + b"%d\n" % n
            yield b"M 100644 inline src/part%d/file%d.txt\n" % ((n + k) % 20, (n * 7 + k) % files) + _data(text)


@dataclass
class _Tree:
    """The files of a synthetic project. ``marks`` is the number of blobs so far."""

    dice: random.Random
    paths: list[str] = field(default_factory=list[str])
    lines: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    marks: int = 0

    def grow(self, files: int) -> None:
        """Add files in nested folders. Most files have a few hundred lines, and some have several thousand."""
        for number in range(files):
            path = f"src/area{number % 37}/{WORDS[number % 14]}/part{number % 5}/{WORDS[number % 11]}_{number}.cpp"
            size = int(min(4000, self.dice.lognormvariate(5.2, 0.8)))
            self.paths.append(path)
            self.lines[path] = [self._line() for _ in range(size)]

    def edit(self) -> list[tuple[str, int, bytes]]:
        """Change some lines in 1 to 20 files, but mostly in few.

        Returns the path, the mark and the stream of the new blob of each changed file.
        """
        changed: list[tuple[str, int, bytes]] = []
        for path in self.dice.sample(self.paths, min(20, 1 + int(self.dice.expovariate(0.35)))):
            lines = self.lines[path]
            for _ in range(1 + int(self.dice.expovariate(0.4))):
                start, old, new = self.dice.randrange(len(lines) + 1), self.dice.randrange(4), self.dice.randrange(7)
                lines[start : start + old] = [self._line() for _ in range(new)]
            changed.append((path, *self.blob(path)))
        return changed

    def blob(self, path: str) -> tuple[int, bytes]:
        """Return the mark and the stream of a new blob with a file's current content."""
        self.marks += 1
        return self.marks, b"blob\nmark :%d\n" % self.marks + _data("".join(self.lines[path]).encode())

    def _line(self) -> str:
        return f"    {' '.join(self.dice.choices(WORDS, k=4))} = {self.dice.randrange(10_000)};\n"


def realistic(commits: int, *, files: int = 2_000, seed: int = 1) -> Iterator[bytes]:
    """Yield the stream of a history like that of large projects: short topic branches are merged into the main branch.

    A commit changes a few of two thousand files with hundreds of lines each, so git must compare texts of real size.
    """
    tree = _Tree(random.Random(seed))  # noqa: S311  (the seed makes the history repeatable)
    tree.grow(files)
    first = [(path, *tree.blob(path)) for path in tree.paths]
    yield from (blob for _, _, blob in first)
    made = 1 << 30  # marks of commits start here; marks of blobs stay below
    yield _commit("main", "Begin\n", 0, mark=made)
    yield from (b"M 100644 :%d %s\n" % (mark, path.encode()) for path, mark, _ in first)
    main, n = made, 1
    while n < commits:
        whole: dict[str, int] = {}
        tip = main
        for _ in range(tree.dice.randrange(1, 6)):
            made, n = made + 1, n + 1
            change = tree.edit()
            yield from (blob for _, _, blob in change)
            body = "\n".join(" ".join(tree.dice.choices(WORDS, k=10)) for _ in range(tree.dice.randrange(12)))
            yield _commit("topic", f"{WORDS[n % 14]}: change {n}\n\n{body}\n", n, mark=made, parents=[tip])
            yield from (b"M 100644 :%d %s\n" % (mark, path.encode()) for path, mark, _ in change)
            whole |= {path: mark for path, mark, _ in change}
            tip = made
        made, n = made + 1, n + 1
        yield _commit("main", f"Merge topic {n}\n", n, mark=made, parents=[main, tip])
        yield from (b"M 100644 :%d %s\n" % (mark, path.encode()) for path, mark in whole.items())
        main = made


def _commit(branch: str, message: str, n: int, *, mark: int = 0, parents: Iterable[int] = ()) -> bytes:
    """Return the header of a commit, which its file changes must follow."""
    who = f"Person {n % 50} <person-{n % 50}@example.org> {START + n * 600} +0100".encode()
    lines = [b"commit refs/heads/%s\n" % branch.encode(), b"mark :%d\n" % mark if mark else b""]
    lines += [b"author %s\ncommitter %s\n" % (who, who), _data(message.encode())]
    lines += [b"%s :%d\n" % (word, parent) for word, parent in zip((b"from", b"merge"), parents, strict=False)]
    return b"".join(lines)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
