"""The caller of a request on Cloud Run, and the paths that a protocol offers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from alchemesh_platform.clouds.gcp.data_api.identity import caller_of
from alchemesh_platform.clouds.gcp.data_api.web import offered
from alchemesh_platform.systems.local.data_api.http.database import ROLE
from alchemesh_platform.systems.local.data_api.http.problems import Problem


def token(**claims: Any) -> bytes:
    """A token as Cloud Run passes it on."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"Bearer e30." + payload + b".SIGNATURE_REMOVED_BY_GOOGLE"


def test_a_caller_is_named_by_the_email_of_the_token() -> None:
    ada = caller_of([(b"Authorization", token(email="ada@acme.example", sub="1"))])
    again = caller_of([(b"authorization", token(email="ada@acme.example"))])
    bo = caller_of([(b"authorization", token(email="bo@acme.example"))])
    assert ada.name == "ada@acme.example"
    assert ada == again != bo
    assert caller_of([(b"authorization", token(sub="1234"))]).name == "1234"
    assert ROLE.fullmatch(ada.role)


def test_the_header_that_cloud_run_checks_counts() -> None:
    both = [(b"authorization", token(email="forged@x")), (b"x-serverless-authorization", token(email="ada@x"))]
    assert caller_of(both).name == "ada@x"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Basic YTpi")],
        [(b"authorization", b"Bearer x")],
        [(b"authorization", b"Bearer e30.!!!.x")],
        [(b"authorization", b"Bearer e30.bm8ganNvbg.x")],
        [(b"authorization", token())],
        [(b"authorization", token(email=["ada@x"]))],
        [(b"authorization", token(email="ada@x")), (b"authorization", token(email="bo@x"))],
        [(b"x-serverless-authorization", b"Bearer x"), (b"authorization", token(email="forged@x"))],
    ],
    ids=str,
)
def test_a_request_without_a_token_is_refused(headers: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Problem, match="the request has no identity token") as refused:
        caller_of(headers)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("protocols", "method", "path", "expected"),
    [
        (("rest",), "GET", "/api/tables/item", True),
        (("graphql",), "GET", "/api/tables/item", False),
        (("rest",), "POST", "/api/sql", True),
        (("graphql",), "POST", "/api/sql", False),
        (("rest",), "POST", "/api/graphql", False),
        (("graphql",), "POST", "/api/graphql", True),
        (("graphql",), "GET", "/api/graphql/schema", True),
        (("graphql",), "GET", "/api/schema/item", True),
        (("rest",), "HEAD", "/api/openapi.json", True),
        (("rest", "graphql"), "POST", "/api/schema", False),
        (("rest", "graphql"), "DELETE", "/api/tables/item", False),
        (("rest", "graphql"), "GET", "/health", False),
        (("rest", "graphql"), "GET", "/api/tablesx", False),
        (("rest", "graphql"), "GET", "/", False),
    ],
)
def test_only_paths_of_offered_protocols_are_answered(
    protocols: tuple[str, ...], method: str, path: str, expected: bool
) -> None:
    assert offered(protocols, method, path) is expected
