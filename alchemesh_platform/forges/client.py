"""Requests to the API of a forge: they wait for rate limits, and repeat after errors of the server or the network.

A repeated request may create a comment twice. :mod:`alchemesh_platform.forges.heal` looks again after each creation.

Source: https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api,
https://docs.gitlab.com/security/rate_limits/
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.packages.extras import install_command, missing_extras
from alchemesh_platform.base.printable import one_line

if TYPE_CHECKING:
    import httpx

EXTRA = "alchemesh-platform[ci]"
LONGEST_REQUEST = 30.0  # seconds without an answer
LONGEST = 300.0  # seconds for all tries of one request
FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # seconds between tries
LONGEST_NAMED = 31 * 86_400.0  # seconds: a server that asks for a longer pause has a wrong clock
LONGEST_MESSAGE = 200  # characters of a forge's own message
MOST_PAGES = 100
PAGE_SIZE = 100

NOT_FOUND, FORBIDDEN, UNAUTHORIZED, TOO_MANY, SERVER_ERROR = 404, 403, 401, 429, 500
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')


class ForgeFailure(Failure):
    """Raised when a forge cannot be reached, or refuses a request."""


class NotThere(ForgeFailure):
    """Raised when a merge request or a comment does not exist, or the token may not see it."""


class TokenRefused(ForgeFailure):
    """Raised when the forge refuses the token.

    Args:
        message: The message.
        is_forbidden: Whether the forge knows the token, and refuses the request only.
        hint: The right that the token needs.
    """

    exit_code = ExitCode.FORBIDDEN

    def __init__(self, message: str, *, is_forbidden: bool, hint: str | None = None) -> None:
        self.is_forbidden = is_forbidden
        super().__init__(message, hint=hint)


class CommentsExtraMissing(Failure):
    """Raised when the libraries of the extra `ci` are not installed."""


class _Again(Exception):
    """A try that may succeed later.

    Args:
        reason: The reason, for the message.
        after: Seconds to wait, if the server gives them.
    """

    def __init__(self, reason: str, after: float | None = None) -> None:
        self.reason = reason
        self.after = after
        super().__init__(reason)


@dataclass(slots=True)
class Client:
    """The API of one forge.

    Args:
        forge: Its name, for messages.
        base: Address of the API.
        headers: Headers of each request. They hold the token, and no message has them.
        rights: The right that the token needs, for hints.
        longest: Maximum number of seconds for all tries of one request.
        first_wait: Seconds before the second try.
        wait: Waits for a number of seconds.
    """

    forge: str
    base: str
    headers: Mapping[str, str] = field(repr=False)
    rights: str
    longest: float = LONGEST
    longest_request: float = LONGEST_REQUEST
    first_wait: float = FIRST_WAIT
    wait: Callable[[float], None] = time.sleep
    _session: httpx.Client | None = None

    def get(self, path: str, **query: str | int) -> Any:
        """A document."""
        return self.send("GET", path, query=query).json()

    def pages(self, path: str, **query: str | int) -> Iterator[Any]:
        """The items of a list, over all its pages."""
        answer = self.send("GET", path, query={**query, "per_page": PAGE_SIZE})
        for _ in range(MOST_PAGES):
            items = answer.json()
            if not isinstance(items, list):
                raise ForgeFailure(f"{self.forge} answers {path} with something other than a list")
            yield from items
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return
            if not following[1].startswith(f"{self.base}/"):  # the token goes to no other server
                raise ForgeFailure(f"{self.forge} continues {path} at another address")
            answer = self.send("GET", following[1].removeprefix(self.base))
        raise ForgeFailure(f"{self.forge} has more than {MOST_PAGES * PAGE_SIZE:,} comments on the merge request")

    def send(
        self, method: str, path: str, *, query: Mapping[str, str | int] | None = None, body: Any = None
    ) -> httpx.Response:
        """Send a request, and repeat it while the forge is not ready.

        Args:
            method: The method.
            path: The path below the API's address, or a whole path of a page.
            query: The parameters.
            body: The JSON document to send.

        Raises:
            TokenRefused: when the token is refused, or lacks a right.
            NotThere: when there is no such thing.
            ForgeFailure: when the forge does not answer in time, or answers with another error.
        """
        from tenacity import Retrying, retry_if_exception_type, stop_before_delay

        tries = Retrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_before_delay(self.longest),
            wait=self._pause,
            sleep=self.wait,
            reraise=True,
        )
        try:
            return tries(self._try, method, path, query, body)
        except _Again as last:
            when = f"; it asks to wait {last.after:.0f} s" if last.after is not None else ""
            raise ForgeFailure(
                f"{self.forge} does not carry out {method} {path}: {last.reason}{when}",
                hint=f"run the job again {_moment(last.after)}",
            ) from last

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def _pause(self, state: Any) -> float:
        error = state.outcome.exception()
        if isinstance(error, _Again) and error.after is not None:
            return error.after
        return min(self.first_wait * 2.0 ** int(state.attempt_number - 1), LONGEST_WAIT)

    def _try(self, method: str, path: str, query: Mapping[str, str | int] | None, body: Any) -> httpx.Response:
        import httpx

        address = path if path.startswith(("http://", "https://")) else f"{self.base}{path}"
        try:
            if self._session is None:  # it follows no redirect: the token goes to no other server
                self._session = httpx.Client(
                    headers=dict(self.headers), timeout=min(self.longest_request, self.longest)
                )
            answer = self._session.request(method, address, params=query or None, json=body)
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError) as error:
            # Another try would fail as well. The text of the error may have a header, and so the token.
            raise ForgeFailure(
                f"{method} {path} cannot be sent to {self.forge}: {type(error).__name__}",
                hint="check the address of the API and the token in the variables of the job",
            ) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _Again(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from error
        self._check(answer, method, path)
        if answer.content:
            try:
                answer.json()
            except (ValueError, RecursionError) as error:  # the latter: of thousands of brackets
                raise _Again("the answer is not JSON") from error
        elif method != "DELETE":
            raise _Again("the answer is empty")
        return answer

    def _check(self, answer: httpx.Response, method: str, path: str) -> None:
        status = answer.status_code
        if status == TOO_MANY or (status == FORBIDDEN and _is_limit(answer)):
            raise _Again(f"{status}, too many requests", _seconds(answer))
        if status >= SERVER_ERROR:
            raise _Again(f"{status} {answer.reason_phrase}".strip(), _seconds(answer))
        if status in (UNAUTHORIZED, FORBIDDEN):
            raise TokenRefused(
                f"{self.forge} refuses {method} {path}: {status} {answer.reason_phrase}".strip(),
                is_forbidden=status == FORBIDDEN,
                hint=self.rights,
            )
        if status == NOT_FOUND:
            raise NotThere(f"{self.forge} has no {path}, or the token may not see it", hint=self.rights)
        if not answer.is_success:
            said = _message(answer)
            raise ForgeFailure(
                f"{self.forge} refuses {method} {path}: {f'{status} {answer.reason_phrase}'.strip()}{said}",
                hint=f"check the address of the API in the variables of the job: {self.base} redirects to another "
                "address, which does not get the token"
                if answer.is_redirect
                else "check the address of the API and the number of the merge request in the variables of the job",
            )


def check_installed() -> None:
    """Check that the libraries of the clients are installed.

    Raises:
        CommentsExtraMissing: when they are not; gives the command that installs them.
    """
    if missing_extras([EXTRA]):
        raise CommentsExtraMissing(
            "the libraries that post comments are not installed here", hint=f"`{install_command(EXTRA)}` installs them"
        )


def waiting(cancel: threading.Event) -> Callable[[float], None]:
    """A pause that a stopped run ends at once."""

    def wait(seconds: float) -> None:
        if cancel.wait(seconds):
            raise ForgeFailure("stopped by hand while the forge was not ready")

    return wait


def name_of_user(client: Client, found: Any, key: str) -> str:
    """The name of a user in an answer.

    Raises:
        ForgeFailure: when the answer has none.
    """
    name = found.get(key) if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        raise ForgeFailure(f"{client.forge} answers the question for the token's user with something other than a user")
    return name


def _is_limit(answer: httpx.Response) -> bool:
    """Whether a refusal is a rate limit of GitHub: primary, with no requests left, or secondary."""
    return (
        "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in answer.text.lower()
    )


def _message(answer: httpx.Response) -> str:
    """The sentence of the forge in a refusal, such as ``Validation Failed``; empty if it gives none."""
    with suppress(ValueError, RecursionError):
        found = answer.json()
        said = found.get("message") if isinstance(found, dict) else None
        if isinstance(said, str) and said.strip():
            return f", {one_line(said.strip()[:LONGEST_MESSAGE])!r}"
    return ""


def _moment(after: float | None) -> str:
    """The time from which another try may succeed."""
    if after is None or after > LONGEST_NAMED:
        return "later"
    return f"after {datetime.now(UTC) + timedelta(seconds=after):%Y-%m-%d %H:%M} UTC"


def _seconds(answer: httpx.Response) -> float | None:
    """The seconds to wait that the server gives; None if it gives none, or no number."""
    for name, since in (("retry-after", 0.0), ("x-ratelimit-reset", time.time()), ("ratelimit-reset", time.time())):
        value = answer.headers.get(name, "")
        if name != "retry-after" and answer.headers.get("x-ratelimit-remaining", "0") != "0":
            continue
        if value.isascii() and value.isdigit():
            return max(float(value) - since, 0.0) + (1.0 if since else 0.0)
    return None
