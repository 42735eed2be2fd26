"""The rights in the database of a serving copy. A consumer may select from the tables, and nothing else.

Settings of a role are no fence, because a consumer can change its own. Rights are.
"""

from __future__ import annotations

from alchemesh_platform.systems.local.data_api.serving.place import (
    ADMIN,
    DATABASE,
    HTTP,
    LOADED,
    LOADING,
    READERS,
    Place,
)

# Functions that everybody may call and that a consumer could use to write, or to stop others: large objects, locks by
# number (they fill the table of locks), messages in the log of writes, files of snapshots, and the work of others.
FUNCTIONS = r"^(lo_.*|lowrite|loread|pg_(try_)?advisory_.*|pg_logical_emit_message|pg_export_snapshot|pg_notify)$"


def open_statement(place: Place) -> str:
    """The statement by which the loader opens the database, once every table is loaded.

    A table that is not there yet is no answer.
    """
    if place.managed is not None:
        return f'GRANT CONNECT ON DATABASE "{place.names.database}" TO "{place.names.readers}"'
    return f"GRANT CONNECT ON DATABASE {DATABASE} TO {READERS}, {HTTP}"


_REVOKE_FUNCTIONS = (
    "DO $$ DECLARE one record; BEGIN FOR one IN SELECT oid::regprocedure AS name FROM pg_proc"
    " WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '{functions}'"
    " LOOP EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one.name); END LOOP; END $$"
)

STATEMENTS = (
    f"CREATE ROLE {READERS} NOLOGIN",
    f"CREATE ROLE {HTTP} LOGIN NOINHERIT",
    f"REVOKE ALL ON DATABASE {DATABASE}, template1, postgres FROM PUBLIC",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    f"GRANT USAGE ON SCHEMA public TO {READERS}, {HTTP}",
    f"CREATE SCHEMA {LOADING}",
    "CREATE SCHEMA alchemesh",
    LOADED,
    f"GRANT USAGE ON SCHEMA alchemesh TO {HTTP}",
    f"GRANT SELECT ON alchemesh.loaded TO {HTTP}",
    _REVOKE_FUNCTIONS.replace("{functions}", FUNCTIONS),
    "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC",
    "REVOKE USAGE ON LANGUAGE sql FROM PUBLIC",
    *(f"REVOKE ALL ON pg_catalog.{view} FROM PUBLIC" for view in ("pg_stat_activity", "pg_locks")),
    f"ALTER ROLE {ADMIN} SET default_transaction_read_only = off",
    f"ALTER ROLE {ADMIN} SET statement_timeout = 0",
    f"ALTER ROLE {ADMIN} SET idle_in_transaction_session_timeout = 0",
)
