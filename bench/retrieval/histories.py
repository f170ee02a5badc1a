"""The histories of real repositories, which the twin of GitHub serves, and the questions about them.

The twin is an imitation of GitHub's API in a folder next to the project. The collected documents and their vectors stay
in VAR_DIR, so that only the first run takes long.
"""

import gzip
import json
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.test.utils import override_settings

from bench.retrieval.corpus import collected
from bench.retrieval.derived import derived_questions
from bench.retrieval.questions import Question
from core.models import Document
from core.search.documents import RenderedDocument

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


def collect(history: History) -> None:
    """Collect a repository, and bring the index in step. Only what is missing is read and embedded."""
    command = [str(PYTHON), str(TWIN), "--port", "0", "--data", str(history.file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as twin:
        assert twin.stdout is not None  # noqa: S101  (stdout is a pipe)
        try:
            url = twin.stdout.readline().split()[-1]
            with override_settings(GITHUB_API_URL=url, GITHUB_GIT_URL=url, GITHUB_TOKENS=["ghp_reader_1"]):
                call_command("collect_github", history.repository, no_sync=True, progress=False, verbosity=0)
        finally:
            twin.terminate()


def questions(history: History) -> Iterator[Question]:
    """Yield the handwritten questions, and the questions that are derived from the documents."""
    documents = list(collected([history.repository]))
    yield from _by_hand(history, documents)
    yield from derived_questions(history.repository, documents)


def _by_hand(history: History, documents: Sequence[RenderedDocument]) -> Iterator[Question]:
    """Yield the questions of a file. Each answer in it is the number of an issue or of a pull request."""
    names = {int(document.url.rsplit("/", 1)[1]): document.external_id for document in documents}
    if history.questions.exists():
        for question in tomllib.loads(history.questions.read_text(encoding="utf-8"))["questions"]:
            answers = frozenset(names[number] for number in question["answers"])
            yield Question(kind=question["kind"], words=question["words"], answers=answers)


def external_ids() -> dict[int, str]:
    """Return the external ids of all documents by primary key."""
    return dict(Document.objects.values_list("pk", "external_id"))
