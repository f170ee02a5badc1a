"""Search in the lists of documents, chunks and index entries. Numbers and external ids are looked up by key."""

from collections.abc import Callable
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet

from core.admin.lists import MAX_RELATED, any_field
from core.models import Activity, Document, IndexEntry, Scope
from core.pages.parameters import LONGEST_QUERY, free_text, row_id
from core.search.documents import possible_keys
from core.search.indexes.base import parts_of

MAX_WORDS = 8
"""Maximum number of words to look for. More words would make the query slower."""


def search_documents(rows: QuerySet[Any], fields: Any, words: str) -> QuerySet[Any]:
    """Return the documents in which each of the first ``MAX_WORDS`` words matches.

    A number matches the last part of the external id, the id of the repository or channel, or a whole word of the
    title. A complete external id matches only its document. Any other word matches a part of one of the fields.
    """

    def condition(word: str) -> Q:
        number = row_id(word)
        if number is None:
            return _with_external_id(word) or any_field(rows.model, fields, word)
        scopes = list(Scope.objects.filter(external_id=word).values_list("pk", flat=True))
        in_title = Q(title_tsv=SearchQuery(word, search_type="phrase", config="simple"))
        return _with_number(number) | Q(scope__in=scopes) | in_title

    return _with_each_word(rows, words, condition)


def search_chunks(rows: QuerySet[Any], fields: Any, words: str) -> QuerySet[Any]:
    """Return the chunk with this id in the index, or the chunks of documents with these words in the external id.

    A number, or a complete external id, matches as in ``search_documents``, but titles are not searched.
    """
    if part := parts_of(free_text(words, LONGEST_QUERY).strip()):
        return rows.filter(document__key__in=possible_keys([part[0]]), ordinal=part[1])
    return _with_each_word(rows, words, lambda word: _of_document(word) or any_field(rows.model, fields, word))


def search_entries(rows: QuerySet[IndexEntry], fields: Any, words: str) -> QuerySet[IndexEntry]:
    """Return the entries of documents with these words in the external id, and the entries with an error like them.

    A number, or a complete external id, matches as in ``search_chunks``. Only entries that are not clean have errors.
    """

    def condition(word: str) -> Q:
        error = ~Q(state=IndexEntry.State.CLEAN) & Q(last_error__icontains=word)
        return (_of_document(word) or any_field(rows.model, fields, word)) | error

    return _with_each_word(rows, words, condition)


def _with_each_word(rows: QuerySet[Any], words: str, condition: Callable[[str], Q]) -> QuerySet[Any]:
    for word in free_text(words, LONGEST_QUERY).split()[:MAX_WORDS]:
        rows = rows.filter(condition(word))
    return rows


def _of_document(word: str) -> Q | None:
    """Return the condition for a number or a complete external id in a table that refers to documents."""
    number = row_id(word)
    found = _with_external_id(word) if number is None else _with_number(number)
    if found is None:
        return None
    return Q(document__in=list(Document.objects.filter(found).order_by().values_list("pk", flat=True)[:MAX_RELATED]))


def _with_external_id(word: str) -> Q | None:
    """Return the condition for the documents with exactly this external id, or ``None`` if there are none."""
    condition = Q(key__in=possible_keys([word])) if ":" in word else None
    return condition if condition and Document.objects.filter(condition).exists() else None


def _with_number(number: int) -> Q:
    """Return the condition for the documents with this number as the last part of their external id.

    The external id of a document is that of an activity or of its thread. The timeline has indexes of the numbers.
    """
    ids: set[str] = set()
    for part in ("", "thread_"):
        rows = Activity.objects.filter(**{f"{part}number": number}).order_by()
        prefixes = rows.values_list(f"{part}prefix__text", flat=True).distinct()[:MAX_RELATED]
        ids |= {f"{prefix}{number}" for prefix in prefixes if prefix}
    return Q(key__in=possible_keys(ids))
