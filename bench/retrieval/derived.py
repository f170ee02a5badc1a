"""Questions whose words come from the collected data when the benchmark runs, so that no file has to contain them.

Each rule finds candidates, for example identifiers that only one thread contains, and a hash selects some of them.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.retrieval.questions import Question
from core.search.documents import Passage, RenderedDocument
from github_activity_tracker.models import PullRequest

PER_KIND = 30
"""Maximum number of questions of one kind about one repository."""
MAX_ANSWERS = 2
"""Maximum number of documents that may contain the words of a question. More documents would all be correct."""
WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")
IDENTIFIER = re.compile(r"(?<![\w./-])(?:[a-z0-9]+(?:_[a-z0-9]+)+|[A-Za-z]+[a-z0-9](?:[A-Z][a-z0-9]+)+)(?![\w./-])")
PATH = re.compile(r"(?<![\w./:-])(?:[\w-]+/)+[\w-]+\.[a-z]{1,5}(?![\w/-])")
ERROR = re.compile(
    r"^[^\n#>*|]*\b(?:[Ee]rror|ERROR|[Ff]ailed|FAILED|[Ee]xception|[Aa]ssert\w*|warning)\b[^\n]*$", re.MULTILINE
)
PROSE = re.compile(r"[A-Za-z][A-Za-z ,'-]{30,}[A-Za-z]")
Candidates = Iterator[tuple[str, str]]
"""Pairs of the words of a question and the external id of a document that answers it."""


def derived_questions(repository: str, documents: Sequence[RenderedDocument]) -> Iterator[Question]:
    """Yield the questions of all kinds about the documents of one repository (``owner/name``)."""
    rules: Mapping[str, Callable[[], Candidates]] = {
        "reference": lambda: _references(repository, documents),
        "hash": lambda: _hashes(repository, documents),
        "identifier": lambda: _found(IDENTIFIER, documents),
        "path": lambda: _found(PATH, documents),
        "error text": lambda: _errors(documents),
        "phrase": lambda: _phrases(documents),
        "person": lambda: _persons(documents),
    }
    for kind, candidates in rules.items():
        yield from _selected(kind, candidates())


def _selected(kind: str, candidates: Candidates) -> Iterator[Question]:
    """Yield up to ``PER_KIND`` questions with at most ``MAX_ANSWERS`` answers, at most two about the same document."""
    answers: dict[str, set[str]] = defaultdict(set)
    for words, document in candidates:
        answers[words].add(document)
    used: dict[str, int] = defaultdict(int)
    count = 0
    for words in sorted(answers, key=_shuffled):
        documents = answers[words]
        if len(documents) > MAX_ANSWERS or max(used[document] for document in documents) >= MAX_ANSWERS:
            continue
        for document in documents:
            used[document] += 1
        count += 1
        yield Question(kind=kind, words=words, answers=frozenset(documents))
        if count == PER_KIND:
            return


def _shuffled(words: str) -> bytes:
    return hashlib.sha256(f"chosen {words}".encode(errors="replace")).digest()


def _references(repository: str, documents: Sequence[RenderedDocument]) -> Candidates:
    """Yield numbers of threads as people write them, and addresses of threads and of comments."""
    owner, name = repository.split("/")
    for document in documents:
        number = document.url.rsplit("/", 1)[1]
        kind = "PR" if document.kind == "pull_request" else "issue"
        passages = [passage.url for passage in document.passages if "#" in passage.url]
        forms = [
            f"{name}#{number}", f"{owner}/{name}#{number}", f"{kind} {number} repo:{repository}",
            f"#{number} repo:{name}", document.url, f"what came of {name}#{number}?", *passages[1:2],
        ]  # fmt: skip
        yield forms[_shuffled(document.url)[0] % len(forms)], document.external_id


def _hashes(repository: str, documents: Sequence[RenderedDocument]) -> Candidates:
    """Yield complete and short hashes of the commits with which pull requests were merged."""
    by_number = {int(document.url.rsplit("/", 1)[1]): document.external_id for document in documents}
    merged = PullRequest.objects.filter(repository__full_name=repository).exclude(merge_commit_sha="")
    for number, commit in merged.values_list("number", "merge_commit_sha"):
        if number in by_number:
            yield (commit, commit[:7], commit[:10])[_shuffled(commit)[0] % 3], by_number[number]


def _found(pattern: re.Pattern[str], documents: Sequence[RenderedDocument]) -> Candidates:
    for document, passage in _passages(documents):
        for words in set(pattern.findall(passage.text)):
            if 6 <= len(words) <= 60:
                yield words, document.external_id


def _errors(documents: Sequence[RenderedDocument]) -> Candidates:
    """Yield lines of messages about errors, cut at a space as people paste them."""
    for document, passage in _passages(documents):
        for line in set(ERROR.findall(passage.text)):
            words = " ".join(line.replace("`", " ").split())
            cut = words if len(words) <= 80 else words[:80].rpartition(" ")[0]
            if len(WORD.findall(cut)) >= 5 and "http" not in cut:
                yield cut, document.external_id


def _phrases(documents: Sequence[RenderedDocument]) -> Candidates:
    """Yield five consecutive words in quotation marks."""
    for document, passage in _passages(documents):
        for prose in PROSE.findall(passage.text)[:3]:
            words = prose.split()
            if len(words) >= 7 and all(map(WORD.fullmatch, words[1:6])):
                yield f'"{" ".join(words[1:6])}"', document.external_id


def _persons(documents: Sequence[RenderedDocument]) -> Candidates:
    """Yield an author and two rare words of one passage. Every document with such a passage is an answer."""
    containing: dict[str, set[int]] = defaultdict(set)
    words_of: list[tuple[str, str, set[str]]] = []
    for number, (document, passage) in enumerate(_passages(documents)):
        words = {word.lower() for word in WORD.findall(passage.text)}
        words_of.append((passage.author, document.external_id, words))
        for word in words:
            containing[word].add(number)
    for author, _, words in words_of:
        rare = [word for word in words if 5 <= len(word) <= 14 and 2 <= len(containing[word]) <= 20]
        pair = sorted(rare, key=lambda word: (len(containing[word]), word))[:2]
        if len(pair) == 2 and author and " " not in author:
            for number in containing[pair[0]] & containing[pair[1]]:
                if words_of[number][0] == author:
                    yield f"author:{author} {' '.join(pair)}", words_of[number][1]


def _passages(documents: Sequence[RenderedDocument]) -> Iterator[tuple[RenderedDocument, Passage]]:
    for document in documents:
        for passage in document.passages:
            yield document, passage
