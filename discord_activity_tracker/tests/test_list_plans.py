"""The list of deleted messages reads few messages."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from discord_activity_tracker.models import Message
from tests.support.discord_fixtures import at, make_guild, message, store

pytestmark = pytest.mark.django_db
MANY = """
    INSERT INTO discord_activity_tracker_message (id, webhook_name, type, content, created_at, pinned, reactions,
        reactors_of, payload, conversation, author_id, channel_id)
    SELECT id + n, '', 0, 'text ' || n, created_at, false, '{}', '{}', '{}', conversation, author_id, channel_id
    FROM discord_activity_tracker_message, generate_series(1, 5000) AS n
"""


def test_the_list_of_deleted_messages_uses_their_index(admin_client: Client) -> None:
    make_guild()
    store([message(at(0), "An old message")])
    store([], gone=[at(0)])
    with connection.cursor() as cursor:
        cursor.execute(MANY)
        cursor.execute("ANALYZE discord_activity_tracker_message")
    address = reverse("admin:discord_activity_tracker_message_changelist")
    with CaptureQueriesContext(connection) as seen:
        answer = admin_client.get(address, {"deleted": "yes"})
    assert [row.pk for row in answer.context["cl"].result_list] == [at(0)]
    listed = [entry["sql"] for entry in seen if f'FROM "{Message._meta.db_table}"' in entry["sql"]]
    plans: list[str] = []
    with connection.cursor() as cursor:
        for sql in listed:
            if "deleted_at" in sql.partition(" WHERE ")[2]:
                cursor.execute(f"EXPLAIN {sql}")
                plans.append("\n".join(row[0] for row in cursor.fetchall()))
    assert len(plans) == 2  # the page and the number of rows
    assert all("discord_message_deleted" in plan for plan in plans)
