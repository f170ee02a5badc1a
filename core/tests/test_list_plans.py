"""The lists of the admin read few rows of large tables, and look up numbers and external ids by key."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import Activity, Chunk, Document, IndexEntry, Namespace, Scope
from tests.support.activities import make_activities

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOCUMENTS = 5000
REPOSITORY = 4242
TABLES = """
    INSERT INTO core_document (source_system, external_id, kind, scope_id, version, title, url, author, occurred_at)
    SELECT 'github', 'github:issue:4242:' || n, 'issue', %(scope)s, 1, 'Title of ' || n + 100000, '', 'ann',
        CASE WHEN n %% 9 > 0 THEN timestamptz '2026-01-01' + n * 7919 %% 5000 * interval '1 hour' END
    FROM generate_series(1, %(number)s) AS n;
    INSERT INTO core_chunk (document_id, ordinal, text, prefix, words, url, text_hash)
    SELECT id, 0, 'text of ' || id, '', '', '', md5(id::text)::uuid FROM core_document;
    INSERT INTO core_indexentry (namespace_id, document_id, state, indexed_version, content_hash, embedder,
        renderer_version, chunks, high_water, attempts, last_error)
    SELECT %(namespace)s, id, 'clean', 1, '', '', 1, 1, 1, 0, '' FROM core_document;
"""


@pytest.fixture
def filled() -> None:
    """Store documents, their chunks and entries, and activities, and let PostgreSQL count them."""
    scope = Scope.objects.create(source_system="github", external_id=str(REPOSITORY), name="o/r")
    namespace = Namespace.objects.create(index="pgvector", name="n", embedder="e", dimension=3, state="serving")
    make_activities(
        {
            "source_system": "github", "external_id": f"github:issue:{REPOSITORY}:{n}", "scope": scope,
            "thread": f"github:issue:{REPOSITORY}:{n}", "activity_type": "github.issue", "occurred_at": _at(n),
            "edited_at": NOON if n < 5 else None, "deleted_at": NOON if n < 5 else None, "summary": f"word {n + 7000}",
        }
        for n in range(1, 3001)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(TABLES, {"scope": scope.pk, "namespace": namespace.pk, "number": DOCUMENTS})
        for table in ("core_document", "core_chunk", "core_indexentry", "core_activity"):
            cursor.execute(f"ANALYZE {table}")


def _at(n: int) -> datetime:
    return NOON + timedelta(minutes=n)


def plans(client: Client, address: str, **query: str) -> str:
    """Return the plans of a page's statements on the tables of this module, except for the choices of filters."""
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address, query).status_code == 200
    models = (Document, Chunk, IndexEntry, Activity)
    return "\n".join(_explained(entry["sql"], {model._meta.db_table for model in models}) for entry in seen)


def _explained(sql: str, tables: set[str]) -> str:
    is_choices = sql.startswith("SELECT DISTINCT")
    counts_all = sql.startswith("SELECT COUNT") and " WHERE " not in sql  # only a table with few rows is counted
    is_read = sql.startswith("SELECT") and any(f'FROM "{table}"' in sql for table in tables)
    if is_choices or counts_all or not is_read:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


def listed(client: Client, name: str, words: str) -> list[str]:
    """Return the external ids of the documents, or of the activities, in a list that is searched for words."""
    answer = client.get(reverse(f"admin:core_{name}_changelist"), {"q": words})
    assert answer.status_code == 200
    return [getattr(row, "document", row).external_id for row in answer.context["cl"].result_list]


def issue(number: int) -> str:
    return f"github:issue:{REPOSITORY}:{number}"


@pytest.mark.usefixtures("filled")
def test_lists_read_few_rows_and_look_up_numbers_by_key(admin_client: Client) -> None:
    for name in ("document", "chunk"):
        plan = plans(admin_client, reverse(f"admin:core_{name}_changelist"))
        assert "document_by_time" in plan
        assert "Seq Scan on core_document" not in plan
    for state in ("edited", "deleted"):
        plan = plans(admin_client, reverse("admin:timeline"), state=state)
        assert f"activity_{state}" in plan
        assert "Seq Scan on core_activity " not in plan
    for name in ("document", "chunk", "indexentry"):
        for words in ("77", issue(77)):
            plan = plans(admin_client, reverse(f"admin:core_{name}_changelist"), q=words)
            assert "document_identity" in plan
            assert "Seq Scan on core_document" not in plan
            assert "Seq Scan on core_activity " not in plan
    plan = plans(admin_client, reverse("admin:core_activity_changelist"), q="77")
    assert {"activity_identity", "activity_by_thread", "activity_words"} <= set(plan.replace("\n", " ").split())


@pytest.mark.usefixtures("filled")
def test_searches_find_numbers_external_ids_and_parts_of_texts(admin_client: Client) -> None:
    failed = IndexEntry.objects.filter(document__external_id=issue(7))
    failed.update(state="failed", last_error="status 503 of the index")
    for name in ("document", "chunk", "indexentry"):
        assert set(listed(admin_client, name, "77")) == {issue(77)}
        assert set(listed(admin_client, name, issue(77))) == {issue(77)}  # and not 770 to 779
        assert set(listed(admin_client, name, ":499")) == {issue(499), *(issue(n) for n in range(4990, 5000))}
    assert set(listed(admin_client, "document", "104999")) == {issue(4999)}  # a word of the title
    assert set(listed(admin_client, "document", f"{REPOSITORY} 104999")) == {issue(4999)}
    assert set(listed(admin_client, "document", "title 77")) == {issue(77)}
    assert len(listed(admin_client, "document", str(REPOSITORY))) == len(listed(admin_client, "document", "nn")) == 50
    assert set(listed(admin_client, "indexentry", "of the INDEX")) == {issue(7)}
    assert issue(7) in listed(admin_client, "indexentry", "503")
    assert set(listed(admin_client, "activity", "77")) == set(listed(admin_client, "activity", "7077")) == {issue(77)}
    assert set(listed(admin_client, "activity", "707")) == {issue(707)}  # and not the words 7070 to 7079


def test_any_text_can_be_searched(admin_client: Client) -> None:
    for words in ("0", "-7", "٧٧", "9" * 19, "9" * 400, "::77", "7 " * 50, "7%'\\"):
        for name in ("document", "chunk", "indexentry", "activity"):
            assert listed(admin_client, name, words) == []
