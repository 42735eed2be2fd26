"""Questions over HTTP: one row over REST, or over GraphQL."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from email.message import Message
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import quote

from alchemesh_platform.sdk.probes.probe import NoAnswer, NotProbed, Question

AGENT = "alchemesh-probe"
_ANSWER_MAX = 1_000_000  # one row
_OWN_FAULTS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would send the credential to another server."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Follow no redirect: its status is the answer."""


def rest_question(base: str, model: str, headers: Mapping[str, str]) -> Question:
    """Read at most one row of a model over REST.

    Args:
        base: Address of REST: ``http://host:port/api``.
        headers: Headers with the credential.
    """
    url = f"{base.rstrip('/')}/tables/{quote(model)}?limit=1"
    return _question(url, None, headers, lambda found: isinstance(found, list) and len(found) <= 1)


def graphql_question(address: str, model: str, headers: Mapping[str, str]) -> Question:
    """Read at most one row of a model over GraphQL.

    Args:
        address: Address of GraphQL.
        headers: Headers with the credential.
    """
    body = json.dumps({"query": f"{{ {model}(limit: 1) {{ __typename }} }}"}).encode()

    def is_right(found: Any) -> bool:
        data = found.get("data") if isinstance(found, dict) and not found.get("errors") else None
        return isinstance(data, dict) and isinstance(data.get(model), list)

    return _question(address, body, {"Content-Type": "application/json", **headers}, is_right)


def _question(url: str, body: bytes | None, headers: Mapping[str, str], is_right: Callable[[Any], bool]) -> Question:
    request = urllib.request.Request(  # noqa: S310 - the recorded address of the port
        url, body, {"User-Agent": AGENT, "Accept": "application/json", **headers}
    )

    def ask(seconds: float) -> None:
        try:
            with urllib.request.build_opener(_NoRedirects).open(request, timeout=seconds) as answer:
                found = json.loads(answer.read(_ANSWER_MAX))
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"it answers {error.code} {error.reason}"
            raise (_refused(reason) if error.code in _OWN_FAULTS else NoAnswer(reason)) from None
        except urllib.error.URLError as error:
            raise NoAnswer(_words(error.reason)) from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(_words(error)) from None
        except ValueError:
            raise NoAnswer("its answer is no JSON") from None
        if not is_right(found):
            raise NoAnswer("its answer is not the one of a data API")

    return ask


def _refused(reason: str) -> NotProbed:
    return NotProbed(f"{reason} to the probe's own credential")


def _words(error: object) -> str:
    """The reason of a failed connection, without an address."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = getattr(error, "strerror", None) or str(error)
    return text or type(error).__name__
