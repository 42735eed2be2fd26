"""Find ports and requests by the name that a user typed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import COMPARED_MAX, did_you_mean
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.registry.records import AccessRequestRecord, PortRecord, RequestState

if TYPE_CHECKING:
    from alchemesh_platform.registry.store import Registry

_SEE_ALL = remedy("{} shows all", command("access", "list"))
_ADDRESS_SLASHES = 2  # domain/product/port


class UnknownPort(Failure):
    """Raised when a user requests access to a port that is not deployed; suggests the closest one."""

    exit_code = ExitCode.USAGE


class UnknownRequest(Failure):
    """Raised when no request has that name."""

    exit_code = ExitCode.USAGE


def known_port(registry: Registry, environment: str, address: str) -> PortRecord:
    """The record of an output port.

    Raises:
        UnknownPort: with the closest address.
    """
    record = registry.get(PortRecord, environment, address)
    if record is not None and record.direction == "output":
        return record
    if record is not None:
        message = f"{address} is an input port: request access to the output port that it reads"
        raise UnknownPort(message, hint=f"it reads {record.origin}")
    if address.count("/") != _ADDRESS_SLASHES or not all(address.split("/")):
        raise UnknownPort(f"found the port {address!r}, expected its address, domain/product/port")
    product = address.rpartition("/")[0]
    known = _outputs(registry.all(PortRecord, environment, product))
    known = known or _outputs(registry.all(PortRecord, environment, where={"direction": "output"}, limit=COMPARED_MAX))
    nothing = remedy("nothing is deployed in {}: {} in the product's folder deploys it", environment, command("up"))
    hint = did_you_mean(address, known, otherwise="" if known else nothing)
    raise UnknownPort(f"no output port {address} is deployed in {environment}", hint=hint)


def known_request(registry: Registry, environment: str, address: str) -> AccessRequestRecord:
    """The record of a request.

    Raises:
        UnknownRequest: with the closest address.
    """
    record = registry.get(AccessRequestRecord, environment, address)
    if record is None:
        known = [request.address for request in registry.all(AccessRequestRecord, environment, limit=COMPARED_MAX)]
        hint = did_you_mean(address, known, otherwise=_SEE_ALL)
        raise UnknownRequest(f"no access request {address!r} in {environment}", hint=hint)
    return record


def list_requests(
    registry: Registry,
    environment: str,
    *,
    port: str | None = None,
    product: str | None = None,
    requester: str | None = None,
    states: Collection[RequestState] = (),
) -> list[AccessRequestRecord]:
    """The matching requests, the most recently changed one first.

    Args:
        requester: An address, or ``KIND:ADDRESS``.
    """
    where: dict[str, str | Collection[str]] = {}
    if port is not None:
        where["port"] = port
    if requester is not None:
        kind, sign, address = requester.partition(":")
        where |= {"requester_kind": kind, "requester": address} if sign else {"requester": requester}
    if states:
        where["state"] = list(states)
    found = registry.all(AccessRequestRecord, environment, product, where=where)
    return sorted(found, key=lambda request: request.steps[-1].at, reverse=True)


def _outputs(ports: Iterable[PortRecord]) -> list[str]:
    return [port.address for port in ports if port.direction == "output"]
