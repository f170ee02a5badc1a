"""References in the tables of the timeline that the database does not check, for comparisons of end states."""

from collections.abc import Mapping

UNCHECKED = frozenset(
    (f"core_{table}", column)
    for table, columns in {
        "activity": ("prefix_id", "thread_prefix_id", "type_id", "scope_id"),
        "activityweek": ("type_id", "scope_id"),
        "personweek": ("type_id", "scope_id"),
    }.items()
    for column in columns
)
"""Table and column of each reference to a generated id. Such ids differ between two runs."""
TEXTS: Mapping[str, str] = {
    "texts of activities": """
        SELECT jsonb_build_object('external_id', core_external_id(p.text, a.number, a.code),
            'thread', core_external_id(q.text, a.thread_number, a.thread_code), 'type', t.name, 'scope', s.external_id)
        FROM core_activity a JOIN core_externalidprefix p ON p.id = a.prefix_id JOIN core_scope s ON s.id = a.scope_id
        JOIN core_activitytype t ON t.id = a.type_id LEFT JOIN core_externalidprefix q ON q.id = a.thread_prefix_id
    """,
    "texts of weeks": """
        SELECT jsonb_build_object('type', t.name, 'scope', s.external_id, 'sum', sum(w.count))
        FROM core_activityweek w JOIN core_activitytype t ON t.id = w.type_id JOIN core_scope s ON s.id = w.scope_id
        GROUP BY t.name, s.external_id
    """,
    "texts of people": """
        SELECT jsonb_build_object('actor', w.actor::text, 'type', t.name, 'scope', s.external_id, 'sum', sum(w.count))
        FROM core_personweek w JOIN core_activitytype t ON t.id = w.type_id JOIN core_scope s ON s.id = w.scope_id
        GROUP BY w.actor, t.name, s.external_id
    """,
}
"""A query for the texts behind the references, by the name of the table that a comparison shows."""
