"""Tests of atomic writes of files, and of the paths in the workspace."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.operations.files import PRIVATE, Workspace, open_atomic

ROOT = Path(__file__).parents[2]
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ENDLESS_WRITER = """
import sys
from pathlib import Path
from core.operations.files import open_atomic
with open_atomic(Path(sys.argv[1])) as file:
    while True:
        file.write("new " * 1000)
"""


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "out.txt"
    with open_atomic(target) as file:
        file.write("Ä\n潮\r\n")
        assert not target.exists()
    assert target.read_bytes() == "Ä\n潮\r\n".encode()
    assert list(target.parent.iterdir()) == [target]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with open_atomic(tmp_path / "atomic"):
        pass
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "usual").stat().st_mode


def write_half(target: Path) -> None:
    """Write half of a file, then fail."""
    with open_atomic(target) as file:
        file.write("half")
        raise RuntimeError


def test_a_failed_write_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        write_half(tmp_path / "out.txt")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_preserves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError):
        write_half(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_killed_writer_preserves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    writer = subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, str(target)], cwd=ROOT)
    give_up = time.monotonic() + 20
    while sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert target.read_text() == "old"
    with open_atomic(target) as file:
        file.write("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]  # the temporary file of the killed process was removed


LEFT = [".activity-trackers-abcdefgh.tmp", ".activity-trackers-12345678.tmp"]
FOREIGN = [".backup-abcdefgh", ".activity-trackers-abc", "activity-trackers-a.tmp", ".out.txt.tmp", ".activity.tmp"]


def test_only_files_of_interrupted_writers_are_removed(tmp_path: Path) -> None:
    for name in LEFT + FOREIGN:
        (tmp_path / name).write_text("half")
    (tmp_path / ".activity-trackers-link.tmp").symlink_to(tmp_path / FOREIGN[0])
    (tmp_path / ".activity-trackers-folder.tmp").mkdir()
    os.mkfifo(tmp_path / ".activity-trackers-pipe.tmp")
    with open_atomic(tmp_path / "new.txt"):
        pass
    there = {path.name for path in tmp_path.iterdir()}
    assert there >= {*FOREIGN, "new.txt", ".activity-trackers-link.tmp", ".activity-trackers-folder.tmp"}
    assert not there & set(LEFT)


def test_a_file_that_another_process_writes_stays(tmp_path: Path) -> None:
    with open_atomic(tmp_path / "first.txt") as first:
        first.write("whole")
        with open_atomic(tmp_path / "second.txt"):
            pass
    assert (tmp_path / "first.txt").read_text() == "whole"
    assert len(list(tmp_path.iterdir())) == 2


def test_only_the_owner_reads_collected_data(tmp_path: Path) -> None:
    target = tmp_path / "private.txt"
    target.touch(mode=0o644)
    with open_atomic(target, mode=PRIVATE):
        pass
    assert target.stat().st_mode & 0o777 == 0o600


def test_the_target_of_a_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "elsewhere" / "file.txt")
    for text in ("first", "second"):
        with open_atomic(link) as file:
            file.write(text)
        assert (tmp_path / "elsewhere" / "file.txt").read_text() == text
    assert link.is_symlink()


def test_a_device_is_written_to_and_not_replaced() -> None:
    before = Path(os.devnull).stat().st_rdev
    with open_atomic(Path(os.devnull)) as file:
        file.write("nothing")
    assert Path(os.devnull).stat().st_rdev == before


def test_a_name_of_any_length_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("潮" * 85)
    with open_atomic(target) as file:
        file.write("x")
    assert target.read_text() == "x"


@given(st.lists(NAMES, min_size=1, max_size=4))
def test_no_name_escapes_from_the_workspace(names: list[str]) -> None:
    root = Path("/workspace")
    path = Workspace(root).path(*names)
    assert len(path.parts) == len(root.parts) + len(names)
    assert not {"..", "."} & set(path.parts)


@pytest.mark.parametrize("name", ["..", ".", "/etc/passwd", "../../x", "a/b", "a\\b", "~", "a\0b", "C:", "-rf", "..."])
def test_a_hostile_name_is_one_path_component(name: str, tmp_path: Path) -> None:
    path = Workspace(tmp_path).path(name, "x")
    path.mkdir(parents=True)
    assert path.parent.parent == tmp_path
    assert path.resolve().is_relative_to(tmp_path.resolve())


@given(NAMES, NAMES)
def test_different_names_have_different_paths(one: str, other: str) -> None:
    space = Workspace(Path("/workspace"))
    assert (space.path(one) == space.path(other)) is (one == other)


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Workspace(Path("/workspace")).path("a", "")
