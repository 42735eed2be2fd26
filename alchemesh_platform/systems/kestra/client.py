"""The REST API of Kestra: flows, executions and their logs.

Kestra's own client for Python is not used: it has no time limits by default, retries nothing, and imports hundreds of
models (docs/adr/0081-kestra.md). Paths and answers are those of Kestra's OpenAPI.

Source: https://kestra.io/docs/api-reference/open-source, kestra-ee.yml of https://github.com/kestra-io/client-sdk
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.printable import one_line
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretRef, resolve

if TYPE_CHECKING:
    import httpx

EXTRA = "alchemesh-platform[orchestrators]"
TENANT = "main"  # the only one of the open source edition
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
TRIES = 4  # of reading; a change is sent once
OLDEST = (1, 0)  # the first version whose paths have a tenant in every edition
ACTIONS = (
    2,
    0,
)  # https://kestra.io/docs/migration-guide: from 2.0 on, actions on an execution have a path of their own
_BUSY = frozenset({502, 503, 504})
_MESSAGE_MAX = 2000
_YAML = {"Content-Type": "application/x-yaml"}


class KestraFailed(Failure):
    """Raised when Kestra does not answer, or refuses a request. It holds Kestra's answer."""


class NotThere(KestraFailed):
    """Raised when Kestra has no such flow or execution."""


class Invalid(KestraFailed):
    """Raised when Kestra refuses a flow. ``reason`` has Kestra's own words."""

    reason = ""


class Finished(KestraFailed):
    """Raised when an execution has ended already."""


class Place(BaseModel):
    """A Kestra server, and the platform's login at it, with references to secrets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(description="Address of the server, as a browser opens it.")
    tenant: str = Field(default=TENANT, description="Tenant of the flows.")
    username: str | None = Field(default=None, description="User, with a password.")
    password: SecretRef | None = Field(default=None, description="The user's password.")
    token: SecretRef | None = Field(default=None, description="An API token of the enterprise edition.")
    ca_file: str | None = Field(default=None, description="PEM file of the authorities that may sign its certificate.")


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as Kestra has it.

    Args:
        source: Its YAML, as it was written.
        revision: Number of the revision, from 1.
        labels: Its labels.
        is_disabled: Whether it does not start.
    """

    namespace: str
    id: str
    source: str
    revision: int
    labels: Mapping[str, str]
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution of a flow.

    Args:
        state: Kestra's name of its state: ``RUNNING``.
        trigger: Id of the trigger that started it; None if a person or a program did.
    """

    id: str
    state: str
    labels: Mapping[str, str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    trigger: str | None


class Kestra:
    """A client of one Kestra server. It asks for the server's version before the first other request.

    Args:
        place: The server and the login.
        environ: Environment variables that hold the secrets.

    Raises:
        KestraFailed: when the client for HTTP is not installed, or the file of authorities cannot be read.
        SecretMissing: when a secret of the login has no value.
    """

    def __init__(self, place: Place, environ: Mapping[str, str]) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise KestraFailed("the client of Kestra is not installed", hint=install_command(EXTRA)) from error
        self.address = place.address.rstrip("/")
        self._api = f"/api/v1/{quote(place.tenant, safe='')}"
        self._http = httpx.Client(
            base_url=self.address,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            verify=_trusted(place.ca_file),
        )
        if place.token is not None:
            self._http.headers["Authorization"] = f"Bearer {resolve(place.token, environ)}"
        elif place.username is not None and place.password is not None:
            self._http.auth = httpx.BasicAuth(place.username, resolve(place.password, environ))
        self._version: str | None = None

    @property
    def version(self) -> str:
        """The version of the server.

        Raises:
            KestraFailed: when the server is no Kestra, or too old.
        """
        if self._version is None:
            found = self._ask("GET", "/api/v1/configs")
            version = found.get("version") if isinstance(found, dict) else None
            if not isinstance(version, str):
                raise KestraFailed(f"{self.address} is no Kestra: its answer has no version", hint=_ADDRESS)
            if _numbers(version) < OLDEST:
                raise KestraFailed(
                    f"Kestra at {self.address} is {version}, expected {'.'.join(map(str, OLDEST))} or newer",
                    hint="update the server, or set settings.kestra.address to a newer one",
                )
            self._version = version
        return self._version

    def validate(self, source: str) -> str | None:
        """Kestra's objection to the source of a flow; None if it accepts the flow."""
        found = self._ask("POST", f"{self._at()}/flows/validate", content=source.encode(), headers=_YAML)
        return next((str(each["constraints"]) for each in found if each.get("constraints")), None)

    def flow(self, namespace: str, flow: str) -> Flow | None:
        """A flow; None if there is none."""
        try:
            return _flow(self._ask("GET", self._flow_path(namespace, flow), params={"source": "true"}))
        except NotThere:
            return None

    def create(self, source: str) -> Flow:
        """Create a flow.

        Raises:
            Invalid: when Kestra refuses it.
        """
        return _flow(self._ask("POST", f"{self._at()}/flows", content=source.encode(), headers=_YAML))

    def update(self, namespace: str, flow: str, source: str) -> Flow:
        """Give a flow a new source.

        Raises:
            Invalid: when Kestra refuses it.
            NotThere: when there is no such flow.
        """
        return _flow(self._ask("PUT", self._flow_path(namespace, flow), content=source.encode(), headers=_YAML))

    def delete(self, namespace: str, flow: str) -> None:
        """Delete a flow. Its executions stay in Kestra."""
        self._ask("DELETE", self._flow_path(namespace, flow))

    def execute(
        self, namespace: str, flow: str, *, inputs: Mapping[str, str] | None, labels: Mapping[str, str]
    ) -> Execution:
        """Start an execution.

        Args:
            inputs: Values of the flow's inputs; None for a flow without inputs.
            labels: Labels of the execution.
        """
        path = f"{self._at()}/executions/{quote(namespace, safe='')}/{quote(flow, safe='')}"
        params = [("labels", f"{name}:{value}") for name, value in labels.items()]
        files = {name: (None, value) for name, value in (inputs or {}).items()}
        return _execution(self._ask("POST", path, params=params, **({"files": files} if files else {})))

    def execution(self, execution: str) -> Execution:
        """An execution.

        Raises:
            NotThere: when there is none.
        """
        return _execution(self._ask("GET", f"{self._at()}/executions/{quote(execution, safe='')}"))

    def executions(self, namespace: str, flow: str, size: int = 100, page: int = 1) -> list[Execution]:
        """The newest executions of a flow, the newest first: those of a page, from 1."""
        params = {
            "filters[namespace][EQUALS]": namespace,
            "filters[flowId][EQUALS]": flow,
            "size": str(size),
            "page": str(page),
            "sort": "state.startDate:desc",
        }
        found = self._ask("GET", f"{self._at()}/executions/search", params=params)
        return [_execution(each) for each in found.get("results", [])]

    def kill(self, execution: str) -> None:
        """End an execution, with the processes of its tasks. Does nothing if it has ended."""
        action = "actions/kill" if _numbers(self.version) >= ACTIONS else "kill"
        try:
            self._ask("DELETE", f"{self._at()}/executions/{quote(execution, safe='')}/{action}")
        except Finished:
            return

    def log(self, execution: str) -> list[tuple[str, str]]:
        """The log of an execution: level and message of each line, the oldest first."""
        found = self._ask("GET", f"{self._at()}/logs/{quote(execution, safe='')}")
        lines = sorted(found, key=lambda each: str(each.get("timestamp", "")))
        return [(str(each.get("level", "INFO")), str(each.get("message", ""))) for each in lines]

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def page_of_execution(self, namespace: str, flow: str, execution: str) -> str:
        """Address of an execution's page."""
        tenant = self._api.rpartition("/")[2]
        return f"{self.address}/ui/{tenant}/executions/{quote(namespace)}/{quote(flow)}/{quote(execution)}"

    def _at(self) -> str:
        """The path of the tenant. The version is asked first."""
        assert self.version  # noqa: S101 - raises for a server that is no Kestra
        return self._api

    def _flow_path(self, namespace: str, flow: str) -> str:
        return f"{self._at()}/flows/{quote(namespace, safe='')}/{quote(flow, safe='')}"

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        """One request. Reading is tried again while the server starts or is busy; a change is sent once."""
        import httpx
        from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_attempt, wait_exponential

        reads = method == "GET"
        busy = retry_if_result(lambda answer: reads and answer.status_code in _BUSY)
        retrying = Retrying(
            retry=busy | retry_if_exception_type(httpx.TransportError if reads else httpx.ConnectError),
            stop=stop_after_attempt(TRIES if reads else 2),
            wait=wait_exponential(multiplier=0.2, max=2),
            retry_error_callback=lambda state: (
                state.outcome.result() if state.outcome else None
            ),  # raises an error again
        )
        try:
            answer: httpx.Response = retrying(self._http.request, method, path, **options)
        except httpx.HTTPError as error:
            raise KestraFailed(
                f"Kestra at {self.address} does not answer: {one_line(str(error)) or type(error).__name__}",
                hint=remedy(
                    "start it, or correct settings.kestra.address in the platform file. {} resumes", command("up")
                ),
            ) from error
        except httpx.InvalidURL as error:
            raise KestraFailed(f"{self.address} is no address: {error}", hint=_ADDRESS) from error
        if answer.is_success:
            return _json(answer, self.address) if answer.content else None
        raise _refused(answer, self.address, method, path)


_ADDRESS = "set settings.kestra.address to the address that a browser opens, without /ui or /api"


def _trusted(ca_file: str | None) -> Any:
    if ca_file is None:
        return True
    import ssl

    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise KestraFailed(
            f"the authorities {ca_file} cannot be read: {error}", hint="set settings.kestra.ca_file to a PEM file"
        ) from error


def _json(answer: httpx.Response, address: str) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise KestraFailed(f"{address} is no Kestra: its answer is no JSON", hint=_ADDRESS) from error


def _refused(answer: httpx.Response, address: str, method: str, path: str) -> KestraFailed:
    status, said = answer.status_code, _message(answer)
    if status == 401:  # noqa: PLR2004 - the status of HTTP
        return KestraFailed(
            f"Kestra at {address} does not know who we are",
            hint="set settings.kestra.username and settings.kestra.password, or settings.kestra.token",
        )
    if status == 403:  # noqa: PLR2004
        return KestraFailed(
            f"Kestra at {address} does not allow {method} {path}: {said}",
            hint="an administrator of Kestra grants the rights FLOW and EXECUTION in the namespace",
        )
    if status == 404:  # noqa: PLR2004
        return NotThere(f"Kestra at {address} has no {path}", hint=_ADDRESS)
    if status == 409:  # noqa: PLR2004
        return Finished(f"Kestra at {address} refuses {method} {path}: {said}")
    if status == 422:  # noqa: PLR2004
        invalid = Invalid(f"Kestra refuses the flow: {said}")
        invalid.reason = said
        return invalid
    hint = "try again later" if status in _BUSY or status == 429 else None  # noqa: PLR2004
    return KestraFailed(f"Kestra at {address} answers {method} {path} with {status}: {said}", hint=hint)


def _message(answer: httpx.Response) -> str:
    try:
        found = json.loads(answer.text)
    except ValueError:
        return answer.text.strip()[:_MESSAGE_MAX] or "nothing more"
    message = found.get("message") if isinstance(found, dict) else None
    return str(message or answer.text)[:_MESSAGE_MAX]


def _numbers(version: str) -> tuple[int, int]:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _labels(given: Any) -> dict[str, str]:
    """Labels; Kestra writes a list, and reads a mapping too."""
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    pairs: Sequence[Any] = given or ()
    return {str(each["key"]): str(each["value"]) for each in pairs}


def _flow(found: Mapping[str, Any]) -> Flow:
    return Flow(
        namespace=found["namespace"],
        id=found["id"],
        source=found.get("source") or "",
        revision=found.get("revision") or 1,
        labels=_labels(found.get("labels")),
        is_disabled=bool(found.get("disabled")),
    )


def _execution(found: Mapping[str, Any]) -> Execution:
    state = found["state"]
    began = next((each["date"] for each in state.get("histories", ()) if each["state"] == "RUNNING"), None)
    trigger = found.get("trigger") or {}
    return Execution(
        id=found["id"],
        state=state["current"],
        labels=_labels(found.get("labels")),
        created_at=datetime.fromisoformat(state["startDate"]),
        started_at=None if began is None else datetime.fromisoformat(began),
        finished_at=datetime.fromisoformat(state["endDate"]) if state.get("endDate") else None,
        trigger=trigger.get("id") if isinstance(trigger, Mapping) else None,
    )
