"""Indexes the documents of each question set as a separate source, and searches with its questions in every mode."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from django.core.management import call_command
from django.db import transaction

from bench.retrieval.corpus import collect_sample, collected, renamed
from bench.retrieval.questions import QuestionSet, by_hand, from_collected
from bench.retrieval.scoring import Score, answer_rank, score, tuning_half
from core.models import Document, Scope
from core.search.documents import DocumentMark, RenderedDocument, mark_changed
from core.search.filters import Filters
from core.search.query.fusion import RankingParameters
from core.search.query.search import DEFAULT_PARAMETERS, Mode, rank
from core.search.query.text import clean_query, refresh_common_words
from core.search.sync import sync
from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY

MODES: tuple[Mode, ...] = ("text", "dense", "hybrid")


class SetSource:
    """A document source with the documents of one question set."""

    renderer_version = 1

    def __init__(self, name: str, documents: Sequence[RenderedDocument]) -> None:
        self.source_system = f"bench-{name}"
        # The prefix makes the ids unique, because several sets can contain the same document.
        self.documents = {f"{name}/{d.external_id}": renamed(d, name=f"{name}/{d.external_id}") for d in documents}

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        """Return the documents with these ids."""
        return [self.documents[name] for name in external_ids if name in self.documents]

    def index(self) -> None:
        """Queue all documents, and sync the index."""
        key = {"source_system": self.source_system, "external_id": "0"}
        scope, _ = Scope.objects.get_or_create(**key, defaults={"name": self.source_system})
        with transaction.atomic():
            mark_changed(
                DocumentMark(source_system=self.source_system, external_id=name, kind=d.kind, scope_id=scope.pk)
                for name, d in self.documents.items()
            )
        sync([self])


def question_sets(names: Sequence[str], limit: int | None, passages: int | None, *, collect: bool) -> list[QuestionSet]:
    """Collect the named repositories, or the sample community if there are no names. Returns the question sets.

    If ``collect`` is false, documents of the named repositories must already be in the database.
    """
    if names:
        if collect:
            call_command("collect_github", *names, no_sync=True, progress=False, verbosity=0)
        documents = list(islice(collected(names), limit))
        return list(from_collected(documents, passages))
    if not Document.objects.filter(scope__name=SECOND_REPOSITORY).exists():  # collect the unchanging sample once
        collect_sample()
    documents = list(collected([SAMPLE_REPOSITORY, SECOND_REPOSITORY]))
    return [*from_collected(documents), *by_hand(documents)]


def report(names: Sequence[str], limit: int | None, passages: int | None, *, collect: bool) -> Iterator[str]:
    """Yield the lines of the report: a header, and two lines for each question set."""
    sets = question_sets(names, limit, passages, collect=collect)
    for question_set in sets:
        SetSource(question_set.name, question_set.documents).index()
    refresh_common_words(force=True)
    total = sum(len(question_set.questions) for question_set in sets)
    yield f"{total} questions; recall@1, recall@10, MRR of text, dense, hybrid"
    for question_set in sets:
        ranks = [answer_ranks(question_set, mode) for mode in MODES]
        test_half = [n for n, question in enumerate(question_set.questions) if not tuning_half(question)]
        held_out = [score([of_mode[n] for n in test_half]) for of_mode in ranks]
        size = f"{len(question_set.questions):4} of {len(question_set.documents):5}"
        yield f"{question_set.name:12} {size}  {_row(list(map(score, ranks)))}"
        yield f"{'  held out':12} {len(test_half):4}{'':10}{_row(held_out)}"


def _row(scores: Sequence[Score]) -> str:
    return "   ".join(map(str, scores))


def answer_ranks(
    question_set: QuestionSet, mode: Mode, parameters: RankingParameters = DEFAULT_PARAMETERS
) -> list[int | None]:
    """Return the rank of the first correct answer to each question, or ``None`` if it is not among the first ten."""
    source = f"bench-{question_set.name}"
    rows = Document.objects.filter(source_system=source).values_list("pk", "external_id")
    names = {pk: external_id.removeprefix(f"{question_set.name}/") for pk, external_id in rows}
    filters = Filters(source=source)

    def find(words: str) -> list[str]:
        ranking, _ = rank(clean_query(words), mode=mode, filters=filters, parameters=parameters)
        return [names[ranked.document] for ranked in ranking[:10]]

    return [answer_rank(question, find(question.words)) for question in question_set.questions]
