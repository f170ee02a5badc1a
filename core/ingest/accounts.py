"""Accounts of a source: upsert accounts, record former names, and update names on the timeline and in the index."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection, models, transaction

from core.db.upsert import upsert
from core.ingest.timeline_move import bring_over_accounts
from core.ingest.values import Row
from core.models import Document
from core.search.documents import DocumentMark, document_key, mark_changed

CACHED_ACCOUNTS = 20_000
"""Number of account rows after which a process empties its cache. This many rows take a few MiB of memory."""
RENAME = """
    WITH renamed AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(names)s::text[]) AS given (actor, name)
    ), written AS (
        UPDATE core_activity AS a SET actor_name = renamed.name FROM renamed, core_activitytype AS t
        WHERE a.actor = renamed.actor AND a.actor_name <> renamed.name
          AND t.id = a.type_id AND t.source_system = %(source)s
        RETURNING a.thread_prefix_id, a.thread_number, a.thread_code, a.scope_id
    ), computed AS (
        SELECT a.thread_prefix_id, a.thread_number, a.thread_code, a.scope_id
        FROM core_activity AS a JOIN renamed USING (actor) JOIN core_activitytype AS t ON t.id = a.type_id
        WHERE a.actor_name IS NULL AND t.source_system = %(source)s
    )
    SELECT DISTINCT core_external_id(p.text, thread_number, thread_code), scope_id
    FROM (TABLE written UNION ALL TABLE computed) AS activities
    JOIN core_externalidprefix AS p ON p.id = activities.thread_prefix_id
"""
"""Write new names to the timeline where it stores names. Return the threads that show one of the accounts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountChanges:
    """The changes that a list of accounts causes: rows to store, former names, and names for the timeline."""

    rows: Sequence[Row]
    former_names: Sequence[models.Model] = ()
    """New rows of the tracker's model for former names."""
    names: Mapping[int, str] = field(default_factory=dict[int, str])
    """Names for the timeline, by account id. The timeline is updated only for accounts with a changed row."""


class AccountStore(ABC):
    """Writes the accounts of one source. Committed rows are cached, because most pages mention the same accounts."""

    source_system: str
    model: type[models.Model]

    def __init__(self) -> None:
        self._committed: set[tuple[object, ...]] = set()

    @abstractmethod
    def compare(self, rows: Sequence[Row], variant: str) -> AccountChanges:
        """Compare rows with the stored accounts. ``variant`` names the kind of list that contained the rows.

        Different lists of a source may show one account with different names.
        """

    def documents_to_reindex(self, threads: Collection[tuple[str, int]]) -> Iterable[DocumentMark]:
        """Return the documents that show renamed accounts.

        ``threads`` contains the thread's external id and the scope id of each activity with a new name.
        """
        keys = {document_key(self.source_system, thread) for thread, _ in threads}
        documents = Document.objects.filter(key__in=keys, deleted_at=None)
        return [
            DocumentMark(source_system=self.source_system, external_id=external_id, kind=kind, scope_id=scope_id)
            for external_id, kind, scope_id in documents.values_list("external_id", "kind", "scope_id")
        ]

    def store(self, rows: Iterable[Row], *, variant: str = "", keep: Sequence[str] = ()) -> None:
        """Store accounts in the caller's transaction, except rows that this process has committed before.

        ``keep`` names fields that an update leaves unchanged.
        """
        new = [row for row in rows if _key(row, variant) not in self._committed]
        if not new:
            return
        changes = self.compare(new, variant)
        if changes.former_names:
            type(changes.former_names[0])._default_manager.bulk_create(changes.former_names)
        updated = upsert(self.model, changes.rows, key=["id"], keep=keep).updated
        names = {pk: changes.names[pk] for (pk,) in updated if pk in changes.names}
        if names:
            self._rename(names)
        if len(self._committed) > CACHED_ACCOUNTS:
            self._committed.clear()
        transaction.on_commit(lambda: self._committed.update(_key(row, variant) for row in new))

    def forget(self) -> None:
        """Empty the cache. Call it before a run, because another process may have changed accounts.

        Also call it after code other than ``store`` has changed accounts.
        """
        self._committed.clear()

    def _rename(self, names: Mapping[int, str]) -> None:
        """Write new names to the timeline, and request a re-index of the documents that show these names."""
        bring_over_accounts(self.source_system, map(str, names))
        with connection.cursor() as cursor:
            given = {"ids": list(names), "names": list(names.values()), "source": self.source_system}
            cursor.execute(RENAME, given)
            threads = set(cursor.fetchall())
        mark_changed(self.documents_to_reindex(threads))


def _key(row: Row, variant: str) -> tuple[object, ...]:
    return (variant, *row.values())
