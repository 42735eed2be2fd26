"""Grants in a stack's state: known by the type of their record, never by a name that looks like a request."""

from __future__ import annotations

from typing import Any

from alchemesh_platform.deployment.grants.resources import GRANT, PORT, deployed_grants
from alchemesh_platform.deployment.report.progress import Progress
from alchemesh_platform.engine.run.events import ResourceOutputs, ResourcePre
from alchemesh_platform.engine.urn import name_of
from tests.deployment.report.reported import reported, urn

REQUEST = "req-0a1b2c3d"
OUTPUT, COMPONENT, SERVER, ACCESS = (
    "alchemesh:stacks:OutputPort",
    "alchemesh:components:roapi",
    "alchemesh:local:DataApi",
    "alchemesh:local:DataApiGrant",
)


def resource(type_: str, name: str, parent: str = "", **more: Any) -> dict[str, Any]:
    return {"urn": urn(type_, name), "type": type_, "parent": parent, **more}


def port(name: str, request: str = REQUEST, *, recorded: bool = True) -> list[dict[str, Any]]:
    """The state of a port with a grant, as every version so far writes it."""
    here, proxy = urn(OUTPUT, name), urn(COMPONENT, f"{name}-proxy")
    server = urn(SERVER, f"{name}-proxy-server")
    access = urn(ACCESS, f"{name}-proxy-{request}")
    record = resource(
        GRANT, f"{name}-{request}-grant", here, inputs={"address": request}, dependencies=[server, access]
    )
    return [
        resource(OUTPUT, name),
        resource(COMPONENT, f"{name}-proxy", here),
        resource(SERVER, f"{name}-proxy-server", proxy),
        resource(PORT, f"{name}-record", here, dependencies=[server]),
        resource(ACCESS, f"{name}-proxy-{request}", server),
        *([record] if recorded else []),
    ]


def grant_of(name: str, request: str = REQUEST) -> set[str]:
    return {urn(ACCESS, f"{name}-proxy-{request}"), urn(GRANT, f"{name}-{request}-grant")}


def test_a_grant_is_its_record_and_the_resources_that_the_record_depends_on() -> None:
    assert deployed_grants({"resources": port("orders-table")}, ()) == {REQUEST: grant_of("orders-table")}


def test_a_port_that_is_named_like_a_request_is_no_grant() -> None:
    """Every resource of such a port once counted as the grant of a request that did not exist."""
    found = deployed_grants({"resources": port("req-deadbeef")}, [REQUEST])
    assert found == {REQUEST: grant_of("req-deadbeef")}


def test_a_port_that_is_named_like_its_own_request_keeps_its_resources_apart() -> None:
    found = deployed_grants({"resources": port("req-deadbeef", "req-deadbeef")}, ["req-deadbeef"])
    assert found == {"req-deadbeef": grant_of("req-deadbeef", "req-deadbeef")}


def test_access_without_its_record_belongs_to_a_request_that_the_registry_knows() -> None:
    """A run was killed between the two steps and left it, and the owner later revoked the request."""
    state = {"resources": port("orders-table", recorded=False)}
    assert deployed_grants(state, [REQUEST]) == {REQUEST: {urn(ACCESS, f"orders-table-proxy-{REQUEST}")}}
    assert deployed_grants(state, ["req-ffffffff"]) == {}


def test_a_stack_without_resources_has_no_grants() -> None:
    assert deployed_grants({}, [REQUEST]) == {}


def test_a_new_port_that_is_named_like_a_request_is_created_not_updated() -> None:
    """Every change of such a port once counted as a change of its consumers."""
    progress = Progress(requests=["req-deadbeef"])
    for each in port("req-deadbeef", "req-deadbeef"):
        if each["type"] in {GRANT, ACCESS}:
            continue
        for event in (ResourcePre, ResourceOutputs):
            progress.on_event(reported(event, each["type"], name_of(each["urn"]), each["parent"], "create"))
    (section,) = [section for section in progress.sections() if section.name == "req-deadbeef"]
    assert (section.operation, section.grants) == ("create", [])


def test_a_port_that_only_gains_a_consumer_is_updated() -> None:
    progress = Progress(requests=[REQUEST])
    for each in port("orders-table"):
        operation = "create" if each["type"] in {GRANT, ACCESS} else "same"
        progress.on_event(reported(ResourcePre, each["type"], name_of(each["urn"]), each["parent"], operation))
    (section,) = [section for section in progress.sections() if section.name == "orders-table"]
    assert section.operation == "update"
    assert {change.urn for change in section.grants} == grant_of("orders-table")
