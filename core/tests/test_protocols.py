"""The protocols, at run time and for the type checker."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.protocols import IncrementalState, require_activity_record, require_tracker_result

SAMPLES = Path(__file__).parents[1] / "pyright_samples"


def errors_in(name: str, folder: Path) -> list[int]:
    """Lines, counted from 1, in which pyright finds errors; with a configuration of its own, which excludes nothing."""
    root = SAMPLES.parents[1]
    config = {
        "include": [os.path.relpath(SAMPLES / name, folder)],
        "exclude": [],
        "extraPaths": [str(root)],
        "venvPath": str(root),
        "venv": ".venv",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "--outputjson", "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told["summary"]["filesAnalyzed"] == 1
    return [one["range"]["start"]["line"] + 1 for one in told["generalDiagnostics"] if one["severity"] == "error"]


def test_pyright_accepts_what_is_right(tmp_path: Path) -> None:
    assert errors_in("must_pass.py", tmp_path) == []


def test_pyright_refuses_what_is_wrong(tmp_path: Path) -> None:
    assert errors_in("must_fail.py", tmp_path) == [5, 6, 7]


def test_a_guard_returns_what_it_was_given() -> None:
    result = SimpleNamespace(success=True, counts={})
    assert require_tracker_result(result) is result


@pytest.mark.parametrize("guard", [require_tracker_result, require_activity_record])
def test_a_guard_names_the_protocol(guard: object) -> None:
    with pytest.raises(TypeError, match=r"TrackerResult|ActivityRecord"):
        guard(object())  # type: ignore[operator]


def test_a_state_is_known_by_its_attributes() -> None:
    assert isinstance(SimpleNamespace(checkpoint_token="", human_readable_marker="", extras={}), IncrementalState)
