"""An output port of another product, as its consumer sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from alchemesh_platform.access.requester import Requester, resolve
from alchemesh_platform.access.requests.expiry import open_requests
from alchemesh_platform.base.remedy import PLACEHOLDER, command, remedy, with_hint
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.provider.handler import Context, Drift, Handler, NotDone
from alchemesh_platform.provider.inputs import Properties, Refusal
from alchemesh_platform.provider.paths import AbsolutePath
from alchemesh_platform.registry.records import AccessRequestRecord, ContractRecord, PortRecord
from alchemesh_platform.sdk.connections.data_api import DataApiConnection
from alchemesh_platform.sdk.connections.ports import PortConnections
from alchemesh_platform.systems.kafka.connections import TopicConnection
from alchemesh_platform.systems.kafka.users import MECHANISM, own_user, principals
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway
from alchemesh_platform.systems.local.data_api.gateway.grants import join
from alchemesh_platform.systems.local.data_api.gateway.issue import is_good, issue, write_credential


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
    """A subscription: looked up in the registry, noticed when the origin changes."""

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
            return Drift(f"the contract of {inputs.origin} went from {versions}", "contract_version")
        if now != outputs:
            return Drift(f"{inputs.origin} is reached in another way now", "connections")
        guarded = _guarded(inputs, context)
        if guarded is not None and not is_good(*guarded):
            return Drift(
                f"{inputs.origin} does not take the credential of {inputs.consumer}: another is issued", "connections"
            )
        return None

    def create(self, inputs: SubscriptionInputs, context: Context) -> SubscriptionOutputs:
        offered = _offered(inputs, context)
        guarded = _guarded(inputs, context)
        if guarded is not None:
            gateway, path = guarded
            if not is_good(gateway, path):
                write_credential(path, issue(gateway, _granted_user(inputs, gateway, context)))
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


def _guarded(inputs: SubscriptionInputs, context: Context) -> tuple[Gateway, Path] | None:
    """The gateway before the origin, and the file of this consumer's credential; None where there is no gateway."""
    path = _credential_file(inputs)
    port = context.registry().get(PortRecord, inputs.environment, inputs.origin)
    proxy = PortConnections.model_validate(port.connections).proxy if port else None
    own = _product(inputs.origin) == _product(inputs.consumer)
    if own or not isinstance(proxy, DataApiConnection) or proxy.credential_file is None or path is None:
        return None
    return Gateway.at(Path(proxy.credential_file).parent), path


def _granted_user(inputs: SubscriptionInputs, gateway: Gateway, context: Context) -> str:
    """The user of this consumer, by the request granted to it, its team or its domain.

    Raises:
        NotDone: when none was granted.
    """
    product = _product(inputs.consumer)
    granted = _granted(inputs, context)
    if granted is None:
        raise NotDone(
            f"{product} may not read {inputs.origin}: no request of it is granted",
            hint=remedy(
                "{}",
                command(
                    "access", "request", inputs.origin, "--as", f"data_product:{product}", "--purpose", PLACEHOLDER
                ),
            ),
        )
    return join(gateway, consumer=product, request=granted.address).user


def _granted(inputs: SubscriptionInputs, context: Context) -> AccessRequestRecord | None:
    """The request that lets this consumer in: its own, its team's or its domain's; None where none was granted."""
    product = _product(inputs.consumer)
    domain = product.partition("/")[0]
    asking = [Requester("data_product", product), Requester("data_domain", domain)]
    if inputs.team:
        asking.insert(1, Requester("technical_team", f"{domain}/{inputs.team}"))
    found = open_requests(context.registry(), inputs.environment, inputs.origin, asking)
    granted = [request for request in found if request.state == "granted"]
    return min(granted, key=lambda request: asking.index(Requester.of(request)), default=None)


def _as_consumer(inputs: SubscriptionInputs, topics: TopicConnection, context: Context) -> TopicConnection:
    """Topics as the consumer signs in to them: not as the platform, and with a password that it keeps itself.

    The user is that of its request, or, where users exist already, its own or its team's.
    """
    kept = {name: value for name, value in topics.security.items() if name not in ("username", "password")}
    security: dict[str, Any] = kept | ({"mechanism": MECHANISM} if topics.issues_credentials else {})
    granted = _granted(inputs, context)
    if granted is not None:
        port = inputs.consumer.rpartition("/")[2].upper().replace("-", "_")
        consumer = resolve(context.registry(), inputs.environment, Requester.of(granted), request=granted.address)
        team = f"{_product(inputs.consumer).partition('/')[0]}.{inputs.team}"
        users = (own_user(consumer),) if topics.issues_credentials else principals(consumer)
        # A domain's teams are not known where no mesh is recorded.
        security["username"] = users[0] if users and team not in users else team
        security["password"] = {"secret": f"{port}_PASSWORD"}
    return topics.model_copy(update={"security": security})


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
    of_another = _product(inputs.origin) != _product(inputs.consumer)
    if of_another and isinstance(given.proxy, DataApiConnection) and given.proxy.credential_file is not None:
        path = _credential_file(inputs)
        given = given.model_copy(
            update={"proxy": given.proxy.model_copy(update={"credential_file": str(path) if path else None})}
        )
    if of_another and isinstance(given.storage, TopicConnection) and given.storage.security.get("mechanism"):
        given = given.model_copy(update={"storage": _as_consumer(inputs, given.storage, context)})
    usable = PortConnections(proxy=given.proxy) if given.proxy else PortConnections(storage=given.storage)
    contract = registry.get(ContractRecord, inputs.environment, inputs.origin)
    return SubscriptionOutputs(
        connections=usable.model_dump(mode="json"), contract_version=contract.version if contract else ""
    )
