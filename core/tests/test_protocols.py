"""Tests of the protocols, at run time and with the type checker."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.protocols import (
    ActivityRecord,
    IncrementalState,
    TrackerResult,
    require_activity_record,
    require_tracker_result,
)

SAMPLES = Path(__file__).parents[1] / "pyright_samples"
RECORD = ("source_system", "external_id", "occurred_at", "activity_type", "actor_external_id", "source_url", "summary")
PROTOCOLS: dict[type, tuple[str, ...]] = {
    TrackerResult: ("success", "counts"),
    ActivityRecord: RECORD,
    IncrementalState: ("checkpoint_token", "human_readable_marker", "extras"),
}
EACH = [(protocol, name) for protocol, names in PROTOCOLS.items() for name in names]


def errors_in(folder: Path) -> dict[str, list[int]]:
    """Return the line numbers (from 1) at which pyright reports errors, by file name.

    pyright uses a configuration in ``folder`` that includes only the two sample files.
    """
    root = SAMPLES.parents[1]
    samples = ["must_pass.py", "must_fail.py"]
    config = {
        "include": [os.path.relpath(SAMPLES / name, folder) for name in samples],
        "exclude": [],
        "extraPaths": [str(root)],
        "venvPath": str(root),
        "venv": ".venv",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "--outputjson", "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 2
    found: dict[str, list[int]] = {name: [] for name in samples}
    for one in report["generalDiagnostics"]:
        if one["severity"] == "error":
            found[Path(one["file"]).name].append(one["range"]["start"]["line"] + 1)
    return found


def test_pyright_accepts_correct_code_and_reports_each_wrong_line(tmp_path: Path) -> None:
    lines = len((SAMPLES / "must_fail.py").read_text().splitlines())
    assert errors_in(tmp_path) == {"must_pass.py": [], "must_fail.py": list(range(9, lines + 1))}


def shaped(names: tuple[str, ...]) -> SimpleNamespace:
    """Return an object with attributes of these names."""
    return SimpleNamespace(**dict.fromkeys(names, ""))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_object_with_the_attributes_fulfils_a_protocol(protocol: type) -> None:
    assert isinstance(shaped(PROTOCOLS[protocol]), protocol)


@pytest.mark.parametrize(("protocol", "name"), EACH)
def test_every_attribute_is_required(protocol: type, name: str) -> None:
    found = shaped(PROTOCOLS[protocol])
    delattr(found, name)
    assert not isinstance(found, protocol)


@pytest.mark.parametrize(("protocol", "name"), EACH)
def test_every_attribute_is_a_property_without_a_setter(protocol: type, name: str) -> None:
    found = vars(protocol)[name]
    assert isinstance(found, property)
    assert found.fset is None


@dataclass(frozen=True)
class Counted:
    """A result that computes ``success``."""

    counts: dict[str, int]

    @property
    def success(self) -> bool:
        """Whether the counts are not empty."""
        return bool(self.counts)


def test_a_guard_returns_the_object_itself() -> None:
    result, record = Counted({"issues": 1}), shaped(RECORD)
    assert require_tracker_result(result) is result
    assert require_activity_record(record) is record


@pytest.mark.parametrize(
    ("guard", "name"), [(require_tracker_result, "TrackerResult"), (require_activity_record, "ActivityRecord")]
)
@pytest.mark.parametrize("wrong", [None, True, "text", {}, {"success": True, "counts": {}}, object()])
def test_a_guard_names_the_protocol_and_the_type(guard: Callable[[object], object], name: str, wrong: object) -> None:
    with pytest.raises(TypeError, match=name) as raised:
        guard(wrong)
    assert type(wrong).__name__ in str(raised.value)
