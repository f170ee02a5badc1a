"""The recorded histories of real repositories, in a folder next to the project, without the database."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TWIN = ROOT.parent / "shared" / "twins" / "github" / "serve.py"
PYTHON = ROOT / ".twins" / "bin" / "python"
DATA = TWIN.parents[1] / "data"
BY_HAND = Path(__file__).parent / "questions_by_hand"


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """A recorded repository: the file, and the full name of the repository."""

    file: Path
    repository: str

    @property
    def questions(self) -> Path:
        """Return the file with the handwritten questions about this repository. It may be missing."""
        return BY_HAND / f"{self.file.name.partition('.')[0]}.toml"


def histories() -> list[History]:
    """Return the recorded repositories, or an empty list if the twin is not installed."""
    files = sorted(DATA.glob("*.jsonl.gz")) if TWIN.exists() and PYTHON.exists() else []
    return [History(file=file, repository=name) for file in files if (name := _repository(file))]


def _repository(file: Path) -> str:
    """Return the full name of the repository in a file, or an empty text if the file contains something else."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        first = json.loads(lines.readline())
    return str(first[1].get("repo", "")) if isinstance(first, list) and first[0] == "meta" else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]  # the file's own format
