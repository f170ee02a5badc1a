"""One batch of documents into the index: embed what is new, write, record."""

import hashlib
from collections import Counter
from dataclasses import dataclass

from django.db import connection, transaction

from core.models import Embedding, IndexEntry
from core.search.chunking import Piece, cut
from core.search.documents import RenderedDocument
from core.search.embedders import get_embedder
from core.search.indexes import get_index
from core.search.indexes.base import Vector


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What is to be done with one document; no ``document`` means that it leaves the index."""

    entry: IndexEntry
    document: RenderedDocument | None
    pieces: list[Piece]
    content_hash: str
    renderer_version: int


def prepare(entry: IndexEntry, document: RenderedDocument | None, renderer_version: int) -> Work:
    """Cut a document, and sum up what would go out."""
    pieces = cut(document, get_embedder().count_tokens) if document else []
    head = f"{document.title}\0{document.url}\0{document.author}\0{document.occurred_at}" if document else ""
    content = "\0".join([head, *(f"{piece.embedded}\0{piece.text}\0{piece.url}" for piece in pieces)])
    return Work(
        entry=entry, document=document, pieces=pieces, content_hash=_sha(content), renderer_version=renderer_version
    )


def write_batch(batch: list[Work]) -> Counter[str]:
    """Bring documents into the index; returns the counts of ``SyncResult``."""
    fingerprint = get_embedder().info.fingerprint
    counts: Counter[str] = Counter()
    changed = [w for w in batch if (w.entry.content_hash, w.entry.embedder) != (w.content_hash, fingerprint)]
    _intend(changed)
    vectors, new = _vectors({_sha(p.embedded): p.embedded for w in changed for p in w.pieces})
    index = get_index()
    for work in batch:
        with transaction.atomic():
            if work in changed:
                hashes = [_sha(piece.embedded) for piece in work.pieces]
                index.upsert(
                    work.entry.document,
                    [
                        Vector(ordinal=n, piece=piece, content_hash=h, embedder=fingerprint, values=vectors[h])
                        for n, (piece, h) in enumerate(zip(work.pieces, hashes, strict=True))
                    ],
                )
                index.delete(
                    work.entry.document, begin=len(work.pieces), end=max(work.entry.high_water, len(work.pieces))
                )
                _describe(work)
                counts["chunks_embedded"] += sum(h in new for h in hashes)
                counts["chunks_reused"] += sum(h not in new for h in hashes)
            _record(work, fingerprint)
        counts["documents" if work.document else "deleted"] += 1
    return counts


def _intend(changed: list[Work]) -> None:
    """Commit how far this write may reach, before it does."""
    rows = []
    for work in changed:
        work.entry.high_water = max(work.entry.high_water, len(work.pieces))
        rows.append(work.entry)
    IndexEntry.objects.bulk_update(rows, ["high_water"]) if rows else None


def _vectors(texts: dict[str, str]) -> tuple[dict[str, list[float]], set[str]]:
    """The vectors by hash, and which of them had to be computed; those are kept at once."""
    embedder = get_embedder()
    fingerprint = embedder.info.fingerprint
    cached = Embedding.objects.filter(embedder=fingerprint, content_hash__in=list(texts))
    found = {row.content_hash: list(row.vector) for row in cached}
    missing = [h for h in texts if h not in found]
    if missing:
        made = embedder.embed([texts[h] for h in missing], "passage").tolist()
        found |= dict(zip(missing, made, strict=True))
        Embedding.objects.bulk_create(
            [Embedding(embedder=fingerprint, content_hash=h, vector=found[h]) for h in missing], ignore_conflicts=True
        )
    return found, set(missing)


def _describe(work: Work) -> None:
    """Keep what results and the admin show of a document."""
    if (document := work.document) is None:
        return
    kept = work.entry.document
    kept.title, kept.url, kept.author = document.title[:300], document.url[:1000], document.author[:200]
    kept.occurred_at = document.occurred_at
    kept.save(update_fields=["title", "url", "author", "occurred_at"])


def _record(work: Work, fingerprint: str) -> None:
    """Commit what the index holds now; a document that changed meanwhile stays dirty."""
    entry = work.entry
    done = {
        "indexed_version": entry.document.version, "content_hash": work.content_hash, "embedder": fingerprint,
        "renderer_version": work.renderer_version, "chunks": len(work.pieces), "high_water": len(work.pieces),
        "attempts": 0, "last_error": "", "next_try_at": None,
    }  # fmt: skip
    IndexEntry.objects.filter(pk=entry.pk).update(**done)
    with connection.cursor() as cursor:
        # The row lock makes a mark that is being set just now wait, or be seen.
        cursor.execute("SELECT version FROM core_document WHERE id = %s FOR UPDATE", [entry.document_id])
        (version,) = cursor.fetchone()
    if version == entry.document.version:
        IndexEntry.objects.filter(pk=entry.pk).update(state="clean")


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
