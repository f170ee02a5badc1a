"""Builds question sets. A question set has questions and the documents to search for the answers."""

import hashlib
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.retrieval.corpus import Docstring, docstrings, renamed
from core.search.documents import Passage, RenderedDocument

OPENING_LENGTH = 200
"""Maximum number of characters of a question that is the beginning of a thread's first message. This is about two
sentences."""
MAX_QUESTIONS = 200
"""Maximum number of questions in a derived set. More questions would make the benchmark slower."""
MIN_WORDS, MIN_CHARACTERS = 3, 40
"""Minimum number of words in a question, and minimum number of characters that remain in its document. Shorter texts
would not identify one document."""
NUMBER = re.compile(r" \(#(\d+)\)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question. Every document with an external id in ``answers`` is a correct answer."""

    words: str
    answers: frozenset[str]
    kind: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSet:
    """Questions, and all documents to search for the answers."""

    name: str
    questions: Sequence[Question]
    documents: Sequence[RenderedDocument]


Masking = Callable[[RenderedDocument], tuple[str, RenderedDocument] | None]


def from_collected(documents: Sequence[RenderedDocument], passages: int | None = None) -> Iterator[QuestionSet]:
    """Yield the question sets of collected documents. Each thread is limited to its first ``passages`` passages."""
    threads = [renamed(d, passages=d.passages[:passages]) for d in documents if d.kind not in {"commit", "release"}]
    for name, of, masking in (
        ("titles", threads, title_apart),
        ("openings", threads, opening_apart),
        ("commits", [d for d in documents if d.kind == "commit"], title_apart),
    ):
        pairs = [pair for document in of if (pair := masking(document))]
        if pairs:
            yield QuestionSet(name=name, questions=_chosen(pairs), documents=[document for _, document in pairs])


def by_hand(documents: Sequence[RenderedDocument]) -> Iterator[QuestionSet]:
    """Yield the question set made from docstrings, and the sets of handwritten questions about the sample community."""
    library = list(map(heading_apart, docstrings()))
    yield QuestionSet(name="headings", questions=_chosen(library), documents=[d for _, d in library])
    names = {_name(document): document.external_id for document in documents}
    for name in ("paraphrases", "fresh"):
        raw = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))["questions"]
        written = [Question(words=q["words"], answers=frozenset(names[a] for a in q["answers"])) for q in raw]
        yield QuestionSet(name=name, questions=written, documents=[*documents, *(d for _, d in library)])


def _chosen(pairs: Sequence[tuple[str, RenderedDocument]]) -> list[Question]:
    """Return at most ``MAX_QUESTIONS`` questions, with equal questions merged into one question.

    Hashes select the questions, so every run has the same questions.
    """
    answers: dict[str, set[str]] = defaultdict(set)
    for words, document in pairs:
        if _enough(words, document):
            answers[words].add(document.external_id)
    selected = sorted(answers, key=lambda words: hashlib.sha256(f"chosen {words}".encode()).digest())[:MAX_QUESTIONS]
    return [Question(words=words, answers=frozenset(answers[words])) for words in selected]


def title_apart(document: RenderedDocument) -> tuple[str, RenderedDocument] | None:
    """Return the title of a document, and a copy of the document without a title.

    The number of a pull request at the end of a commit's title is removed.
    """
    return NUMBER.sub("", document.title), renamed(document, title="")


def opening_apart(document: RenderedDocument) -> tuple[str, RenderedDocument] | None:
    """Return the beginning of a thread's first message, and a document with only the replies.

    Returns ``None`` if the thread has no replies.
    """
    first, *rest = document.passages or [Passage(text="")]
    left = renamed(document, title="", passages=rest)
    return (" ".join(first.text.split())[:OPENING_LENGTH], left) if rest else None


def heading_apart(docstring: Docstring) -> tuple[str, RenderedDocument]:
    """Return the first paragraph of a docstring, and a document with the rest."""
    first, _, rest = docstring.text.partition("\n\n")
    sentence = " ".join(first.split())
    document = RenderedDocument(
        external_id=f"python:{docstring.name}", kind="docstring", title="", url="", author="", occurred_at=None,
        passages=[Passage(text=rest)],
    )  # fmt: skip
    return sentence, document


def _enough(words: str, document: RenderedDocument) -> bool:
    """Return whether a question is long enough, and whether enough text remains in the document."""
    length = sum(len(passage.text) for passage in document.passages)
    return (len(words.split()) >= MIN_WORDS or not words.isascii()) and length >= MIN_CHARACTERS


def _name(document: RenderedDocument) -> str:
    """Return the name of a document in the files with handwritten questions."""
    if document.kind == "commit":
        return document.title
    *_, repository, _, number = document.url.split("/")
    return f"{repository}#{number}"
