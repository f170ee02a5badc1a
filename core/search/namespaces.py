"""Namespaces of the index. Each namespace contains the vectors of one model, and one namespace serves queries."""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from core.db.locks import NAMESPACES, require_own_session
from core.models import EmbeddingModel, IndexEntry, Namespace
from core.search.embedders.base import Embedder
from core.search.embedders.registry import get_embedder
from core.search.indexes.base import VectorIndex

State = Namespace.State


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A namespace, and the index through which it is read and written."""

    namespace: Namespace
    index: VectorIndex

    @property
    def embedder(self) -> Embedder:
        """Return the model of the namespace. Raises ConfigurationError if the settings no longer describe the model."""
        return get_embedder(self.namespace.embedder)


def index_name() -> str:
    """Return the name of the index in the settings, as ``Namespace.index`` stores it."""
    if settings.VECTOR_INDEX == "pgvector":
        return "pgvector"
    return "/".join(part for part in ("pinecone", settings.PINECONE_INDEX, settings.PINECONE_NAMESPACE) if part)


def target_of(namespace: Namespace) -> Target:
    """Return a namespace with its index."""
    if namespace.index == "pgvector":
        from core.search.indexes.pgvector import PgvectorIndex

        return Target(namespace=namespace, index=PgvectorIndex(namespace))
    from core.search.indexes.pinecone import PineconeIndex

    return Target(namespace=namespace, index=PineconeIndex(namespace))


def serving() -> Target | None:
    """Return the namespace that serves queries, or ``None`` before the first sync."""
    namespace = Namespace.objects.filter(index=index_name(), state=State.SERVING).first()
    return target_of(namespace) if namespace else None


def entries_waiting() -> "QuerySet[IndexEntry]":
    """Return the entries of the serving namespace that are not clean.

    Before the first sync, there are no entries. The first sync queues all documents.
    """
    return IndexEntry.objects.filter(namespace__index=index_name(), namespace__state=State.SERVING).exclude(
        state="clean"
    )


def serving_or_new() -> Target:
    """Return the serving namespace, or create it. The first namespace of an index serves queries immediately."""
    if target := serving():
        return target
    new = _unsaved(get_embedder(), settings.PINECONE_INDEX if index_name() != "pgvector" else "")
    finish_dropping(new.name)
    target_of(new).index.prepare()  # before the row is created, so that a wrong setting leaves no row
    with transaction.atomic():
        Namespace.objects.bulk_create([new], ignore_conflicts=True)
    return serving() or target_of(Namespace.objects.get(index=new.index, name=new.name))


def namespace_to_fill(embedder: Embedder, current: Namespace) -> Target:
    """Return the namespace that a switch of models fills. Create it if it does not exist.

    In Pinecone, a model with another dimension needs another index.
    """
    finish_dropping()
    new = _unsaved(embedder, current.container)
    if current.container and new.dimension != current.dimension:
        new.container = f"{settings.PINECONE_INDEX}-{new.dimension}"
    new.state = State.FILLING
    row = Namespace.objects.filter(index=new.index, name=new.name).first() or new
    target_of(row).index.prepare()
    if row is new:
        Namespace.objects.bulk_create([new], ignore_conflicts=True)
        row = Namespace.objects.get(index=new.index, name=new.name)
    return target_of(row)


def promote(new: Namespace) -> None:
    """Let a new namespace serve queries, and mark the old namespace for removal, in one transaction."""
    with transaction.atomic():
        Namespace.objects.filter(index=new.index, state=State.SERVING).exclude(pk=new.pk).update(state=State.DROPPING)
        Namespace.objects.filter(pk=new.pk).update(state=State.SERVING)


def finish_dropping(name: str | None = None) -> int:
    """Remove the namespaces that are marked for removal. With ``name``, remove only the namespace with this name.

    Returns the number of removed namespaces.
    """
    marked = Namespace.objects.filter(index=index_name(), state=State.DROPPING)
    marked = marked.filter(name=name) if name is not None else marked
    return sum(_drop(pk) for pk in marked.values_list("pk", flat=True))


def _drop(pk: int) -> bool:
    """Remove a namespace after other processes have finished writing to it. Return whether it still existed."""
    require_own_session()
    key = [NAMESPACES, pk % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
    try:
        # In the meantime, another process may have dropped this namespace and created one with the same name.
        namespace = Namespace.objects.filter(pk=pk, state=State.DROPPING).first()
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
    """Prevent the removal of a namespace inside the block. Yield whether it exists and is not marked for removal."""
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


def unused_namespaces(target: Target) -> tuple[list[str], list[str]]:
    """Return the names of namespaces that are not in use: those of this project, and others in the same Pinecone index.

    A namespace of this project has the name that this project gives to a model of this database, or a row whose removal
    or filling was interrupted. The namespace of the model in the settings may still be filled.
    """
    stored = Namespace.objects.filter(container=target.namespace.container)
    listed = set(target.index.namespaces()) - set(stored.values_list("name", flat=True))
    fingerprints = EmbeddingModel.objects.values_list("fingerprint", flat=True)
    created = {namespace_name(fingerprint, target.namespace.container) for fingerprint in fingerprints}
    own = (listed & created) | set(_abandoned(target).values_list("name", flat=True))
    return sorted(own), sorted(name or "__default__" for name in listed - created)


def drop_unused(target: Target, names: Sequence[str]) -> int:
    """Remove namespaces that ``unused_namespaces`` returned first. Return the number of removed namespaces.

    Namespaces that are in use by now stay.
    """
    _abandoned(target).filter(name__in=names).update(state=State.DROPPING)
    dropped = finish_dropping()
    current = target.namespace
    for name in set(names) & set(unused_namespaces(target)[0]):
        unused = Namespace(
            index=current.index, container=current.container, name=name, embedder=current.embedder,
            dimension=current.dimension,
        )  # fmt: skip
        target_of(unused).index.drop()
        dropped += 1
    return dropped


def _abandoned(target: Target) -> "QuerySet[Namespace]":
    """Return the rows of namespaces that no process fills or reads, unless a removal is running."""
    rows = Namespace.objects.filter(index=target.namespace.index).exclude(state=State.SERVING)
    return rows.exclude(state=State.FILLING, embedder=get_embedder().info.fingerprint)


def namespace_name(fingerprint: str, container: str) -> str:
    """Return the name of the namespace of a model. Without ``container``, the namespace is in PostgreSQL."""
    slug = re.sub(r"[^a-z0-9.-]+", "-", fingerprint.lower()).strip("-")
    prefix = settings.PINECONE_NAMESPACE if container else ""
    return f"{prefix}-{slug}" if prefix else slug


def _unsaved(embedder: Embedder, container: str) -> Namespace:
    return Namespace(
        index=index_name(), container=container, name=namespace_name(embedder.info.fingerprint, container),
        embedder=embedder.info.fingerprint, dimension=embedder.info.dimension, state=State.SERVING,
    )  # fmt: skip
