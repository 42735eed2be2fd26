"""The HTTP API, version 1: reports of observations. Its description is at ``/openapi.json``, a page at ``/docs``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import BackgroundTasks, Body, Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from alchemesh_platform import __version__
from alchemesh_platform.access.rights import NotAllowed
from alchemesh_platform.app.mesh.incidents import send_news
from alchemesh_platform.app.mesh.metrics import check_reads_metrics, metrics
from alchemesh_platform.app.product.report import add_received
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.exports.prometheus import CONTENT_TYPE, exposition
from alchemesh_platform.identity.identity import Identity
from alchemesh_platform.identity.issuer import ProviderUnavailable
from alchemesh_platform.identity.token import TokenRefused, verify
from alchemesh_platform.measures.report import REPORTS_MAX, Report
from alchemesh_platform.registry.unavailable import RegistryUnavailable
from alchemesh_platform.server.limits import BodyLimit

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.store import Registry

TITLE = "Alchemesh"
RETRY_SECONDS = "5"
_bearer = HTTPBearer(auto_error=False, description="A token of the platform's identity provider.")


class Problem(BaseModel):
    """The reason why a request was refused, and the next step."""

    message: str
    hint: str | None = None


class RefusedReport(BaseModel):
    """A refused report."""

    index: int = Field(description="Its place in the request, from 0.")
    id: str | None = Field(description="Its id; null if it cannot be read.")
    reason: str


class Received(BaseModel):
    """The result of a request with reports. Each report is accepted, known already, or refused."""

    accepted: list[str] = Field(description="Ids of the new reports.")
    repeated: list[str] = Field(description="Ids of the reports that were accepted before.")
    refused: list[RefusedReport]


class Unauthorized(Exception):
    """Raised for a request without a valid token."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "The request has no valid token."},
    400: {"model": Problem, "description": "The body is no JSON."},
    408: {"model": Problem, "description": "The request did not arrive in time."},
    413: {"model": Problem, "description": "The request is too large."},
    422: {"model": Problem, "description": "The body is no list of reports."},
    500: {"model": Problem, "description": "The server cannot judge the request, as a library is missing there."},
    503: {"model": Problem, "description": "The registry or the identity provider is away. Send it again later."},
}


_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}}, "description": "Metrics in the text format of Prometheus."},
    403: {"model": Problem, "description": "The mesh does not know the caller."},
    **{status: _PROBLEMS[status] for status in (401, 500, 503)},
}
_ALL_PRODUCTS: list[str] = []


def caller(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Identity:
    """The verified identity of the caller.

    Raises:
        Unauthorized: when the request has no valid token.
    """
    if given is None or not given.credentials:
        raise Unauthorized("the request has no bearer token")
    try:
        return verify(given.credentials, request.app.state.platform.identity)
    except TokenRefused as error:
        raise Unauthorized(error.message) from None


def create_api(platform: Platform, open_registry: Callable[[], Registry]) -> FastAPI:
    """The API of an environment.

    Args:
        platform: The environment. Its identity provider issues the tokens.
        open_registry: Opens the registry; called for each request.
    """
    about = f"The mesh in environment {platform.environment}."
    api = FastAPI(title=TITLE, version=__version__, description=about, redirect_slashes=False)
    api.add_middleware(BodyLimit)

    api.state.platform = platform

    @api.post("/v1/reports", responses=_PROBLEMS, summary="Report observations", openapi_extra={"requestBody": _body()})
    def receive(
        identity: Annotated[Identity, Depends(caller)], body: Annotated[Any, Body()], later: BackgroundTasks
    ) -> Received:
        """Add reports of observations. A report is accepted once, however often it is sent.

        A caller may report about the products that it may operate. Each report is judged alone: a refused one does not
        affect the others.
        """
        reports = body.get("reports") if isinstance(body, Mapping) else None
        if isinstance(body, bytes):  # FastAPI parses no other type
            raise NoReports("expected the header Content-Type: application/json")
        if not isinstance(reports, list) or not reports:
            raise NoReports('expected {"reports": [...]} with at least one report')
        if len(reports) > REPORTS_MAX:
            raise NoReports(f"found {len(reports):,} reports, expected at most {REPORTS_MAX:,}")
        with open_registry() as registry:
            done = add_received(registry, platform.environment, identity, reports)
        refused = [RefusedReport(index=at, id=key, reason=reason) for at, key, reason in done.refused]
        later.add_task(send_news, platform)  # after the answer: a receiver that is down delays no report
        return Received(accepted=list(done.accepted), repeated=list(done.repeated), refused=refused)

    @api.get("/metrics", responses=_METRICS, response_class=Response, summary="Metrics for Prometheus")
    def read_metrics(
        identity: Annotated[Identity, Depends(caller)], product: Annotated[list[str], Query()] = _ALL_PRODUCTS
    ) -> Response:
        """The newest values of measures, the verdicts on commitments and the numbers of open incidents, as metrics.

        Values that are unknown, stale or failed have no sample of their own. Each value has the time of its
        measurement beside it.
        """
        with open_registry() as registry:
            check_reads_metrics(registry, platform.environment, identity)
            samples = metrics(registry, platform.environment, product)
        return Response(exposition(samples), media_type=CONTENT_TYPE)

    @api.get("/health", summary="Whether the server and its registry answer", responses={503: _PROBLEMS[503]})
    def health() -> dict[str, str]:
        """Whether the server can reach its registry."""
        with open_registry() as registry:
            registry.now()
        return {"environment": platform.environment, "version": __version__}

    _handle_failures(api)
    return api


class NoReports(Failure):
    """Raised when the body of a request is no list of reports."""


def _body() -> dict[str, Any]:
    """The description of the body, which is read report by report."""
    schema = Report.model_json_schema()
    definitions = schema.pop("$defs", {})
    described = json.loads(json.dumps(schema).replace("#/$defs/", "#/components/schemas/"))
    reports = {"type": "array", "minItems": 1, "maxItems": REPORTS_MAX, "items": described}
    content = {"type": "object", "required": ["reports"], "properties": {"reports": reports}, **definitions}
    return {"required": True, "content": {"application/json": {"schema": content}}}


def _handle_failures(api: FastAPI) -> None:
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    @api.exception_handler(Unauthorized)
    def _unauthorized(_request: Request, error: Unauthorized) -> JSONResponse:
        return _problem(401, error.message, headers={"WWW-Authenticate": "Bearer"})

    @api.exception_handler(RegistryUnavailable)
    @api.exception_handler(ProviderUnavailable)
    def _away(_request: Request, error: Failure) -> JSONResponse:
        return _problem(503, error.message, headers={"Retry-After": RETRY_SECONDS})

    @api.exception_handler(NotAllowed)
    def _forbidden(_request: Request, error: Failure) -> JSONResponse:
        return _problem(403, error.message)

    @api.exception_handler(Failure)
    def _failed(_request: Request, error: Failure) -> JSONResponse:
        return _problem(500, error.message)

    @api.exception_handler(NoReports)
    def _no_reports(_request: Request, error: Failure) -> JSONResponse:
        return _problem(422, error.message)

    @api.exception_handler(HTTPException)
    def _refused(_request: Request, error: HTTPException) -> JSONResponse:
        unreadable = error.status_code == HTTPStatus.BAD_REQUEST  # the one that FastAPI raises itself
        message = "the body is no JSON of reports" if unreadable else str(error.detail).lower()
        return _problem(error.status_code, message, headers=error.headers)

    @api.exception_handler(RequestValidationError)
    def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        found = error.errors()[0]
        return _problem(422, f"{'.'.join(map(str, found['loc']))}: {found['msg']}")


def _problem(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"message": message, "hint": None}, status, headers=dict(headers or {}))
