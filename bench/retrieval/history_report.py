"""Searches the histories of real repositories with every kind of question, and reports how often the answer is found.

The three single rankings are measured beside the search as people use it. The halves of the questions are chosen by a
hash: parameters may be tuned on one half, and the other half is held out.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC

from django.contrib.postgres.search import SearchQuery
from django.core.management import call_command
from django.utils import timezone

from bench.retrieval.histories import collect, external_ids, questions
from bench.retrieval.questions import Question
from bench.retrieval.recordings import History
from bench.retrieval.scoring import answer_rank, score, tuning_half
from core.models import Chunk
from core.search.filters import Filters
from core.search.query.fusion import Ranked
from core.search.query.language import parse
from core.search.query.passages import TELLING, plain_text
from core.search.query.results import Result
from core.search.query.search import DEFAULT_PARAMETERS, search, search_vectors
from core.search.query.text import clean_query, lexemes, refresh_common_words
from core.search.query.words import search_words

SAMPLES = 10_000
"""Number of samples of the bootstrap."""
FEW = 20
"""Minimum number of questions of a kind for the comparison of kinds."""
MAX_PASSAGES = 300
"""Number of shown passages that are checked."""
NONSENSE = (
    "best lasagna recipe for twelve guests", "asdkjh qwpoeiu zmxncbv", "purple elephants dancing on the moon",
    "cheap flights to lisbon in october", "xqzt vvkpl", "how do I prune an apple tree in winter",
    "who won the 1998 football world cup", "lorem ipsum dolor sit amet consectetur", "knitting pattern for baby socks",
    "zzzzzz", "symptoms of a vitamin d deficiency", "hotel with swimming pool near the beach", "fjord whale karaoke",
    "guitar chords of a famous lullaby", "asdf jkl;", "weather forecast for mallorca next sunday",
    "how to train a puppy not to bite", "brrrgl flumox snarkety", "mortgage rates for first time buyers",
    "chocolate cake without eggs and butter",
)  # fmt: skip
"""Queries that no document answers."""
Search = Callable[[str], Sequence[str]]


def report_of_histories(histories: Sequence[History]) -> Iterator[str]:
    """Collect and index the histories, and yield the lines of the report."""
    for history in histories:
        collect(history)
    call_command("sync_index", verbosity=0)
    refresh_common_words(force=True)
    asked = [question for history in histories for question in questions(history)]
    yield from report_of(asked)


def report_of(asked: Sequence[Question]) -> Iterator[str]:
    """Yield the lines of the report for questions about the indexed documents."""
    names = external_ids()
    found = {question: search(question.words, limit=10) for question in asked}
    searches: dict[str, Search] = {name: _single(name, names) for name in ("chunks", "documents", "dense")}
    ranks: dict[str, dict[Question, int | None]] = {
        name: {question: answer_rank(question, find(question.words)) for question in asked}
        for name, find in searches.items()
    }
    ranks["search"] = {q: answer_rank(q, [result.external_id for result in results]) for q, results in found.items()}
    held_out = [question for question in asked if not tuning_half(question)]
    yield f"{len(asked)} questions, {len(held_out)} held out; recall@1, recall@10, MRR"
    for name in ("search", *searches):
        yield f"{name:10} {_scores(ranks[name], asked)}   held out {_scores(ranks[name], held_out)}"
    for name in searches:
        yield f"MRR above {name} in {_share_better(ranks['search'], ranks[name], held_out):.1%} of the samples"
    yield from _by_kind(ranks, held_out)
    yield from _passages([(question, found[question]) for question in held_out])
    empty = sum(not search(words, limit=1) for words in NONSENSE)
    yield f"{empty} of {len(NONSENSE)} queries without an answer have no results"


def _single(name: str, names: Mapping[int, str]) -> Search:
    """Return a search with only one of the rankings. The operators of the query apply."""

    def find(words: str) -> list[str]:
        parsed = parse(clean_query(words), timezone.now().astimezone(UTC).date())
        ranking = _ranking(name, parsed.plain_text, parsed.filters)
        return [names[item.document] for item in ranking[:10]]

    return find


def _ranking(name: str, words: str, filters: Filters) -> Sequence[Ranked]:
    if not words:
        return []
    if name == "dense":
        with search_vectors(words, filters, DEFAULT_PARAMETERS) as nearest:
            return nearest()
    matches = search_words(lexemes(words), filters, DEFAULT_PARAMETERS)
    return matches.chunks if name == "chunks" else matches.documents


def _scores(ranks: Mapping[Question, int | None], asked: Sequence[Question]) -> str:
    return str(score([ranks[question] for question in asked]))


def _share_better(
    ours: Mapping[Question, int | None], other: Mapping[Question, int | None], asked: Sequence[Question]
) -> float:
    """Return the share of samples (paired bootstrap) in which the first ranking has the higher MRR."""
    differences = [_reciprocal(ours[question]) - _reciprocal(other[question]) for question in asked]
    dice = random.Random(1)  # noqa: S311  (no secret)
    return sum(sum(dice.choices(differences, k=len(differences))) > 0 for _ in range(SAMPLES)) / SAMPLES


def _reciprocal(rank: int | None) -> float:
    return 1 / rank if rank else 0.0


def _by_kind(ranks: Mapping[str, Mapping[Question, int | None]], asked: Sequence[Question]) -> Iterator[str]:
    """Yield a line for each kind of question. ``behind`` counts the questions that the best single ranking has more."""
    kinds: dict[str, list[Question]] = defaultdict(list)
    for question in asked:
        kinds[question.kind].append(question)
    for kind, of_kind in sorted(kinds.items()):
        among_ten = {name: sum(rank[question] is not None for question in of_kind) for name, rank in ranks.items()}
        behind = max(count for name, count in among_ten.items() if name != "search") - among_ten["search"]
        note = f"   behind {behind}" if behind > 0 and len(of_kind) >= FEW else ""
        yield f"  {kind:15} {len(of_kind):4}  {_scores(ranks['search'], of_kind)}{note}"


def _passages(found: Sequence[tuple[Question, Sequence[Result]]]) -> Iterator[str]:
    """Yield how many of the first shown passages are short, or have no marked word, although the document has better.

    A better passage is longer, or contains a stem of the query.
    """
    shown = [(question, result) for question, results in found for result in results[:1]][:MAX_PASSAGES]
    short = unmarked = 0
    for question, result in shown:
        chunks = Chunk.objects.filter(document__external_id=result.external_id)
        length = len("".join(text for text, _ in result.fragments))
        if length < TELLING:
            short += any(len(plain_text(text)) >= TELLING for text in chunks.values_list("text", flat=True))
        if not any(matches for _, matches in result.fragments):
            words = parse(clean_query(question.words), timezone.now().astimezone(UTC).date()).plain_text
            stems = [lexeme.query for lexeme in lexemes(words) if lexeme.vector == "tsv"]
            has_stem = SearchQuery(" | ".join(stems), search_type="raw", config="simple")
            unmarked += bool(stems) and chunks.filter(tsv=has_stem).exists()
    yield f"{len(shown)} passages: {short} short although the document has a longer one, {unmarked} without a mark"
