"""Writes a page of one model: the complete write path for trackers with items that do not depend on each other."""

from collections.abc import Sequence
from typing import Any

from django.db import models, transaction

from core.db.upsert import upsert
from core.ingest.checkpoints import Checkpoints
from core.ingest.records import Page, PageResult
from core.ingest.skips import record_malformed
from core.ingest.timeline import record_activity
from core.models import Scope
from core.protocols import IncrementalState


@transaction.atomic
def store_page(
    model: type[models.Model],
    page: Page,
    *,
    scope: Scope,
    stream: str,
    checkpoints: Checkpoints[Any],
    state: IncrementalState,
    keep: Sequence[str] = (),
    keep_activity: Sequence[str] = (),
) -> PageResult:
    """Write the rows of a page, its timeline rows, re-index requests, skips and the checkpoint in one transaction.

    Returns the numbers of seen, inserted, updated and malformed items. The model must have the fields ``id`` and
    ``updated_at``. A row older than the stored row is ignored. An update leaves the fields of ``keep`` (row) and
    ``keep_activity`` (timeline row) unchanged.
    """
    written = upsert(model, (record.row for record in page.records), key=["id"], newer="updated_at", keep=keep)
    changed = {key[0] for key in written.changed}
    record_activity(
        (record for record in page.records if record.row["id"] in changed), scope_id=scope.pk, keep=keep_activity
    )
    record_malformed(page.malformed, collector=checkpoints.collector, scope=scope.external_id, stream=stream)
    checkpoints.save(scope.external_id, stream, state)
    return PageResult(
        seen=len(page.records),
        inserted=len(written.inserted),
        updated=len(written.updated),
        malformed=len(page.malformed),
    )
