"""The metadata of a vector, for programs that read an index without the database.

``docs/search.md`` describes every key.
"""

from collections.abc import Iterable
from typing import Any

from core.search.heads import URL_LENGTH
from core.search.indexes.base import Record

LONGEST_TEXT = 20_000
"""Maximum number of bytes of a chunk's text in the metadata. Pinecone limits all metadata of a vector to 40 KB."""
LONGEST_LABELS = 4_000
"""Maximum number of bytes of all labels. Further labels are left out, so that the metadata stays below the limit even
with long labels in scripts with four bytes a character."""


def vector_metadata(record: Record) -> dict[str, Any]:
    """Return the metadata of a chunk. Keys without a value are left out.

    ``author``, ``occurred_at``, ``kind`` and ``url`` describe the passage. Keys that begin with ``document_`` describe
    the document. Filters compare the keys that end with ``_key``, which are in lower case. Ids are texts, because
    Pinecone stores numbers as doubles. Times are seconds since 1970.
    """
    document, head, scope = record.document, record.head, record.document.scope
    container_id, _, channel_id = scope.external_id.partition("/")
    labels = _fitting(head.labels)
    values: dict[str, Any] = {
        "text": record.text.encode()[:LONGEST_TEXT].decode("utf-8", "ignore"),
        "title": head.title,
        "url": record.url if 0 < len(record.url) <= URL_LENGTH else head.url,
        "kind": record.kind,
        "author": record.author,
        "author_key": record.author.lower(),
        "occurred_at": record.occurred_at.timestamp() if record.occurred_at else None,
        "date": f"{record.occurred_at:%Y-%m-%d}" if record.occurred_at else None,
        "ordinal": record.ordinal,
        "thread_id": document.external_id,
        "number": head.number,
        "state": head.state,
        "answered": head.answered,
        "labels": labels,
        "labels_key": [label.lower() for label in labels],
        "visibility": "private" if head.private else "public",
        "language": head.language,
        "changed_at": head.changed_at.timestamp() if head.changed_at else None,
        "document_kind": document.kind,
        "document_author": head.author,
        "document_author_key": head.author.lower(),
        "document_occurred_at": head.occurred_at.timestamp() if head.occurred_at else None,
        "document_url": head.url,
        "source": document.source_system,
        "container": scope.name,
        "container_key": scope.external_id,
        "container_id": container_id,
        "channel_id": channel_id,
    }
    return {key: value for key, value in values.items() if value is not None and value != "" and value != []}


def _fitting(labels: Iterable[str]) -> list[str]:
    """Return the first labels, which have at most ``LONGEST_LABELS`` bytes together."""
    fitting: list[str] = []
    size = 0
    for label in labels:
        size += len(label.encode())
        if size > LONGEST_LABELS:
            break
        fitting.append(label)
    return fitting
