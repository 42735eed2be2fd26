"""Errors of requests: problem documents of RFC 9457, with the parameter and the fix.

Source: https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
from starlette.responses import Response

from alchemesh_platform.base.problems import did_you_mean

MEDIA_TYPE = "application/problem+json"
CLIENT_LEFT = 499  # of no client: it only appears in the log


class Problem(Exception):
    """Raised when a request cannot be answered.

    Args:
        status: Status of HTTP.
        detail: The found and the expected value.
        parameter: Parameter at fault, if one is.
        hint: The fix, as an instruction.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        parameter: str | None = None,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.parameter = parameter
        self.hint = hint
        self.headers = headers or {}
        super().__init__(detail)

    def document(self) -> dict[str, Any]:
        """The problem as one JSON object."""
        members = {"parameter": self.parameter, "hint": self.hint}
        return {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            **{name: value for name, value in members.items() if value is not None},
        }

    def response(self) -> Response:
        """The answer of HTTP."""
        return Response(json.dumps(self.document()), self.status, self.headers, MEDIA_TYPE)


# The errors that `problem_of` explains. Any other one is a fault of the server.
KNOWN = (Problem, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


def bad_parameter(parameter: str, detail: str, hint: str | None = None) -> Problem:
    """A parameter that is not as expected."""
    return Problem(HTTPStatus.BAD_REQUEST, f"{parameter}: {detail}", parameter=parameter, hint=hint)


def unknown(parameter: str, what: str, found: str, allowed: Sequence[str]) -> Problem:
    """A name that does not exist, with the closest one that does."""
    hint = did_you_mean(found, allowed)
    return bad_parameter(parameter, f"there is no {what} {found[:100]!r}", None if hint is None else str(hint))


def no_table(found: str, allowed: Sequence[str]) -> Problem:
    """A table that is not served."""
    hint = did_you_mean(found, allowed)
    return Problem(HTTPStatus.NOT_FOUND, f"there is no table {found[:100]!r}", hint=None if hint is None else str(hint))


def not_loaded(detail: str = "the table is not loaded yet") -> Problem:
    """A table whose rows come in a moment."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, hint="try again in a moment", headers={"Retry-After": "2"})


def problem_of(error: Exception, statement_seconds: float) -> Problem:
    """The problem of an error of PostgreSQL or of its driver, without the server's own names."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, asyncpg.QueryCanceledError):
        return Problem(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"the statement took longer than {statement_seconds:g} s",
            hint="ask for fewer rows: add a filter, sort by the key, or follow the cursor",
        )
    if isinstance(error, asyncpg.InsufficientPrivilegeError) and "database" in str(error):
        return not_loaded()
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return Problem(HTTPStatus.FORBIDDEN, f"the consumer has no grant: {error.args[0]}")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidParameterValueError) and (
        "role" in str(error)
    ):
        return Problem(HTTPStatus.FORBIDDEN, "the consumer has no grant")
    if isinstance(error, asyncpg.UndefinedTableError):
        return not_loaded()
    if isinstance(error, asyncpg.UndefinedColumnError | asyncpg.InvalidCatalogNameError):
        return not_loaded("the table changes")
    if isinstance(error, asyncpg.DataError):
        return Problem(HTTPStatus.BAD_REQUEST, f"a value does not fit: {error}")
    if isinstance(error, asyncpg.DiskFullError | asyncpg.OutOfMemoryError | asyncpg.ConfigurationLimitExceededError):
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the statement needs more than it may use: {error}",
            hint="ask for fewer rows, or sort by the key",
        )
    if isinstance(error, _GONE):
        return no_answer()
    if isinstance(error, asyncpg.PostgresError):
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"the serving copy refused the statement: {error}")
    if isinstance(error, OSError | asyncpg.InterfaceError):
        return no_answer()
    raise error


def no_answer() -> Problem:
    """PostgreSQL does not answer at the moment."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the serving copy does not answer",
        hint="try again in a moment",
        headers={"Retry-After": "2"},
    )


# PostgreSQL starts, ends, or has no place.
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


def with_state(state: str | None, message: str) -> asyncpg.PostgresError:
    """An error of PostgreSQL that another driver reports, by its SQLSTATE.

    Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    known: dict[str, type[asyncpg.PostgresError]] = {
        "57014": asyncpg.QueryCanceledError,
        "42501": asyncpg.InsufficientPrivilegeError,
        "42P01": asyncpg.UndefinedTableError,
        "22": asyncpg.DataError,
        "53300": asyncpg.TooManyConnectionsError,
        "53": asyncpg.OutOfMemoryError,
        "08": asyncpg.PostgresConnectionError,
    }
    code = state or ""
    return known.get(code, known.get(code[:2], asyncpg.PostgresError))(message)
