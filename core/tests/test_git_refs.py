"""Tests of branches, tags and the commits that they point to."""

import subprocess
from pathlib import Path

import pytest

from core.operations.github_ops.git import GitMirror


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the path of a repository with one commit on its branch."""
    folder = tmp_path / "source"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    for name, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        git(folder, "config", name, value)
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def git(folder: Path, *arguments: str | bytes, input_bytes: bytes = b"") -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], input=input_bytes, capture_output=True, check=True)
    return done.stdout.decode().strip()


def off_branch(folder: Path) -> str:
    """Create a commit that no branch reaches, and return its SHA."""
    tree = git(folder, "rev-parse", "HEAD^{tree}")
    return git(folder, "commit-tree", tree, "-p", "HEAD", "-m", "beside")


def mirror_of(folder: Path, tmp_path: Path) -> GitMirror:
    mirror = GitMirror(f"file://{folder}", tmp_path / "mirror.git")
    mirror.update()
    return mirror


def chain(folder: Path, target: str, depth: int) -> str:
    """Create ``depth`` nested tags of a target. Delete all tag names except the outermost, and return this name."""
    for level in range(depth):
        git(folder, "tag", "-a", f"level-{level}", "-m", f"level {level}", target)
        target = f"level-{level}"
    for level in range(depth - 1):
        git(folder, "tag", "-d", f"level-{level}")
    return target


@pytest.mark.parametrize("depth", [1, 2, 7])
def test_a_tag_of_tags_leads_to_the_commit_behind_them(source: Path, tmp_path: Path, depth: int) -> None:
    sha = off_branch(source)
    name = chain(source, sha, depth)
    mirror = mirror_of(source, tmp_path)
    found = mirror.refs()
    assert found.commits[f"refs/tags/{name}"] == sha
    assert sha in {commit.sha for commit in mirror.log(sorted(set(found.commits.values())), [])}
    assert found.missing == ()


def test_tags_of_trees_and_files_lead_to_no_commit(source: Path, tmp_path: Path) -> None:
    blob = git(source, "hash-object", "-w", "--stdin", input_bytes=b"text")
    git(source, "tag", "a-file", blob)
    git(source, "tag", "-a", "a-tree", "-m", "x", "HEAD^{tree}")
    git(source, "tag", "-a", "tag-of-tree", "-m", "x", "a-tree")
    found = mirror_of(source, tmp_path).refs()
    assert list(found.commits) == ["refs/heads/main"]
    assert found.missing == ()


def test_a_tag_with_a_missing_object_is_reported_and_stops_nothing(source: Path, tmp_path: Path) -> None:
    sha = off_branch(source)
    git(source, "tag", "-a", "broken", "-m", "x", sha)
    mirror = mirror_of(source, tmp_path)
    (mirror.folder / "objects" / sha[:2] / sha[2:]).unlink()
    found = mirror.refs()
    assert found.missing == ("refs/tags/broken",)
    assert "refs/heads/main" in found.commits


def test_names_that_are_not_utf8_stay_distinct(source: Path, tmp_path: Path) -> None:
    head = git(source, "rev-parse", "HEAD")
    for name in (b"refs/tags/v\xff", b"refs/tags/v\xfe", "refs/tags/été".encode()):
        git(source, "update-ref", name, head)
    names = set(mirror_of(source, tmp_path).refs().commits)
    assert {"refs/tags/v\\xff", "refs/tags/v\\xfe", "refs/tags/été"} <= names


def test_a_detached_head_changes_nothing(source: Path, tmp_path: Path) -> None:
    git(source, "checkout", "-q", "--detach")
    assert list(mirror_of(source, tmp_path).refs().commits) == ["refs/heads/main"]
