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
    """Create a bare repository from a stream for ``git fast-import``. Raises RuntimeError if the import fails."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(folder)], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=folder, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None  # noqa: S101  (it is a pipe)
        process.stdin.writelines(parts)
        process.stdin.close()
        if process.wait():
            raise RuntimeError("git fast-import failed")


def tiny(commits: int, *, files: int = 200) -> Iterator[bytes]:
    """Yield a linear history in the format of ``git fast-import``.

    Each commit changes three small files, so git has little to compare.
    """
    for n in range(commits):
        yield _commit("main", f"Change {n}: the tide tables\n\nBecause of the moon.\n", n)
        for k in range(3):
            text = "".join(f"line {line} of {(n + k) % 7}\n" for line in range(n % 150)).encode() + b"%d\n" % n
            yield b"M 100644 inline src/part%d/file%d.txt\n" % ((n + k) % 20, (n * 7 + k) % files) + _data(text)


@dataclass
class _Tree:
    """The files of a synthetic project. ``marks`` is both the number of blobs so far and the mark of the last blob."""

    dice: random.Random
    paths: list[str] = field(default_factory=list[str])
    lines: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    marks: int = 0

    def grow(self, files: int) -> None:
        """Add files in nested folders. A typical file has about 200 lines, and a few files have thousands."""
        for number in range(files):
            path = f"src/area{number % 37}/{WORDS[number % 14]}/part{number % 5}/{WORDS[number % 11]}_{number}.cpp"
            size = int(min(4000, self.dice.lognormvariate(5.2, 0.8)))
            self.paths.append(path)
            self.lines[path] = [self._line() for _ in range(size)]

    def edit(self) -> list[tuple[str, int, bytes]]:
        """Change some lines in 1 to 20 files, usually in fewer than five.

        Returns the path of each changed file, with the mark of its new blob and the blob's part of the stream.
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
        """Create a blob with the current content of a file. Returns its mark and its part of the stream."""
        self.marks += 1
        return self.marks, b"blob\nmark :%d\n" % self.marks + _data("".join(self.lines[path]).encode())

    def _line(self) -> str:
        return f"    {' '.join(self.dice.choices(WORDS, k=4))} = {self.dice.randrange(10_000)};\n"


def realistic(commits: int, *, files: int = 2_000, seed: int = 1) -> Iterator[bytes]:
    """Yield a history like that of a large project, in the format of ``git fast-import``.

    Short topic branches are merged into the main branch. Each commit on a topic branch changes a few of the files. Many
    files have hundreds of lines, so git compares texts of realistic size.
    """
    tree = _Tree(random.Random(seed))  # noqa: S311  (the seed makes the history repeatable)
    tree.grow(files)
    first = [(path, *tree.blob(path)) for path in tree.paths]
    yield from (blob for _, _, blob in first)
    made = 1 << 30  # the mark of the first commit, which is larger than every mark of a blob
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
    """Return the beginning of a commit. The caller must append the changes of files to the stream."""
    who = f"Person {n % 50} <person-{n % 50}@example.org> {START + n * 600} +0100".encode()
    lines = [b"commit refs/heads/%s\n" % branch.encode(), b"mark :%d\n" % mark if mark else b""]
    lines += [b"author %s\ncommitter %s\n" % (who, who), _data(message.encode())]
    lines += [b"%s :%d\n" % (word, parent) for word, parent in zip((b"from", b"merge"), parents, strict=False)]
    return b"".join(lines)


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)
