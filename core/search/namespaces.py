"""Which namespace serves, with its index and its model: vectors of two models never meet."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from core.db.locks import NAMESPACES, require_own_session
from core.models import IndexEntry, Namespace
from core.search.embedders import Embedder, get_embedder
from core.search.indexes.base import VectorIndex

State = Namespace.State


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A namespace, and what reads and writes it."""

    namespace: Namespace
    index: VectorIndex

    @property
    def embedder(self) -> Embedder:
        """The model that made its vectors; ConfigurationError when the settings do not reach it any more."""
        return get_embedder(self.namespace.embedder)


def family() -> str:
    """The index of the settings, as ``Namespace.index`` names it."""
    if settings.VECTOR_INDEX == "pgvector":
        return "pgvector"
    return "/".join(part for part in ("pinecone", settings.PINECONE_INDEX, settings.PINECONE_NAMESPACE) if part)


def target_of(namespace: Namespace) -> Target:
    """The namespace with its index."""
    if namespace.index == "pgvector":
        from core.search.indexes.pgvector import PgvectorIndex

        return Target(namespace=namespace, index=PgvectorIndex(namespace))
    from core.search.indexes.pinecone import PineconeIndex

    return Target(namespace=namespace, index=PineconeIndex(namespace))


def serving() -> Target | None:
    """What queries ask; None before the first sync."""
    found = Namespace.objects.filter(index=family(), state=State.SERVING).first()
    return target_of(found) if found else None


def entries_waiting() -> "QuerySet[IndexEntry]":
    """What the serving namespace does not hold as it is; nothing before the first sync, which queues all there is."""
    return IndexEntry.objects.filter(namespace__index=family(), namespace__state=State.SERVING).exclude(state="clean")


def serving_or_new() -> Target:
    """What the sync fills: the first namespace of an index serves at once."""
    if found := serving():
        return found
    made = _unsaved(get_embedder(), settings.PINECONE_INDEX if family() != "pgvector" else "")
    finish_dropping(made.name)
    target_of(made).index.prepare()  # before the row: a wrong setting leaves nothing behind
    with transaction.atomic():
        Namespace.objects.bulk_create([made], ignore_conflicts=True)
    return serving() or target_of(Namespace.objects.get(index=made.index, name=made.name))


def beside(embedder: Embedder, current: Namespace) -> Target:
    """The namespace that a switch fills; in Pinecone another dimension needs another index."""
    finish_dropping()
    made = _unsaved(embedder, current.container)
    if current.container and made.dimension != current.dimension:
        made.container = f"{settings.PINECONE_INDEX}-{made.dimension}"
    made.state = State.FILLING
    row = Namespace.objects.filter(index=made.index, name=made.name).first() or made
    target_of(row).index.prepare()
    if row is made:
        Namespace.objects.bulk_create([made], ignore_conflicts=True)
        row = Namespace.objects.get(index=made.index, name=made.name)
    return target_of(row)


def promote(new: Namespace) -> None:
    """From here on the new one serves: one transaction."""
    with transaction.atomic():
        Namespace.objects.filter(index=new.index, state=State.SERVING).exclude(pk=new.pk).update(state=State.DROPPING)
        Namespace.objects.filter(pk=new.pk).update(state=State.SERVING)


def finish_dropping(name: str | None = None) -> int:
    """Remove what served before, and what an abandoned switch began; returns how many namespaces."""
    waiting = Namespace.objects.filter(index=family(), state=State.DROPPING)
    waiting = waiting.filter(name=name) if name is not None else waiting
    return sum(_drop(place) for place in waiting.values_list("pk", flat=True))


def _drop(place: int) -> bool:
    """Whether it was still there; whoever writes into it finishes first."""
    require_own_session()
    key = [NAMESPACES, place % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
    try:
        # Another process may have dropped it meanwhile, and one of that name may be filled again already.
        namespace = Namespace.objects.filter(pk=place, state=State.DROPPING).first()
        if namespace is None:
            return False
        target_of(namespace).index.drop()
        IndexEntry.objects.filter(namespace=namespace).delete()
        namespace.delete()
        return True
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@contextmanager
def writable(namespace: Namespace) -> Generator[bool]:
    """Keep a namespace from being dropped; yields False when it is, or is about to be."""
    require_own_session()
    key = [NAMESPACES, namespace.pk % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock_shared(%s, %s)", key)
        held = bool(cursor.fetchone()[0])
    try:
        alive = Namespace.objects.filter(pk=namespace.pk).exclude(state=State.DROPPING)
        yield held and alive.exists()
    finally:
        if held and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock_shared(%s, %s)", key)


def _unsaved(embedder: Embedder, container: str) -> Namespace:
    slug = re.sub(r"[^a-z0-9.-]+", "-", embedder.info.fingerprint.lower()).strip("-")
    prefix = settings.PINECONE_NAMESPACE if container else ""
    return Namespace(
        index=family(), container=container, name=f"{prefix}-{slug}" if prefix else slug,
        embedder=embedder.info.fingerprint, dimension=embedder.info.dimension, state=State.SERVING,
    )  # fmt: skip
