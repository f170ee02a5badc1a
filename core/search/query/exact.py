"""Answer the references of a query from the database.

``find_exact`` returns the documents that a query names. Documents that lead come before every ranked document. The
other documents support the ranking: they contain an identifier of the query, which counts like matching words.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any, Protocol

from django.apps import apps
from django.db import connection

from core.search.documents import document_key
from core.search.filters import Filters
from core.search.query.exact_strings import OTHERS, Occurrence, OtherWords, documents_with, filter_sql, passages_by
from core.search.query.fusion import Ranked
from core.search.query.references import (
    Reference,
    ReferencedDocument,
    ReferencePattern,
    Strength,
    recognise,
    without_references,
)
from core.search.query.text import lexemes

MAX_HITS = 50
"""Maximum number of documents of one reference."""
MAX_NAMED = 1000
"""Maximum number of documents of one reference that are read, before the filters apply."""
MAX_STRINGS = 4
"""Maximum number of references of a query whose exact text is looked up. Each lookup takes a few milliseconds."""
FEW = 3
"""Maximum number of documents of one reference that lead the results of a longer question."""
MAX_SHORT = 2
"""Maximum number of other words with which a query is mainly its reference. With more words, the ranking by words is
better at choosing between documents that contain all of them."""
MAX_LEADING = 5
"""Maximum number of documents that lead the results of a longer question."""
WORD = re.compile(r"\w")
DOCUMENTS = """
    SELECT named.reference, l.id, shown.id, {others}
    FROM unnest(%(references)s::int[], %(keys)s::uuid[], %(urls)s::text[])
        WITH ORDINALITY AS named (reference, key, url, position)
    JOIN core_document l ON l.key = named.key AND l.deleted_at IS NULL
    JOIN LATERAL (
        SELECT coalesce(
            (SELECT c.id FROM core_chunk c {join} WHERE c.document_id = l.id AND named.url <> '' AND c.url = named.url
                {where} ORDER BY c.ordinal LIMIT 1),
            (SELECT c.id FROM core_chunk c {join} WHERE c.document_id = l.id {where} ORDER BY c.ordinal LIMIT 1)
        ) AS id
    ) best ON true
    JOIN core_chunk shown ON shown.id = best.id
    ORDER BY named.position
"""
"""Statement that returns the documents with these keys, each with the chunk of the named passage or its first chunk."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExactHit(Ranked):
    """A document that a reference of the query names, or that contains the reference.

    ``score`` is between 0.5 and 1: the share of the other words of the query that the document contains.
    """

    leads: bool
    """Whether the document comes before the ranked documents. Other documents support the ranking."""
    reference: Reference


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """The documents of one reference, best first."""

    reference: Reference
    strength: Strength
    occurrences: Sequence[Occurrence]
    common: bool = False


class ReferenceFinder(Protocol):
    """The part of a tracker that answers references. See ``TrackerConfig``, which defines the methods."""

    source_system: str

    def reference_patterns(self) -> Sequence[ReferencePattern]:
        """Return the patterns of references that only this source has."""
        ...

    def find_references(self, references: Sequence[Reference]) -> Mapping[Reference, Sequence[ReferencedDocument]]:
        """Return the documents that references mean, the most recently changed first."""
        ...


def reference_finders() -> list[ReferenceFinder]:
    """Return the installed trackers in the order of ``INSTALLED_APPS``. Only trackers have a hook for references."""
    configs: Iterable[Any] = apps.get_app_configs()
    return [config for config in configs if hasattr(config, "find_references")]


def references_in(words: str) -> list[Reference]:
    """Return the references in a clean query, with the patterns of all installed trackers."""
    finders = reference_finders()
    return recognise(words, [(finder.source_system, p) for finder in finders for p in finder.reference_patterns()])


def find_exact(words: str, filters: Filters) -> list[ExactHit]:
    """Return the documents that the references of a clean query name: first those that lead, best first.

    If the query consists of references and of words such as "the", all their documents lead. In a longer question, a
    URL, a number, a hash or a path leads with its few documents. Documents with another reference lead only if the
    question has at most ``MAX_SHORT`` other words and they contain all of them.
    """
    references = references_in(words)
    if not references:
        return []
    rest = without_references(words, references)
    others = OtherWords.of(lexemes(rest) if rest else [])
    groups = [*_named_documents(references, filters, others), *_documents_with_strings(references, filters, others)]
    groups = [group for group in groups if group.occurrences]
    if not others.lexemes:
        hits = list(_in_turn(groups, lambda group: group.occurrences[:MAX_HITS], _leads_alone))
    else:
        strongest = Strength.PERSON if len(others.lexemes) <= MAX_SHORT else Strength.PATH
        able = [group for group in groups if group.strength <= strongest]
        leading = list(_in_turn(able, _leading_in_question, lambda _, __: True))[:MAX_LEADING]
        hits = [*leading, *_in_turn(groups, _supporting, lambda _, __: False)]
    first: dict[int, ExactHit] = {}
    for hit in sorted(hits, key=lambda hit: not hit.leads):
        first.setdefault(hit.document, hit)
    return list(first.values())


def _leads_alone(group: _Group, occurrence: Occurrence) -> bool:
    """Return whether a document leads if the query is only the reference. Of a common text, only titles lead."""
    return not group.common or occurrence.titled


def _leading_in_question(group: _Group) -> Sequence[Occurrence]:
    """Return the documents of a reference that lead the results of a longer question."""
    if group.strength <= Strength.ITEM or (group.strength == Strength.PATH and len(group.occurrences) <= FEW):
        return sorted(group.occurrences, key=lambda occurrence: -occurrence.share)[:FEW]
    if group.common:
        return []
    return [occurrence for occurrence in group.occurrences if occurrence.share >= 1][:FEW]


def _supporting(group: _Group) -> Sequence[Occurrence]:
    """Return the documents of a reference that support the ranking of a longer question.

    A person may have written many documents, so only those with other words of the question count. The same applies to
    a common text.
    """
    every = not group.common and group.strength != Strength.PERSON
    ordered = sorted(group.occurrences, key=lambda occurrence: -occurrence.share)
    return [occurrence for occurrence in ordered if every or occurrence.share > 0][:MAX_HITS]


def _in_turn(
    groups: Sequence[_Group],
    choose: Callable[[_Group], Sequence[Occurrence]],
    leads: Callable[[_Group, Occurrence], bool],
) -> Iterator[ExactHit]:
    """Yield the chosen documents, those of the strongest references first, in turn for references of equal strength."""
    for strength in Strength:
        of_strength = [group for group in groups if group.strength == strength]
        for turn in zip_longest(*(choose(group) for group in of_strength)):
            for group, occurrence in zip(of_strength, turn, strict=True):
                if occurrence is not None:
                    score = (1 + occurrence.share) / 2
                    yield ExactHit(
                        document=occurrence.document, chunk=occurrence.chunk, score=score, sure=score,
                        leads=leads(group, occurrence), reference=group.reference, is_passage=occurrence.is_passage,
                    )  # fmt: skip


def _named_documents(references: Sequence[Reference], filters: Filters, others: OtherWords) -> list[_Group]:
    """Return the documents that the trackers name for the references, in the order of the trackers."""
    named: list[tuple[int, str, ReferencedDocument]] = []
    for finder in reference_finders():
        if filters.source in {None, finder.source_system}:
            known = [reference for reference in references if reference.source in {"", finder.source_system}]
            results = finder.find_references(known) if known else {}
            named += [
                (references.index(reference), finder.source_system, document)
                for reference, documents in results.items()
                for document in documents[:MAX_NAMED]
            ]
    if not named:
        return []
    with_passages = {number for number, _, document in named if document.passage_url}
    occurrences: dict[int, dict[int, Occurrence]] = {}
    for number, document, chunk, weight in _load(named, filters, others):
        share = others.share(weight) if others.lexemes else 0.0
        occurrence = Occurrence(document=document, chunk=chunk, share=share, is_passage=number in with_passages)
        occurrences.setdefault(number, {}).setdefault(document, occurrence)
    return [
        _Group(reference=references[n], strength=references[n].strength, occurrences=list(of_reference.values()))
        for n, of_reference in sorted(occurrences.items())
    ]


def _load(
    named: Sequence[tuple[int, str, ReferencedDocument]], filters: Filters, others: OtherWords
) -> list[tuple[int, int, int, float]]:
    """Return the number of the reference, the document, the chunk and the weight of other words for each document."""
    join, where, values = filter_sql(filters)
    parameters: dict[str, Any] = {
        **values, **others.parameters,
        "references": [number for number, _, _ in named],
        "keys": [document_key(source, document.external_id) for _, source, document in named],
        "urls": [document.passage_url for _, _, document in named],
    }  # fmt: skip
    sql = DOCUMENTS.format(join=join, where=where, others=OTHERS.format(chunk="shown", document="l"))
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()


def _documents_with_strings(references: Sequence[Reference], filters: Filters, others: OtherWords) -> list[_Group]:
    """Return the documents that contain the references. Only a path can be stronger than a text.

    In a longer question, the passages of a person that contain other words of the question count too.
    """
    strings = [reference for reference in references if not reference.source][:MAX_STRINGS]
    groups = [
        _Group(reference=reference, strength=reference.strength, occurrences=passages_by(reference, filters, others))
        for reference in strings
        if reference.kind == "person"
    ]
    for reference, (occurrences, common) in documents_with(strings, filters, others).items():
        strength = max(reference.strength, Strength.PATH if reference.kind == "path" else Strength.STRING)
        groups.append(_Group(reference=reference, strength=strength, occurrences=occurrences, common=common))
    return groups


def names_only_items(words: str, hits: Sequence[ExactHit]) -> bool:
    """Return whether a query consists of references to single documents, all of which were found.

    The meaning of such a query is no more than its documents, so that its vector is not needed.
    """
    references = references_in(words)
    strong = {(hit.reference.start, hit.reference.end) for hit in hits if hit.reference.strength <= Strength.ITEM}
    all_found = {(reference.start, reference.end) for reference in references} <= strong
    return bool(references) and all_found and not WORD.search(without_references(words, references))


def lead(hits: Sequence[ExactHit], ranking: Sequence[Ranked]) -> list[Ranked]:
    """Return a ranking that begins with the hits that lead. The scores stay in descending order."""
    leading = [hit for hit in hits if hit.leads]
    documents = {hit.document for hit in leading}
    highest = max((ranked.score for ranked in ranking), default=0.0)
    first = [
        Ranked(
            document=hit.document,
            chunk=hit.chunk,
            score=highest + (len(leading) - n) / len(leading),
            is_passage=hit.is_passage,
        )
        for n, hit in enumerate(leading)
    ]
    return [*first, *(ranked for ranked in ranking if ranked.document not in documents)]


def support(hits: Sequence[ExactHit], text: Sequence[Ranked]) -> list[Ranked]:
    """Return a ranking by words in which documents with a reference of the query count as certain matches.

    ``ExactHit.score`` becomes the least ``sure`` of the document, and its score relative to the best match.
    """
    highest = max((ranked.score for ranked in text), default=0.0) or 1.0
    ranked = {item.document: item for item in text}
    for hit in hits:
        if not hit.leads:
            known = ranked.get(hit.document) or Ranked(document=hit.document, chunk=hit.chunk, score=0.0, sure=0.0)
            ranked[hit.document] = replace(
                known, score=max(known.score, highest * hit.score), sure=max(known.sure, hit.sure)
            )
    place = {item.document: n for n, item in enumerate(text)}  # equal scores keep the order of the words
    return sorted(ranked.values(), key=lambda item: (-item.score, place.get(item.document, len(place)), item.document))
