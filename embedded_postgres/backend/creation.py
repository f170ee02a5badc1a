"""Test databases in the embedded server. The superuser creates them, and the ordinary role uses them."""

from typing import Any

from django.db.backends.postgresql import creation

from embedded_postgres.roles import ROLE, add_extension


class DatabaseCreation(creation.DatabaseCreation):
    """Creates test databases that belong to the ordinary role, and adds the extension ``vector`` as the superuser."""

    def _get_database_create_suffix(self, encoding: str | None = None, template: str | None = None) -> str:
        django: Any = super()  # Django has no type stubs
        return f"{django._get_database_create_suffix(encoding, template) or 'WITH'} OWNER {ROLE}"

    def _execute_create_test_db(self, cursor: Any, parameters: Any, keepdb: bool = False) -> None:
        django: Any = super()
        django._execute_create_test_db(cursor, parameters, keepdb)
        add_extension(str(cursor.connection.info.host), str(parameters["dbname"]).strip('"'))
