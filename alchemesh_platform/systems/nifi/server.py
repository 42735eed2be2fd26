"""A client of NiFi servers, 1.x and 2.x: nipyapi's client over urllib3's pools, with plain JSON.

The REST interface is the same in both (https://nifi.apache.org/nifi-docs/rest-api.html). nipyapi generates its methods
for 2.x, with numbers that change with its version (``update_run_status5``), and its models reject values of 1.x. So
this module calls its client with the paths of the documentation.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.base.secrets import SecretRef, resolve

T = TypeVar("T")
Json = Any

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
WAIT_SECONDS = 120.0  # for a restart of the server, and for its background work
LOGIN_SECONDS = 120.0  # for the key with which NiFi signs logins: 3 s on an idle machine
LONGEST_PAUSE_SECONDS = 2.0
_FIRST_CALL_RETRIES = 3  # pauses of 0, 1 and 2 s
_RETRIES = 9  # pauses of up to 15 s: 76 s in total, enough for a restart
_LOUD = ("nifi", "registry", "urllib3")  # nipyapi's configuration.py
_BUSY = (502, 503, 504)
_UNSURE = 500  # from this status on, the server may have made the change
_NO_KEY = "Signer not configured"  # StandardJwsSignerProvider; NiFi answers a few seconds before it has created its key
_MESSAGE_MAX = 500  # maximum length of an answer without an explanation

SecretText = str | SecretRef


class NifiFailed(Failure):
    """Raised when NiFi rejects a request. It holds NiFi's answer."""


class Conflict(NifiFailed):
    """Raised on a conflict: another client changed the entity, or its state does not allow the change."""


class NotFound(NifiFailed):
    """Raised when the entity does not exist. ``answer`` is NiFi's answer."""

    answer = ""


class Login(BaseModel):
    """Our login at a NiFi server: a user, a token, a client certificate, or none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str | None = Field(default=None, description="User, with a password.")
    password: SecretText | None = Field(default=None, description="The user's password, or {secret: NAME}.")
    token: SecretText | None = Field(default=None, description="A bearer token, or {secret: NAME}.")
    ca_file: str | None = Field(default=None, description="PEM file of the authorities that may sign its certificate.")
    client_certificate: str | None = Field(default=None, description="File of a client certificate (PEM).")
    client_key: str | None = Field(default=None, description="File of its key (PEM), not encrypted.")


class Server:
    """A NiFi server. It is not thread-safe.

    Args:
        url: Address of its REST interface: ``https://host/nifi-api``.
        login: Our login.
        stop: Set it to end every wait.

    Attributes:
        changed: Whether this client may have changed the server: NiFi accepted a change, or its answer did not arrive.

    Raises:
        NifiFailed: when it does not answer, or rejects the login.
        SecretMissing: when a referenced secret has no value in the environment.
    """

    def __init__(self, url: str, login: Login | None = None, stop: threading.Event | None = None) -> None:
        login = login or Login()
        self.url = url.rstrip("/")
        self.stop = stop or threading.Event()
        self.changed = False
        self._client = _api_client(self.url, login, _FIRST_CALL_RETRIES)
        if login.token is not None:
            self._authorise(secret_text(login.token))
        elif login.username is not None:
            self._authorise(self._log_in(login.username, secret_text(login.password or "")))
        self.version: str = self.get("/flow/about")["about"]["version"]
        # The server has answered. If it stops answering, it is restarting, so wait for it.
        self._client.rest_client.pool_manager = _pool(login, _RETRIES)

    @property
    def major(self) -> int:
        """1 or 2."""
        return int(self.version.split(".")[0])

    def get(self, path: str, **query: str) -> Json:
        """Read. Raises NifiFailed, NotFound."""
        return self._call("GET", path, query=query)

    def post(self, path: str, body: Json) -> Json:
        """Create an entity. Raises NifiFailed, Conflict, NotFound."""
        return self._call("POST", path, body=body)

    def put(self, path: str, body: Json) -> Json:
        """Change. Raises NifiFailed, Conflict, NotFound."""
        return self._call("PUT", path, body=body)

    def delete(self, path: str, revision: Mapping[str, Any] | None = None) -> None:
        """Delete an entity. A missing one is no error. Raises NifiFailed, Conflict."""
        try:
            self._call("DELETE", path, query={"version": str((revision or {}).get("version", 0))})
        except NotFound:
            return

    def change(self, path: str, edit: Callable[[Json], Json | None]) -> Json:
        """Read an entity, edit it and write it. If another client changed it meanwhile, start again.

        Args:
            path: Path of the entity.
            edit: Function from the entity to the body, whose revision is filled in; None if there is nothing to change.

        Returns:
            The current entity.

        Raises:
            NotFound: when the entity does not exist.
            NifiFailed: when the change refers to something that does not exist.
        """

        def attempt() -> Json:
            found = self.get(path)
            body = edit(found)
            if body is None:
                return found
            try:
                return self.put(path, {"revision": found["revision"], **body})
            except NotFound as error:
                self.get(path)  # the entity exists, so the change refers to something that does not exist
                name = found["component"]["name"]
                raise NifiFailed(
                    f"NiFi at {self.url} does not take what is declared of {name!r}: {error.answer}",
                    hint="it refers to something that NiFi does not have, by its id",
                ) from error

        return self.insist(attempt)

    def insist(self, act: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
        """Repeat a request while NiFi answers with a conflict. Raises the last conflict after the time limit."""
        from tenacity import retry_if_exception_type

        return self._repeat(act, retry_if_exception_type(Conflict), seconds)

    def wait(self, ask: Callable[[], T], until: Callable[[T], bool], seconds: float = WAIT_SECONDS) -> T:
        """Repeat a question until its answer meets a condition.

        Returns the last answer, also after the time limit or a stop.
        """
        from tenacity import retry_if_result

        return self._repeat(ask, retry_if_result(lambda answer: not until(answer)), seconds)

    def _repeat(self, act: Callable[[], T], condition: Any, seconds: float) -> T:
        from tenacity import Retrying, sleep_using_event, stop_after_delay, stop_when_event_set, wait_exponential

        retrying = Retrying(
            retry=condition,
            wait=wait_exponential(multiplier=0.05, max=LONGEST_PAUSE_SECONDS),
            stop=stop_after_delay(seconds) | stop_when_event_set(self.stop),
            sleep=sleep_using_event(self.stop),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        return retrying(act)

    def _authorise(self, token: str) -> None:
        self._client.set_default_header("Authorization", f"Bearer {token}")

    def _log_in(self, username: str, password: str) -> str:
        # https://nifi.apache.org/nifi-docs/administration-guide.html#user_authentication
        form = {"username": username, "password": password}
        return self.insist(lambda: str(self._call("POST", "/access/token", form=form, answer="str")), LOGIN_SECONDS)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Json = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        answer: str = "object",
    ) -> Json:
        from nipyapi.nifi.rest import ApiException
        from urllib3.exceptions import HTTPError, SSLError

        kind = "application/x-www-form-urlencoded" if form is not None else "application/json"
        changes = method != "GET" and form is None
        try:
            found = self._client.call_api(
                path,
                method,
                header_params={"Content-Type": kind, "Accept": "*/*"},
                query_params=dict(query or {}),
                post_params=dict(form) if form is not None else None,
                body=body,
                response_type=answer,
                _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS),  # without a time limit here, its client sets none
                _return_http_data_only=True,
            )
        except ApiException as error:
            self.changed = self.changed or (changes and error.status >= _UNSURE)
            raise _explained(error, method, path, self.url, form is not None) from error
        except HTTPError as error:
            if isinstance(getattr(error, "reason", None), SSLError):
                raise _untrusted(error, self.url) from error
            self.changed = self.changed or changes
            raise NifiFailed(
                f"NiFi at {self.url} does not answer: {_reason(error)}",
                hint=remedy(
                    "is it running, and reachable from here? The changes made so far are kept: {} resumes",
                    command("up"),
                ),
            ) from error
        self.changed = self.changed or changes
        return found


def _api_client(url: str, login: Login, retries: int) -> Any:
    try:
        from nipyapi.nifi import ApiClient
    except ModuleNotFoundError as error:
        raise NifiFailed(
            "the NiFi client for Python is not installed", hint=install_command("alchemesh-platform[nifi]")
        ) from error
    client = ApiClient(host=url)
    _silence()
    client.rest_client.pool_manager = _pool(login, retries)
    return client


def _silence() -> None:
    """Undo an effect of importing nipyapi: its loggers write to stderr, between the lines of the command's output."""
    from nipyapi.nifi.configuration import Configuration

    layout = Configuration().logger_format
    for name in _LOUD:
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, logging.StreamHandler) and getattr(handler.formatter, "_fmt", None) == layout:
                logger.removeHandler(handler)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())


def _pool(login: Login, retries: int) -> Any:
    """A pool that retries: always if nothing was sent, otherwise only reads."""
    from urllib3 import PoolManager, Retry

    policy = Retry(
        connect=retries,
        read=retries,
        status=retries,
        other=0,
        allowed_methods={"GET"},
        status_forcelist=_BUSY,
        backoff_factor=0.5,
        backoff_max=15,
        raise_on_status=False,
    )
    certificates = (login.client_certificate, login.client_key) if login.client_certificate else (None, None)
    return PoolManager(
        retries=policy,
        ca_certs=login.ca_file,
        cert_file=certificates[0],
        key_file=certificates[1],
    )


def secret_text(secret: SecretText) -> str:
    """The text of a secret. A reference is resolved. Raises SecretMissing."""
    return resolve(secret) if isinstance(secret, SecretRef) else secret


def _explained(error: Any, method: str, path: str, url: str, is_login: bool) -> NifiFailed:
    answer = _message_of(error.body)
    if error.status == 401 or (is_login and error.status == 400):  # noqa: PLR2004 - the status of HTTP
        return NifiFailed(
            f"NiFi at {url} does not know who we are: {answer}",
            hint="check the user and password, or the token, that the platform file's settings of nifi refer to",
        )
    if error.status == 403:  # noqa: PLR2004
        return NifiFailed(
            f"NiFi at {url} does not allow {method} {path}: {answer}",
            hint="an administrator of NiFi has to grant it: to view and modify the parent process group, "
            "and parameter contexts",
        )
    if error.status == 404:  # noqa: PLR2004
        missing = NotFound(f"NiFi at {url} has no {path}: {answer}", hint="is the address right? It ends in /nifi-api")
        missing.answer = answer
        return missing
    if error.status == 409 and is_login and _NO_KEY not in answer:  # noqa: PLR2004
        return NifiFailed(
            f"NiFi at {url} accepts no login: {answer}",
            hint="as it is set up it takes no user and password: have the platform file's settings of nifi give a "
            "token or a client certificate, or, where it has no TLS, none of them",
        )
    if error.status == 409 and is_login:  # noqa: PLR2004
        return Conflict(
            f"NiFi at {url} accepts no login yet: {answer}",
            hint=remedy(
                "it makes the key of its logins after it has started; run {} again in a minute, and look into NiFi's "
                "log if it still fails",
                command("up"),
            ),
        )
    if error.status == 409:  # noqa: PLR2004
        return Conflict(
            f"NiFi at {url} refuses {method} {path}: {answer}",
            hint=remedy("another user may be changing the same dataflow; run {} again later", command("up")),
        )
    return NifiFailed(f"NiFi at {url} answers {method} {path} with {error.status}: {answer}")


def _untrusted(error: Exception, url: str) -> NifiFailed:
    return NifiFailed(
        f"NiFi at {url} cannot be spoken to over TLS: {_reason(error)}",
        hint="the setting nifi.ca_file names the authorities that its certificate is held to, by default those of this "
        "machine; its names have to be among those of the certificate",
    )


def _message_of(body: Any) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        found = json.loads(text)
    except ValueError:
        return text.strip()[:_MESSAGE_MAX] or "nothing more"
    message = found.get("message", text) if isinstance(found, dict) else text
    return str(message)[:_MESSAGE_MAX]


def _reason(error: Exception) -> str:
    """The innermost reason, as text. urllib3 wraps it several times."""
    inner = getattr(error, "reason", None)
    found: object = inner if inner is not None else error
    return str(found).rpartition(": ")[2] or type(found).__name__
