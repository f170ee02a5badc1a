"""Sets of questions, each with the documents that it is asked of."""

import hashlib
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.retrieval.corpus import Docstring, docstrings, renamed
from core.search.documents import Passage, RenderedDocument

OPENING = 200
MOST = 200
"""Questions of a set, chosen by their hash."""
FEWEST_WORDS, FEWEST_CHARACTERS = 3, 40
NUMBER = re.compile(r" \(#(\d+)\)$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """``answers`` are external ids, any of which is right."""

    words: str
    answers: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class QuestionSet:
    """Questions, and every document that is searched for them."""

    name: str
    questions: Sequence[Question]
    documents: Sequence[RenderedDocument]


Masking = Callable[[RenderedDocument], tuple[str, RenderedDocument] | None]


def from_collected(documents: Sequence[RenderedDocument], passages: int | None = None) -> Iterator[QuestionSet]:
    """The sets that any collected repository gives; of a thread at most so many ``passages``."""
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
    """Docstrings, and the paraphrases about the sample community."""
    library = list(map(heading_apart, docstrings()))
    yield QuestionSet(name="headings", questions=_chosen(library), documents=[d for _, d in library])
    names = {_name(document): document.external_id for document in documents}
    for name in ("paraphrases", "fresh"):
        raw = tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))["questions"]
        written = [Question(words=q["words"], answers=frozenset(names[a] for a in q["answers"])) for q in raw]
        yield QuestionSet(name=name, questions=written, documents=[*documents, *(d for _, d in library)])


def _chosen(pairs: Sequence[tuple[str, RenderedDocument]]) -> list[Question]:
    """Some of them, always the same; of those that ask the same, one, and any of their documents is right."""
    answers: dict[str, set[str]] = defaultdict(set)
    for words, document in pairs:
        if _enough(words, document):
            answers[words].add(document.external_id)
    chosen = sorted(answers, key=lambda words: hashlib.sha256(f"chosen {words}".encode()).digest())[:MOST]
    return [Question(words=words, answers=frozenset(answers[words])) for words in chosen]


def title_apart(document: RenderedDocument) -> tuple[str, RenderedDocument] | None:
    """The title, and the document without it."""
    return NUMBER.sub("", document.title), renamed(document, title="")


def opening_apart(document: RenderedDocument) -> tuple[str, RenderedDocument] | None:
    """The first message's beginning, and what was answered; ``None`` when nothing was."""
    first, *rest = document.passages or [Passage(text="")]
    left = renamed(document, title="", passages=rest)
    return (" ".join(first.text.split())[:OPENING], left) if rest else None


def heading_apart(docstring: Docstring) -> tuple[str, RenderedDocument]:
    """The first sentence, and the rest."""
    first, _, rest = docstring.text.partition("\n\n")
    sentence = " ".join(first.split())
    document = RenderedDocument(
        external_id=f"python:{docstring.name}", kind="docstring", title="", url="", author="", occurred_at=None,
        passages=[Passage(text=rest)],
    )  # fmt: skip
    return sentence, document


def _enough(words: str, document: RenderedDocument) -> bool:
    """Whether there is something to ask, and something to find it by."""
    said = sum(len(passage.text) for passage in document.passages)
    return (len(words.split()) >= FEWEST_WORDS or not words.isascii()) and said >= FEWEST_CHARACTERS


def _name(document: RenderedDocument) -> str:
    """As ``paraphrases.toml`` calls it."""
    if document.kind == "commit":
        return document.title
    *_, repository, _, number = document.url.split("/")
    return f"{repository}#{number}"
