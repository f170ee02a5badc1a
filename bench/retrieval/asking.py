"""Indexes the documents of every set as a source of its own, and asks the questions in every mode."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from django.core.management import call_command
from django.db import transaction

from bench.retrieval.corpus import collect_sample, collected, renamed
from bench.retrieval.questions import QuestionSet, by_hand, from_collected
from bench.retrieval.scoring import Score, place, score, tuning_half
from core.models import Document, Scope
from core.search.documents import DocumentMark, RenderedDocument, mark_changed
from core.search.filters import Filters
from core.search.frequencies import refresh_common_words
from core.search.query.lexemes import cleaned
from core.search.query.ranking import Tuning
from core.search.query.searching import TUNING, Mode, ranked
from core.search.sync import sync
from samples import SAMPLE_REPOSITORY, SECOND_REPOSITORY

MODES: tuple[Mode, ...] = ("text", "dense", "hybrid")


class Prepared:
    """Documents that are there already, under the name of their set."""

    renderer_version = 1

    def __init__(self, name: str, documents: Sequence[RenderedDocument]) -> None:
        self.source_system = f"bench-{name}"
        # The same document may be in several sets, and an id in an index once.
        self.documents = {f"{name}/{d.external_id}": renamed(d, name=f"{name}/{d.external_id}") for d in documents}

    def render(self, external_ids: Sequence[str]) -> Iterable[RenderedDocument]:
        """Those that are asked for."""
        return [self.documents[name] for name in external_ids if name in self.documents]

    def index(self) -> None:
        """Mark all, and sync."""
        kept = {"source_system": self.source_system, "external_id": "0"}
        scope, _ = Scope.objects.get_or_create(**kept, defaults={"name": self.source_system})
        with transaction.atomic():
            mark_changed(
                DocumentMark(source_system=self.source_system, external_id=name, kind=d.kind, scope_id=scope.pk)
                for name, d in self.documents.items()
            )
        sync([self])


def prepared(names: Sequence[str], limit: int | None, passages: int | None, *, collect: bool) -> list[QuestionSet]:
    """Collect, and make the sets."""
    if names:
        if collect:
            call_command("collect_github", *names, no_sync=True, progress=False, verbosity=0)
        documents = list(islice(collected(names), limit))
        return list(from_collected(documents, passages))
    if not Document.objects.filter(scope__name=SECOND_REPOSITORY).exists():  # it never changes
        collect_sample()
    documents = list(collected([SAMPLE_REPOSITORY, SECOND_REPOSITORY]))
    return [*from_collected(documents), *by_hand(documents)]


def tell(names: Sequence[str], limit: int | None, passages: int | None, *, collect: bool) -> Iterator[str]:
    """A line for every set and mode."""
    sets = prepared(names, limit, passages, collect=collect)
    for one in sets:
        Prepared(one.name, one.documents).index()
    refresh_common_words(force=True)
    yield f"{sum(len(one.questions) for one in sets)} questions; recall@1, recall@10, MRR of text, dense, hybrid"
    for one in sets:
        places = [asked(one, mode) for mode in MODES]
        kept = [n for n, question in enumerate(one.questions) if not tuning_half(question)]
        held_out = [score([of[n] for n in kept]) for of in places]
        yield f"{one.name:12} {len(one.questions):4} of {len(one.documents):5}  {_row(list(map(score, places)))}"
        yield f"{'  held out':12} {len(kept):4}{'':10}{_row(held_out)}"


def _row(scores: Sequence[Score]) -> str:
    return "   ".join(map(str, scores))


def asked(one: QuestionSet, mode: Mode, tuning: Tuning = TUNING) -> list[int | None]:
    """The place of the answer to each question."""
    source = f"bench-{one.name}"
    rows = Document.objects.filter(source_system=source).values_list("pk", "external_id")
    names = {pk: external_id.removeprefix(f"{one.name}/") for pk, external_id in rows}
    filters = Filters(source=source)

    def find(words: str) -> list[str]:
        return [names[r.document] for r in ranked(cleaned(words), mode=mode, filters=filters, tuning=tuning)[:10]]

    return [place(question, find(question.words)) for question in one.questions]
