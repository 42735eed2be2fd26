"""The configuration files of a data API's gateway: Caddy's and PgBouncer's, generated from the consumers.

Caddy, https://caddyserver.com/docs/json/, guards REST and GraphQL with HTTP basic authentication. PgBouncer,
https://www.pgbouncer.org/config.html, guards SQL with SCRAM: each consumer has one database of the same name. Removing
it closes the connections of that consumer only, and statistics are by consumer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alchemesh_platform.systems.local.data_api.gateway.consumers import Entry
from alchemesh_platform.systems.local.data_api.http.configuration import CONSUMER_HEADER, ROWS_HEADER
from alchemesh_platform.systems.local.data_api.programs import Protocol
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.consumers.roles import is_reserved
from alchemesh_platform.systems.local.data_api.serving.managed import pooler_database, pooler_tls
from alchemesh_platform.systems.local.data_api.serving.place import DATABASE, PORT, Place

ACCESS_LOG = "access.log"
ADMIN_SOCKET = "admin.sock"
WEB_SOCKET = "web.sock"
_LOG_MEGABYTES = 20
_LOGS_KEPT = 50  # compressed; more than two million requests can wait for a reading of their usage
ROWS = "rows"  # the field of a logged request with the number of rows in its answer
_CLIENTS_MAX = 1000
_BUFFER_BYTES = 32_768  # a page of rows passes in few steps
_GRACE_SECONDS = 5.0
SERVING = "serving"  # the folder of the serving copy, in the gateway's
# Drivers send these at the start of a connection. PgBouncer does not pass them on, and clients can set them later.
_IGNORED_PARAMETERS = (
    "extra_float_digits",
    "options",
    "search_path",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "default_transaction_read_only",
    "IntervalStyle",
    "geqo",
)
_ROWS_LOGGED = {"handler": "log_append", "key": ROWS, "value": f"{{http.response.header.{ROWS_HEADER}}}"}
_DESCRIBED = ("/api/schema", "/api/schema/*", "/api/openapi.json", "/api/health")


def caddy_configuration(
    gateway: Path,
    entries: Sequence[Entry],
    *,
    realm: str,
    listen: str,
    protocols: Sequence[Protocol],
    statements: bool,
    sockets: Path,
) -> str:
    """The configuration of Caddy.

    Args:
        gateway: Folder of the gateway, for the log of requests.
        entries: The consumers.
        realm: Text that a browser shows when it asks for a credential.
        listen: Address and port.
        protocols: The offered protocols.
        statements: Whether consumers may send statements of their own over REST.
        sockets: Folder of the sockets.
    """
    upstream = f"unix/{Place(gateway / SERVING, sockets).web_socket / WEB_SOCKET}"
    api = {
        "listen": [listen],
        "automatic_https": {"disable": True},
        "logs": {},
        "routes": [
            {"handle": [_authentication(entries, realm)]},
            {
                "match": _offered(protocols, statements=statements),
                "handle": [_ROWS_LOGGED, _proxy(upstream)],
                "terminal": True,
            },
            {"handle": [{"handler": "static_response", "status_code": 404, "body": "not offered here\n"}]},
        ],
    }
    document = {
        "admin": {"listen": f"unix/{sockets / ADMIN_SOCKET}|0600", "config": {"persist": False}},
        "logging": {"logs": _logs(gateway)},
        "storage": {"module": "file_system", "root": str(gateway / "caddy")},
        "apps": {"http": {"servers": {"api": api}}},
    }
    return json.dumps(document, indent=1) + "\n"


def _logs(gateway: Path) -> dict[str, Any]:
    requests = "http.log.access"
    return {
        "default": {"level": "WARN", "exclude": [requests]},
        "requests": {
            "include": [requests],
            "writer": {
                "output": "file",
                "filename": str(gateway / ACCESS_LOG),
                "mode": "0600",
                "roll_size_mb": _LOG_MEGABYTES,
                "roll_keep": _LOGS_KEPT,
            },
            "encoder": {
                "format": "filter",
                "wrap": {"format": "json"},
                "fields": {
                    "request>headers": {"filter": "delete"},
                    "resp_headers": {"filter": "delete"},
                    # Names of parameters are enough to see what was asked. Values may be data, or a password.
                    "request>uri": {"filter": "regexp", "regexp": "=[^&]*", "value": "="},
                },
            },
        },
    }


def _authentication(entries: Sequence[Entry], realm: str) -> dict[str, Any]:
    accounts = [{"username": entry.user, "password": entry.bcrypt} for entry in entries]
    basic = {"hash": {"algorithm": "bcrypt"}, "hash_cache": {}, "realm": realm, "accounts": accounts}
    return {"handler": "authentication", "providers": {"http_basic": basic}}


def _offered(protocols: Sequence[Protocol], *, statements: bool) -> list[dict[str, Any]]:
    """The forwarded paths. All others are refused."""
    matches: list[dict[str, Any]] = [{"path": list(_DESCRIBED), "method": ["GET", "HEAD"]}]
    if "rest" in protocols:
        matches.append({"path": ["/api/tables/*"], "method": ["GET", "HEAD"]})
        if statements:
            matches.append({"path": ["/api/sql"], "method": ["POST"]})
    if "graphql" in protocols:
        matches.append({"path": ["/api/graphql"], "method": ["POST"]})
        matches.append({"path": ["/api/graphql/schema"], "method": ["GET", "HEAD"]})
    return matches


def _proxy(upstream: str) -> dict[str, Any]:
    # `set` replaces all values of a header, also those that a client sent.
    request = {"delete": ["Authorization"], "set": {CONSUMER_HEADER: ["{http.auth.user.id}"]}}
    return {"handler": "reverse_proxy", "upstreams": [{"dial": upstream}], "headers": {"request": request}}


def pgbouncer_configuration(
    gateway: Path, entries: Sequence[Entry], *, host: str, port: int, sockets: Path, limits: Limits
) -> str:
    """The configuration of PgBouncer. Its users and rules are in separate files.

    Each user has one database of its own name here, which leads to the serving copy with the role of the same name.
    """
    place = Place(gateway / SERVING, sockets)
    lines = [
        "[databases]",
        *(_database(place, entry) for entry in entries if not is_reserved(entry.user)),
        "",
        "[pgbouncer]",
        f"listen_addr = {host}",
        f"listen_port = {port}",
        f"unix_socket_dir = {console_folder(sockets)}",
        "unix_socket_mode = 0700",
        "auth_type = hba",
        f"auth_hba_file = {gateway / 'pgbouncer.rules'}",
        f"auth_file = {gateway / 'pgbouncer.users'}",
        "pool_mode = session",
        "server_reset_query = DISCARD ALL",
        "server_check_query =",
        "server_idle_timeout = 60",
        "server_login_retry = 0.2",
        f"default_pool_size = {limits.connections}",
        # PostgreSQL's own limits come first, with better messages; a consumer can change those.
        f"query_timeout = {limits.statement_seconds + _GRACE_SECONDS:g}",
        f"idle_transaction_timeout = {limits.idle_transaction_seconds + _GRACE_SECONDS:g}",
        f"max_client_conn = {_CLIENTS_MAX}",
        f"ignore_startup_parameters = {', '.join(_IGNORED_PARAMETERS)}",
        f"pkt_buf = {_BUFFER_BYTES}",
        "stats_period = 600",
        *pooler_tls(place),
    ]
    return "\n".join(lines) + "\n"


def _database(place: Place, entry: Entry) -> str:
    """The database of a user, which leads to its role in the serving copy."""
    user = entry.user
    if place.managed is not None:
        return pooler_database(place, user, entry.scram or "")
    upstream = str(place.consumers_socket).replace("'", "''")
    return f"{user} = host='{upstream}' port={PORT} dbname={DATABASE} user={user}"


def pgbouncer_rules() -> str:
    """Each user, from any address, can sign in by SCRAM to the database of the same name.

    PgBouncer rejects all others.
    """
    return "".join(f"host sameuser all {anywhere} scram-sha-256\n" for anywhere in ("0.0.0.0/0", "::/0"))


def pgbouncer_users(entries: Sequence[Entry]) -> str:
    """The hashes that PgBouncer checks credentials with."""
    return "".join(f'"{entry.user}" "{entry.scram}"\n' for entry in entries)


def console_folder(sockets: Path) -> Path:
    """The folder of PgBouncer's admin console.

    Its own user signs in as ``pgbouncer``: ``RELOAD``, or ``SHOW STATS``, by consumer.
    """
    return sockets / "console"
