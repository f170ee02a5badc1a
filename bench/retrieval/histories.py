"""Collects the histories of real repositories from the twin of GitHub, and builds the questions about them.

The twin is an imitation of GitHub's API in a folder next to the project. The collected documents and their vectors stay
in the database, so that only the first run takes long.
"""

import subprocess
import tomllib
from collections.abc import Iterator, Sequence

from django.core.management import call_command
from django.test.utils import override_settings

from bench.retrieval.corpus import collected
from bench.retrieval.derived import derived_questions
from bench.retrieval.questions import Question
from bench.retrieval.recordings import PYTHON, TWIN, History
from core.models import Document
from core.search.documents import RenderedDocument


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
