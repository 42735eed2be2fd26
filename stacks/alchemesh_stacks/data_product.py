"""The Pulumi program of a data product.

`alchemesh up` runs it inline. Under plain `pulumi up` the program of a product repo is two lines::

    from alchemesh_stacks.data_product import deploy_manifest

    deploy_manifest("alchemesh.yaml")
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pulumi
from pulumi.output import Unknown

from alchemesh_platform.base.names import asset_address, product_address
from alchemesh_platform.compose.plan import Plan, PlannedComponent, PlannedGrant, PlannedInput, PlannedOutput
from alchemesh_platform.compose.wiring import planned_wiring, schema_of
from alchemesh_platform.manifest.models import SemanticModel
from alchemesh_platform.platform_file.models import Transform
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.connections.ports import schema_of_models
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.sdk.fault import attributed, fault
from alchemesh_platform.systems.mesh import resources as mesh
from alchemesh_stacks.adoption import adoption

AnyComponent = Component[Any, Any]


def deploy(plan: Plan) -> DataProduct:
    """Declare everything in a plan; call it inside a Pulumi program."""
    product = DataProduct(plan)
    pulumi.export("product", plan.product.address)
    pulumi.export("assets", list(plan.assets))
    return product


def deploy_manifest(path: str = "alchemesh.yaml", platform_file: str | None = None) -> DataProduct:
    """Compose a manifest for the environment that the Pulumi stack is named after, and declare it.

    Raises:
        ProblemsFound: with every problem of the manifest and the platform file.
        FoundationMissing: when a shared stack that it depends on is not deployed; not in a preview.
    """
    from pathlib import Path

    from alchemesh_platform.access.grants.desired_grants import with_grants
    from alchemesh_platform.base.files.home import home
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.compose.compose import compose
    from alchemesh_platform.deployment.foundation_outputs import (
        FoundationMissing,
        foundation_problems,
        with_foundations,
    )
    from alchemesh_platform.deployment.places import in_recorded_places
    from alchemesh_platform.manifest.load import load_manifest
    from alchemesh_platform.platform_file.load import find_platform_file, load_platform
    from alchemesh_platform.registry.store import Registry
    from alchemesh_platform.registry.unavailable import RegistryMissing

    manifest = Path(path)
    environment = pulumi.get_stack()
    platform_path = Path(platform_file) if platform_file else find_platform_file(manifest.resolve().parent)
    platform = load_platform(platform_path, environment, home())
    plan = compose(load_manifest(manifest, environment), platform, discover())
    with suppress(RegistryMissing), Registry.open(platform.registry, create=False) as registry:
        plan = in_recorded_places(registry, platform, with_foundations(registry, plan))
        plan = with_grants(registry, plan, registry.now())
    if not pulumi.runtime.is_dry_run() and (missing := foundation_problems(plan, "error")):
        raise FoundationMissing(missing)
    return deploy(plan)


class DataProduct(pulumi.ComponentResource):
    """A data product: its ports, needs and code, and their record in the registry."""

    def __init__(self, plan: Plan, opts: pulumi.ResourceOptions | None = None) -> None:
        if plan.kept:
            taken = pulumi.ResourceOptions(transformations=[adoption(plan.kept)])
            opts = pulumi.ResourceOptions.merge(opts, taken)
        super().__init__("alchemesh:stacks:DataProduct", plan.product.name, None, opts)
        self.plan = plan
        self.children = pulumi.ResourceOptions(parent=self)
        self.inputs = [InputPort(plan, planned, self.children) for planned in plan.inputs]
        self.needs = {planned.port: place(plan, planned, self.children) for planned in plan.needs}
        self.outputs = [OutputPort(plan, planned, self.children) for planned in plan.outputs]
        self.code = place(plan, plan.code, self.children, connections=self.connections()) if plan.code else None
        self.admit_code()
        self.record()
        self.manifest()
        self.register_outputs({"assets": list(plan.assets)})

    def connections(self) -> dict[str, Any]:
        """The connections of ports and needs, in the form that the code receives."""
        return {
            "inputs": {port.planned.name: port.connections for port in self.inputs},
            "outputs": {port.planned.name: port.connections for port in self.outputs},
            "infrastructure": {name: {"storage": need.outputs} for name, need in self.needs.items()},
            "schemas": self.schemas(),
        }

    def schemas(self) -> dict[str, Any]:
        """The types of the data of each port whose models or schema the manifest declares."""
        product = self.plan.product
        declared = {port.name: schema_of(product, port) for port in product.input_ports}
        found = {
            **{port: schema_of_models({}, schema) for port, schema in declared.items() if schema is not None},
            **{planned.name: schema_of_models(planned.models) for planned in self.plan.outputs},
        }
        return {port: schema.model_dump(mode="json", exclude_none=True) for port, schema in found.items()}

    def admit_code(self) -> None:
        """Grant the code access to the ports and needs of its product, if it has an identity of its own."""
        identity = self.code.identity if self.code else None
        if identity is None:
            return
        for component in (
            *(port.component for port in self.inputs),
            *(need for name, need in self.needs.items() if name not in identity.granted_needs),
            *(port.storage for port in self.outputs),
        ):
            with attributed(component.spec, component.wiring.address, "admit()"):
                component.admit(identity)

    def record(self) -> mesh.Product:
        """The product's record, created after its needs and code."""
        product = self.plan.product
        identity = self.code.identity if self.code else None
        return mesh.Product(
            f"{product.name}-record",
            environment=self.plan.environment,
            address=product.address,
            team=product.team,
            owner=product.owner,
            version=product.version,
            lifecycle=product.lifecycle.value,
            description=product.description,
            source_systems=[f"{product.domain}/{name}" for name in product.source_systems],
            code=_used(self.plan.code, self.code) if self.plan.code and self.code else None,
            needs={planned.port: _used(planned, self.needs[planned.port]) for planned in self.plan.needs},
            identity={"kind": identity.kind, "name": identity.name} if identity is not None else None,
            opts=self.children,
        )

    def manifest(self) -> mesh.Manifest:
        """The manifest's record, created after everything that it declares. A later composition reads it."""
        parts = (*self.inputs, *self.needs.values(), *([self.code] if self.code else []), *self.outputs)
        return mesh.Manifest(
            f"{self.plan.product.name}-manifest",
            environment=self.plan.environment,
            address=self.plan.product.address,
            root=self.plan.root,
            document=json.dumps(self.plan.document, ensure_ascii=False),
            opts=_after(self.children, *parts, without={found for port in self.outputs for found in port.of_consumers}),
        )


class InputPort(pulumi.ComponentResource):
    """An input port: the component that ingests the data, and the record of the data's origin."""

    def __init__(self, plan: Plan, planned: PlannedInput, opts: pulumi.ResourceOptions) -> None:
        super().__init__("alchemesh:stacks:InputPort", planned.name, None, opts)
        self.plan = plan
        self.planned = planned
        self.children = pulumi.ResourceOptions(parent=self)
        expected = pulumi.ResourceOptions(transformations=[_unknown_origin] if planned.origin in plan.upcoming else [])
        self.component = place(plan, planned.component, pulumi.ResourceOptions.merge(self.children, expected))
        self.connections: dict[str, Any] = (
            dict(self.component.outputs) if planned.from_product else {"storage": self.component.outputs}
        )
        self.record()
        self.lineage()
        self.register_outputs({})

    def record(self) -> mesh.Port:
        """The port's record, created after its component."""
        planned = self.planned
        return mesh.Port(
            f"{planned.name}-record",
            environment=self.plan.environment,
            address=self.plan.address(planned.name),
            product=self.plan.product.address,
            direction="input",
            description=planned.description,
            origin=planned.origin,
            from_product=planned.from_product,
            storage=planned.component.spec.name,
            storage_type=planned.component.component_type,
            connections=self.connections,
            opts=_after(self.children, self.component),
        )

    def lineage(self) -> mesh.Lineage:
        """The lineage record: data flows from the origin into this port."""
        planned = self.planned
        address = self.plan.address(planned.name)
        return mesh.Lineage(
            f"{planned.name}-lineage",
            environment=self.plan.environment,
            address=f"{planned.origin} -> {address}",
            product=self.plan.product.address,
            source=planned.origin,
            source_kind="output_port" if planned.from_product else "source_system",
            target=address,
            opts=_after(self.children, self.component),
        )


class OutputPort(pulumi.ComponentResource):
    """An output port: a storage, the proxy that gives access to it, and the records of port, contract and assets."""

    def __init__(self, plan: Plan, planned: PlannedOutput, opts: pulumi.ResourceOptions) -> None:
        super().__init__("alchemesh:stacks:OutputPort", planned.name, None, opts)
        self.plan = plan
        self.planned = planned
        self.children = pulumi.ResourceOptions(parent=self)
        self.storage = place(plan, planned.storage, self.children)
        self.proxy = place(plan, planned.proxy, self.children, storage=self.storage.outputs) if planned.proxy else None
        self.connections = {"storage": self.storage.outputs, "proxy": self.proxy.outputs if self.proxy else None}
        self.deployed = _after(self.children, *(part for part in (self.storage, self.proxy) if part))
        self.record()
        self.contract()
        self.assets()
        self.access_resources: set[pulumi.Resource] = set()
        self.grants = [self.grant(granted) for granted in planned.grants]
        self.register_outputs({})

    def record(self) -> mesh.Port:
        """The port's record, created after storage and proxy."""
        planned = self.planned
        return mesh.Port(
            f"{planned.name}-record",
            environment=self.plan.environment,
            address=self.plan.address(planned.name),
            product=self.plan.product.address,
            direction="output",
            description=planned.description,
            storage=planned.storage.spec.name,
            storage_type=planned.storage.component_type,
            proxy=planned.proxy.spec.name if planned.proxy else None,
            proxy_type=planned.proxy.component_type if planned.proxy else None,
            models=list(planned.models),
            connections=self.connections,
            opts=self.deployed,
        )

    def contract(self) -> mesh.Contract | None:
        """The contract's record with its whole promise, if the port has a contract."""
        contract = self.planned.contract
        if contract is None:
            return None
        return mesh.Contract(
            f"{self.planned.name}-contract",
            environment=self.plan.environment,
            address=self.plan.address(self.planned.name),
            product=self.plan.product.address,
            version=contract.version,
            lifecycle=contract.lifecycle.value,
            access=contract.access.value,
            document=contract.model_dump(mode="json", exclude_none=True),
            models={name: definition(model) for name, model in self.planned.models.items()},
            protocols=self.planned.addresses,
            opts=self.deployed,
        )

    def assets(self) -> list[mesh.Asset]:
        """One record for each model that the port exposes."""
        product, planned = self.plan.product, self.planned
        return [
            mesh.Asset(
                f"{planned.name}-{name}-asset",
                environment=self.plan.environment,
                address=asset_address(product.domain, product.name, planned.name, name),
                product=product_address(product.domain, product.name),
                port=self.plan.address(planned.name),
                model=name,
                definition=definition(model),
                opts=self.deployed,
            )
            for name, model in planned.models.items()
        ]

    @property
    def of_consumers(self) -> set[pulumi.Resource]:
        """The resources of single consumers: the grants, and their records."""
        return {*self.grants, *self.access_resources}

    def grant(self, granted: PlannedGrant) -> mesh.Grant:
        """The grant of one consumer, and its record. The names contain the request: grants stay separate."""
        consumer, planned = granted.consumer, self.planned
        guards = [part for part in (self.storage, self.proxy) if part is not None and part.spec.guards]
        before = {resource for part in guards for resource in _below(part)}
        parts = [resource for part in guards for resource in granted_by(part, consumer)]
        self.access_resources |= {resource for part in guards for resource in _below(part)} - before
        return mesh.Grant(
            f"{planned.name}-{consumer.request}-grant",
            environment=self.plan.environment,
            address=consumer.request,
            product=self.plan.product.address,
            port=self.plan.address(planned.name),
            requester_kind=consumer.kind,
            requester=consumer.address,
            purpose=granted.purpose,
            principals=[principal for part in guards for principal in principals_of(part, consumer)],
            behind=consumer.behind,
            ends_at=written_moment(consumer.ends_at) if consumer.ends_at is not None else None,
            opts=_after(self.deployed, *parts),
        )


def place(
    plan: Plan,
    planned: PlannedComponent,
    opts: pulumi.ResourceOptions,
    *,
    storage: Mapping[str, Any] | None = None,
    connections: Mapping[str, Any] | None = None,
) -> AnyComponent:
    """Declare one component of the plan, with its wiring and the platform's transforms for it."""
    wiring = planned_wiring(plan, planned, storage=storage, connections=connections)
    transforms = [_transform(rule) for rule in plan.transforms if rule.component == planned.spec.name]
    if transforms:
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(transforms=transforms))
    with attributed(planned.spec, wiring.address, "its import"):
        component = planned.spec.component_class()
    if not hasattr(component, "spec"):
        sentence = f"its class {planned.spec.component} has no spec"
        raise fault(planned.spec, wiring.address, sentence, hint="set `spec = SPEC` in the class")
    with attributed(planned.spec, wiring.address, "its start"):
        return component(planned.resource_name, planned.args, planned.settings, wiring, opts)


def granted_by(component: AnyComponent, consumer: Consumer) -> Sequence[pulumi.Resource]:
    """The resources that grant a consumer access to one component."""
    with attributed(component.spec, component.wiring.address, "grant()"):
        return list(component.grant(consumer))


def principals_of(component: AnyComponent, consumer: Consumer) -> Sequence[pulumi.Input[str]]:
    """The principals of a consumer at one component."""
    with attributed(component.spec, component.wiring.address, "principals()"):
        return list(component.principals(consumer))


def definition(model: SemanticModel) -> dict[str, Any]:
    """A semantic model in the form of its record."""
    return model.model_dump(mode="json", exclude_defaults=True)


def written_moment(moment: datetime) -> str:
    """A moment in the text form of the registry, so that a refresh reads the same text."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _transform(rule: Transform) -> pulumi.ResourceTransform:
    def adjust(resource: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if resource.type_ != rule.resource:
            return None
        return pulumi.ResourceTransformResult(props={**resource.props, **rule.set}, opts=resource.opts)

    return adjust


def _unknown_origin(resource: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """In a preview: the port that is read is not deployed yet, so everything about it is unknown."""
    if resource.type_ != mesh.Subscription.pulumi_type or not pulumi.runtime.is_dry_run():
        return None
    unknown = Unknown()  # type: ignore[no-untyped-call,unused-ignore] # pulumi has no type for it
    return pulumi.ResourceTransformationResult({**resource.props, "origin": unknown}, resource.opts)


def _after(
    opts: pulumi.ResourceOptions, *parts: pulumi.Resource, without: Collection[pulumi.Resource] = ()
) -> pulumi.ResourceOptions:
    """Options for a resource that depends on all deployed parts.

    Args:
        without: Resources of single consumers. A grant is removed on its own, and the engine does not remove resources
            on which others depend.
    """
    deployed = [resource for part in parts for resource in _deployed_parts(part, without)]
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=deployed))


def _deployed_parts(part: pulumi.Resource, without: Collection[pulumi.Resource]) -> list[pulumi.Resource]:
    """The current resources of a part.

    By default, the SDK also counts resources that are added to a component later.
    """
    if not isinstance(part, pulumi.ComponentResource):
        return [part]
    lasting = [child for child in part._childResources if child not in without]
    return [resource for child in lasting for resource in _deployed_parts(child, without)]


def _below(resource: pulumi.Resource) -> set[pulumi.Resource]:
    """Every resource below another one."""
    children = set(resource._childResources)
    return children.union(*(_below(child) for child in children))


def _used(planned: PlannedComponent, component: AnyComponent) -> dict[str, Any]:
    return {
        "component": planned.spec.name,
        "component_type": planned.component_type,
        "connection": dict(component.outputs),
    }
