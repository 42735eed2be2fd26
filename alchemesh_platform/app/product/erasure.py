"""Erase rows of a port on request, and list the places that may still have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alchemesh_platform.app.events import Listener, ignore, notes_to
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.registry.records import PortRecord
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.sdk.connections.ports import PortConnections
    from alchemesh_platform.sdk.system.erasure import ErasedRows, Erasure

OPERATION = "data erase"
_HAD_ACCESS = {"granted": "has access", "revoked": "had access", "expired": "had access"}


class UnknownPort(Failure):
    """Raised when there is no such output port, or none of its models is named."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Unreached:
    """A place that may still have erased rows.

    Args:
        kind: ``consumer``, ``product``, ``input port``, ``output port``, ``need`` or ``storage``.
        address: Its address.
        sentence: Why it may have them, or what to do.
    """

    kind: str
    address: str
    sentence: str

    def as_json(self) -> dict[str, str]:
        """The place as one JSON object."""
        return {"kind": self.kind, "address": self.address, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Erasable:
    """The rows that a predicate selects now.

    Args:
        port: Address of the port.
        model: Its model.
        where: The predicate.
        rows: Number of rows.
        unreached: The places that an erasure does not reach.
    """

    port: str
    model: str
    where: str = field(repr=False)
    rows: int
    unreached: tuple[Unreached, ...]

    @property
    def product(self) -> str:
        """``domain/product``."""
        return self.port.rpartition("/")[0]


def erasable(
    platform: Platform,
    actor: Identity,
    port: str,
    where: str,
    *,
    model: str | None = None,
    take_over: str | None = None,
    listen: Listener = ignore,
) -> Erasable:
    """Count the rows that a predicate selects, and find the places that an erasure does not reach. Changes nothing.

    Args:
        platform: The environment.
        actor: The identity that acts. It needs the right to destroy the product with its data.
        port: ``domain/product/port``, an output port.
        where: The predicate, in SQL.
        model: The model; the only one of the port by default.
        take_over: The reason to erase rows of a product of another team of the domain.
        listen: Receives the warnings of policies.

    Raises:
        NotAllowed: when the actor may not erase.
        UnknownPort: when there is no such output port or model.
        NotErasable: when the storage has no erasure, or the predicate does not fit the table.
    """
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.app.rights import check_recorded_right
    from alchemesh_platform.deployment.emulation import resume
    from alchemesh_platform.registry.store import Registry

    resume(platform)
    with Registry.open(platform.registry) as registry:
        record = _port_record(registry, platform.environment, port)
        check_recorded_right(
            registry,
            platform.environment,
            actor,
            "destroy",
            Target.product(record.product),
            take_over=take_over,
            delete_data=True,
            listen=listen,
        )
        chosen = _model(record, model)
        erasure, connections = _erasure_of(record, platform)
        rows = erasure.count(connections, chosen, where)
        remains = erasure.remains(connections, chosen)
        places = [Unreached("storage", port, remains)] if remains else []
        return Erasable(port, chosen, where, rows, (*places, *_unreached(registry, platform.environment, record)))


def erase(
    platform: Platform,
    actor: Identity,
    found: Erasable,
    *,
    reason: str = "",
    take_over: str | None = None,
    listen: Listener = ignore,
) -> ErasedRows:
    """Erase rows for good, with every former version of the table. The audit records the begin and the end.

    A second call with the same predicate finishes a call that was killed.

    Args:
        platform: The environment.
        actor: The identity that acts. It needs the right to destroy the product with its data.
        found: The rows, from :func:`erasable`. They are selected again, under the lock.
        reason: The reason, which the audit records.
        take_over: The reason to erase rows of a product of another team of the domain. The audit records it.
        listen: Receives a line for each step.

    Raises:
        NotAllowed: when the actor may not erase; before anything changes.
        StackLocked: when a deployment works on the product.
        NotErasable: when the predicate does not fit the table any more.
    """
    from alchemesh_platform.access.operating import Target
    from alchemesh_platform.app.rights import check_recorded_right, record_take_over
    from alchemesh_platform.base.names import project_name
    from alchemesh_platform.deployment.code.run import one_at_a_time
    from alchemesh_platform.deployment.operator import stack_of
    from alchemesh_platform.engine.state.checkout import checked_out
    from alchemesh_platform.registry.audit import Act, record_act
    from alchemesh_platform.registry.store import Registry

    environment, product, report = platform.environment, found.product, notes_to(listen)
    target = Target.product(product)
    with (
        one_at_a_time(Path(platform.home), environment, product, report),
        checked_out(stack_of(project_name(*product.split("/")), platform), report=report),
        Registry.open(platform.registry) as registry,
    ):
        record = _port_record(registry, environment, found.port)
        right = check_recorded_right(
            registry, environment, actor, "destroy", target, take_over=take_over, delete_data=True, listen=listen
        )
        record_take_over(registry, environment, actor, right, target, take_over)
        erasure, connections = _erasure_of(record, platform)

        def note(state: str, **more: Any) -> None:
            detail = {"model": found.model, "where": found.where, "state": state, **more}
            record_act(
                registry,
                Act(
                    environment=environment,
                    product=product,
                    operation=OPERATION,
                    address=found.port,
                    actor=actor.subject,
                    issuer=actor.issuer,
                    reason=reason,
                    detail=detail,
                ),
            )

        done = erasure.erase(connections, found.model, found.where, report, lambda rows: note("begun", rows=rows))
        unreached = [place.address for place in found.unreached]
        note("ended", rows=done.rows, files=done.files, copy=done.copy, unreached=unreached)
        return done


def _port_record(registry: Registry, environment: str, port: str) -> PortRecord:
    from alchemesh_platform.base.problems import COMPARED_MAX, did_you_mean
    from alchemesh_platform.registry.records import PortRecord
    from alchemesh_platform.registry.unavailable import reading_records_of

    with reading_records_of(port.rpartition("/")[0], environment):
        record = registry.get(PortRecord, environment, port)
    if record is None or record.direction != "output":
        ports = [
            each for each in registry.all(PortRecord, environment, limit=COMPARED_MAX) if each.direction == "output"
        ]
        raise UnknownPort(
            f"no output port {port} is deployed in {environment}",
            hint=did_you_mean(port, [each.address for each in ports if each.direction == "output"]),
        )
    return record


def _model(record: PortRecord, model: str | None) -> str:
    if model is None and len(record.models) == 1:
        return record.models[0]
    if model in record.models:
        return str(model)
    models = ", ".join(record.models)
    if model is None:
        raise UnknownPort(f"{record.address} has several models: {models}", hint="name one with `--model`")
    raise UnknownPort(f"{record.address} has no model {model!r}", hint=f"it has {models}")


def _erasure_of(record: PortRecord, platform: Platform) -> tuple[Erasure, PortConnections]:
    from alchemesh_platform.registration.systems import Parts, installed_systems, part_of
    from alchemesh_platform.sdk.connections.base import part_names
    from alchemesh_platform.sdk.connections.ports import PortConnections
    from alchemesh_platform.sdk.system.erasure import Erasure, NotErasable

    connections = PortConnections.model_validate(record.connections)
    names = list(part_names(connections.storage))
    parts = Parts(installed_systems().offers("erasure", lambda system: system.erasures), part_of(Erasure))
    name = next((each for each in names if each in parts), None)
    if name is None:
        raise NotErasable(
            f"rows of {record.address} cannot be erased: {record.storage} has no tables that rows are deleted from",
            hint="delete the data with the means of its service",
        )
    return parts[name].at(platform), connections


def _unreached(registry: Registry, environment: str, record: PortRecord) -> Iterator[Unreached]:
    """The places that may have rows of a port: its consumers, the products that read it, and the product's own data."""
    from alchemesh_platform.registry.lineage import mesh_lineage
    from alchemesh_platform.registry.records import AccessRequestRecord, PortRecord, ProductRecord

    seen = set[str]()
    for each in registry.all(AccessRequestRecord, environment, product=record.product):
        if each.port == record.address and each.state in _HAD_ACCESS and each.requester not in seen:
            seen.add(each.requester)
            yield Unreached("consumer", each.requester, f"{_HAD_ACCESS[each.state]} and may have copies: ask them")
    lineage = mesh_lineage(registry, environment)
    targets, nodes = lineage.targets(), lineage.by_id()
    reached, ahead = set[str](), [f"output:{record.address}"]
    while ahead:
        fresh = [one for one in targets.get(ahead.pop(), ()) if one not in reached]
        reached.update(fresh)
        ahead += fresh
    for address in sorted(nodes[one].address for one in reached if nodes[one].kind == "product"):
        if address not in seen and address != record.product:
            yield Unreached("product", address, "reads the port, directly or through others: ask its owner")
    for port in registry.all(PortRecord, environment, product=record.product):
        if port.direction == "input":
            yield Unreached(
                "input port", port.address, "may hold the rows as they arrived, and the next run may write them again"
            )
        elif port.address != record.address:
            yield Unreached("output port", port.address, "may hold the rows too: erase them there as well")
    product = registry.get(ProductRecord, environment, record.product)
    for need in product.needs if product is not None else ():
        yield Unreached("need", f"{record.product}/{need}", "may hold the rows: the code of the product writes it")
