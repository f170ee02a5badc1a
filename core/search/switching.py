"""Switch to another embedding model: fill a second namespace, let it serve queries, and drop the old namespace."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from core.models import Namespace
from core.operations.bounds import earlier_end
from core.search.documents import DocumentSource
from core.search.embedders.registry import get_embedder
from core.search.namespaces import Target, finish_dropping, namespace_to_fill, promote, serving, serving_or_new
from core.search.queue import not_in_step
from core.search.sync import ReportProgress, fill

PAUSE = 0.5
"""Seconds to wait before documents that another process has claimed are tried again. With a longer pause, the switch
would end later. With a shorter pause, the switch would query the queue more often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchResult:
    """The result of a switch. ``switched`` is whether the model of the settings now serves queries.

    ``remaining`` is the number of documents that must still be indexed in the new namespace.
    """

    embedder: str
    switched: bool
    chunks_embedded: int = 0
    chunks_sent: int = 0
    failed: int = 0
    remaining: int = 0
    dropped: int = 0
    seconds: float = 0.0


def switch(
    sources: Sequence[DocumentSource], *, max_seconds: float | None = None, progress: ReportProgress | None = None
) -> SwitchResult:
    """Move the index to the model of the settings. Another call continues an unfinished switch.

    Searches and syncs use the old model until the switch is finished. The caller holds a lock, so that only one process
    switches.
    """
    began = time.monotonic()
    deadline = earlier_end(None if max_seconds is None else began + max_seconds)
    embedder = get_embedder()
    name = embedder.info.fingerprint
    current = serving()
    if current is None or current.namespace.embedder == name:
        serving_or_new()
        dropped = finish_dropping() + _drop_abandoned()
        return SwitchResult(embedder=name, switched=True, dropped=dropped, seconds=time.monotonic() - began)
    return _switch(namespace_to_fill(embedder, current.namespace), sources, began, deadline, progress)


def _switch(
    new: Target,
    sources: Sequence[DocumentSource],
    began: float,
    deadline: float | None,
    progress: ReportProgress | None,
) -> SwitchResult:
    embedded = sent = failed = dropped = 0
    while True:
        counts = fill(new, sources, deadline, progress)
        embedded, sent = embedded + counts["chunks_embedded"], sent + counts["chunks_sent"]
        failed += counts["failed"]
        remaining = not_in_step(new).exclude(state="failed").count()
        if not remaining or (deadline is not None and time.monotonic() >= deadline):
            break
        time.sleep(PAUSE if not counts["documents"] + counts["deleted"] else 0)
    if not remaining:
        promote(new.namespace)
        dropped = finish_dropping()
    return SwitchResult(
        embedder=new.namespace.embedder, switched=not remaining, chunks_embedded=embedded, chunks_sent=sent,
        failed=failed, remaining=not_in_step(new).count(), dropped=dropped, seconds=time.monotonic() - began,
    )  # fmt: skip


def _drop_abandoned() -> int:
    """Drop the namespaces of switches that were started and then abandoned. Return the number of dropped namespaces."""
    current = serving()
    if current is None:
        return 0
    unfinished = Namespace.objects.filter(index=current.namespace.index, state=Namespace.State.FILLING)
    return finish_dropping() if unfinished.update(state=Namespace.State.DROPPING) else 0
