"""Tests that files of a killed git process neither block the next fetch nor fill the disk."""

import subprocess
from pathlib import Path

import pytest

from core.operations.github_ops.git import GitMirror


@pytest.mark.parametrize("left", ["objects/pack/tmp_pack_AbC123", "objects/ab/tmp_obj_x1", "packed-refs.lock"])
def test_the_next_fetch_removes_partial_objects_and_locks(left: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    commit = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-C", str(source), "commit"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(source)], check=True)
    subprocess.run([*commit, "-q", "--allow-empty", "-m", "first"], check=True)
    mirror = GitMirror(f"file://{source}", tmp_path / "mirror.git")
    mirror.update()
    (mirror.folder / left).parent.mkdir(exist_ok=True)
    (mirror.folder / left).write_text("half")
    subprocess.run([*commit, "-q", "--allow-empty", "-m", "second"], check=True)
    mirror.update()
    assert not (mirror.folder / left).exists()
    assert len(list(mirror.log([*mirror.refs().commits.values()], []))) == 2
