"""The subscription of a consumer to an output port of another product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.requests.expiry import open_requests
from alchemesh_platform.base.remedy import PLACEHOLDER, command, remedy, with_hint
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.provider.handler import Context, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.registration.systems import Parts, installed_systems, part_of
from alchemesh_platform.registry.records import AccessRequestRecord, ContractRecord, PortRecord
from alchemesh_platform.sdk.connections.base import Connection
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.system.drift import Drift
from alchemesh_platform.sdk.system.subscription import Subscriber, SubscriberAccess


class SubscriptionInputs(Properties):
    """The consumer and the port."""

    environment: str = Field(description="Environment of both products.")
    origin: str = Field(description="Address of the output port: domain/product/port.", pattern=r"^[^/]+/[^/]+/[^/]+$")
    consumer: str = Field(description="Address of the input port that reads it.", pattern=r"^[^/]+/[^/]+/[^/]+$")
    team: str | None = Field(default=None, description="Technical team of the consumer, without its domain.")
    run_directory: AbsolutePath | None = Field(
        default=None, description="Folder of this machine that a credential for the origin is kept in."
    )


class SubscriptionOutputs(Properties):
    """The access of the consumer."""

    connections: dict[str, Any] = Field(description="A PortConnections document: the proxy, or else the storage.")
    contract_version: str = Field(description="Version of the contract in force; empty when there is none.")


class SubscriptionHandler(Handler[SubscriptionInputs, SubscriptionOutputs]):
    """A subscription. It reads the origin from the registry, and reports a diff when the origin changes."""

    pulumi_type = "alchemesh:mesh:Subscription"
    summary = "An output port of another product, as its consumer may use it: its proxy, or else its storage."
    inputs = SubscriptionInputs
    outputs = SubscriptionOutputs
    replace_on = frozenset({"environment", "origin", "consumer"})

    def identify(self, inputs: SubscriptionInputs) -> str:
        return f"{inputs.environment}:{inputs.consumer} <- {inputs.origin}"

    def check(
        self, inputs: SubscriptionInputs, old_inputs: SubscriptionInputs | None, context: Context
    ) -> Iterator[Refusal]:
        try:
            _offered(inputs, context)
        except NotDone as error:
            yield Refusal("origin", with_hint(error.message, error.hint))

    def plan(self, inputs: SubscriptionInputs, old: SubscriptionOutputs | None, context: Context) -> Mapping[str, Any]:
        if not all(isinstance(part, str) for part in (inputs.environment, inputs.origin, inputs.consumer)):
            return {}
        return _offered(inputs, context).model_dump()

    def drift(self, inputs: SubscriptionInputs, outputs: SubscriptionOutputs, context: Context) -> Drift | None:
        now = _offered(inputs, context)
        if now.contract_version != outputs.contract_version:
            versions = f"{outputs.contract_version or 'none'} to {now.contract_version or 'none'}"
            return Drift(f"the contract of {inputs.origin} went from {versions}", "contract_version", expected=True)
        # An earlier version may have recorded fewer fields of a connection.
        if PortConnections.model_validate(now.connections) != PortConnections.model_validate(outputs.connections):
            return Drift(f"{inputs.origin} is reached in another way now", "connections", expected=True)
        kept = _kept(inputs, context)
        if kept is not None and not kept.is_current():
            return Drift(
                f"{inputs.origin} does not take the credential of {inputs.consumer}: another is issued", "connections"
            )
        return None

    def create(self, inputs: SubscriptionInputs, context: Context) -> SubscriptionOutputs:
        offered = _offered(inputs, context)
        kept = _kept(inputs, context)
        if kept is not None and not kept.is_current():
            kept.issue()
        return offered

    def read(
        self, inputs: SubscriptionInputs, outputs: SubscriptionOutputs, context: Context
    ) -> tuple[SubscriptionInputs, SubscriptionOutputs] | None:
        try:
            return inputs, _offered(inputs, context)
        except NotDone:
            return None

    def update(
        self, inputs: SubscriptionInputs, old_inputs: SubscriptionInputs, outputs: SubscriptionOutputs, context: Context
    ) -> SubscriptionOutputs:
        return self.create(inputs, context)

    def delete(self, inputs: SubscriptionInputs, outputs: SubscriptionOutputs, context: Context) -> None:
        path = _credential_file(inputs)
        if path is not None:
            with storage_errors(f"remove {path}"):
                path.unlink(missing_ok=True)


def _credential_file(inputs: SubscriptionInputs) -> Path | None:
    if inputs.run_directory is None:
        return None
    return Path(inputs.run_directory, f"{inputs.consumer.rpartition('/')[2]}.credential.json")


@dataclass(frozen=True, slots=True)
class _Kept:
    """The credential that a subscriber keeps in a file, for a connection whose system issues it."""

    access: SubscriberAccess
    connection: Connection
    subscriber: Subscriber
    origin: str

    def is_current(self) -> bool:
        return self.access.is_current(self.connection, self.subscriber)

    def issue(self) -> None:
        """Issue a new credential, by the request granted to the product, its team or its domain.

        Raises:
            NotDone: when no request is granted.
        """
        consumer = self.subscriber.granted()
        if consumer is None:
            product = self.subscriber.product
            raise NotDone(
                f"{product} may not read {self.origin}: no request of it is granted",
                hint=remedy(
                    "{}",
                    command(
                        "access", "request", self.origin, "--as", f"data_product:{product}", "--purpose", PLACEHOLDER
                    ),
                ),
            )
        self.access.issue(self.connection, self.subscriber, consumer)


def _kept(inputs: SubscriptionInputs, context: Context) -> _Kept | None:
    """The credential for the origin's proxy that this consumer stores; None if it stores none."""
    port = context.registry().get(PortRecord, inputs.environment, inputs.origin)
    proxy = PortConnections.model_validate(port.connections).proxy if port else None
    if proxy is None or _product(inputs.origin) == _product(inputs.consumer):
        return None
    access, subscriber = _access(proxy), _subscriber(inputs, context)
    if not access.keeps_credential(proxy, subscriber):
        return None
    return _Kept(access, proxy, subscriber, inputs.origin)


def _subscriber(inputs: SubscriptionInputs, context: Context) -> Subscriber:
    def granted() -> Consumer | None:
        request = _granted(inputs, context)
        if request is None:
            return None
        return resolve(context.registry(), inputs.environment, Requester.of(request), request=request.address)

    return Subscriber(inputs.consumer, inputs.team, _credential_file(inputs), granted)


def _access(connection: Connection) -> SubscriberAccess:
    """The subscriber access that a connection's system provides.

    Raises:
        BrokenSystem: when its package cannot be used.
    """
    offers = installed_systems().offers("subscribers", lambda system: system.subscribers)
    parts = Parts(offers, part_of(SubscriberAccess))
    return parts[connection.kind] if connection.kind in parts else SubscriberAccess()


def _granted(inputs: SubscriptionInputs, context: Context) -> AccessRequestRecord | None:
    """The granted request that gives access: of the product, its team or its domain; None if none is granted."""
    product = _product(inputs.consumer)
    domain = product.partition("/")[0]
    asking = [Requester("data_product", product), Requester("data_domain", domain)]
    if inputs.team:
        asking.insert(1, Requester("technical_team", f"{domain}/{inputs.team}"))
    found = open_requests(context.registry(), inputs.environment, inputs.origin, asking)
    granted = [request for request in found if request.state == "granted"]
    return min(granted, key=lambda request: asking.index(Requester.of(request)), default=None)


def _product(port: str) -> str:
    return port.rpartition("/")[0]


def _offered(inputs: SubscriptionInputs, context: Context) -> SubscriptionOutputs:
    registry = context.registry()
    port = registry.get(PortRecord, inputs.environment, inputs.origin)
    if port is None or port.direction != "output":
        product = inputs.origin.rpartition("/")[0]
        others = [
            found.address
            for found in registry.all(PortRecord, environment=inputs.environment, product=product)
            if found.direction == "output"
        ]
        if others:
            raise NotDone(
                f"{product} has no output port {inputs.origin.rpartition('/')[2]!r}",
                hint=f"it has {', '.join(others)}",
            )
        raise NotDone(
            f"{product} is not deployed in environment {inputs.environment!r}",
            hint=remedy("deploy it first: {} in its folder", command("up", environment=inputs.environment)),
        )
    given = PortConnections.model_validate(port.connections)
    used = given.proxy or given.storage
    if used is not None and _product(inputs.origin) != _product(inputs.consumer):
        used = _access(used).as_subscriber(used, _subscriber(inputs, context))
    usable = PortConnections.model_validate({"proxy" if given.proxy else "storage": used})
    contract = registry.get(ContractRecord, inputs.environment, inputs.origin)
    return SubscriptionOutputs(
        connections=usable.model_dump(mode="json"), contract_version=contract.version if contract else ""
    )
