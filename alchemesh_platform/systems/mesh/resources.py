"""Records of the mesh, written as resources of the same engine run as the infrastructure that they describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from pulumi import Input, Output

from alchemesh_platform.sdk.resource import PlatformResource


class Foundation(PlatformResource):
    """The record of what products stand on: the outputs of its stack; make it depend on all of it."""

    pulumi_type = "alchemesh:mesh:Foundation"

    environment: Output[str]
    address: Output[str]
    component: Output[str]
    outputs: Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        component: Input[str],
        outputs: Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "address": address,
            "component": component,
            "outputs": outputs or {},
        }
        super().__init__(name, inputs, opts)


class Product(PlatformResource):
    """The record of a data product."""

    pulumi_type = "alchemesh:mesh:Product"

    environment: Output[str]
    address: Output[str]
    team: Output[str]
    owner: Output[str]
    version: Output[str]
    lifecycle: Output[str]
    description: Output[str]
    source_systems: Output[list[str]]
    code: Output[dict[str, Any] | None]
    needs: Output[dict[str, Any]]
    identity: Output[dict[str, str] | None]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        team: Input[str],
        owner: Input[str],
        version: Input[str],
        lifecycle: Input[str],
        description: Input[str] = "",
        source_systems: Input[Sequence[Input[str]]] = (),
        code: Input[Mapping[str, Any]] | None = None,
        needs: Input[Mapping[str, Any]] | None = None,
        identity: Input[Mapping[str, Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "address": address,
            "team": team,
            "owner": owner,
            "version": version,
            "lifecycle": lifecycle,
            "description": description,
            "source_systems": source_systems,
            "code": code,
            "needs": needs or {},
            "identity": identity,
        }
        super().__init__(name, inputs, opts)


class Port(PlatformResource):
    """The record of an input or output port."""

    pulumi_type = "alchemesh:mesh:Port"

    environment: Output[str]
    address: Output[str]
    product: Output[str]
    direction: Output[str]
    description: Output[str]
    origin: Output[str | None]
    from_product: Output[bool]
    storage: Output[str]
    storage_type: Output[str]
    proxy: Output[str | None]
    proxy_type: Output[str | None]
    models: Output[list[str]]
    connections: Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        product: Input[str],
        direction: Input[Literal["input", "output"]],
        description: Input[str] = "",
        origin: Input[str] | None = None,
        from_product: Input[bool] = False,
        storage: Input[str] = "",
        storage_type: Input[str] = "",
        proxy: Input[str] | None = None,
        proxy_type: Input[str] | None = None,
        models: Input[Sequence[Input[str]]] = (),
        connections: Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "address": address,
            "product": product,
            "direction": direction,
            "description": description,
            "origin": origin,
            "from_product": from_product,
            "storage": storage,
            "storage_type": storage_type,
            "proxy": proxy,
            "proxy_type": proxy_type,
            "models": models,
            "connections": connections or {},
        }
        super().__init__(name, inputs, opts)


class Asset(PlatformResource):
    """The record of one semantic model as exposed by one output port."""

    pulumi_type = "alchemesh:mesh:Asset"

    environment: Output[str]
    address: Output[str]
    product: Output[str]
    port: Output[str]
    model: Output[str]
    definition: Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        product: Input[str],
        port: Input[str],
        model: Input[str],
        definition: Input[Mapping[str, Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "address": address,
            "product": product,
            "port": port,
            "model": model,
            "definition": definition,
        }
        super().__init__(name, inputs, opts)


class Contract(PlatformResource):
    """The record of an output port's contract, and the version of it that is kept."""

    pulumi_type = "alchemesh:mesh:Contract"

    environment: Output[str]
    address: Output[str]
    product: Output[str]
    version: Output[str]
    lifecycle: Output[str]
    access: Output[str]
    document: Output[dict[str, Any]]
    models: Output[dict[str, Any]]
    protocols: Output[list[str]]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        product: Input[str],
        version: Input[str],
        lifecycle: Input[str],
        access: Input[str],
        document: Input[Mapping[str, Any]],
        models: Input[Mapping[str, Any]] | None = None,
        protocols: Input[Sequence[Input[str]]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "address": address,
            "product": product,
            "version": version,
            "lifecycle": lifecycle,
            "access": access,
            "document": document,
            "models": models or {},
            "protocols": protocols,
        }
        super().__init__(name, inputs, opts)


class Lineage(PlatformResource):
    """The record that data flows from a source into an input port."""

    pulumi_type = "alchemesh:mesh:Lineage"

    environment: Output[str]
    address: Output[str]
    product: Output[str]
    source: Output[str]
    source_kind: Output[str]
    target: Output[str]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        product: Input[str],
        source: Input[str],
        source_kind: Input[Literal["source_system", "output_port"]],
        target: Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "address": address,
            "product": product,
            "source": source,
            "source_kind": source_kind,
            "target": target,
        }
        super().__init__(name, inputs, opts)


class Manifest(PlatformResource):
    """The record of a product's manifest, as it was deployed."""

    pulumi_type = "alchemesh:mesh:Manifest"

    environment: Output[str]
    address: Output[str]
    root: Output[str]
    document: Output[str]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        root: Input[str],
        document: Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            name, {"environment": environment, "address": address, "root": root, "document": document}, opts
        )


class Grant(PlatformResource):
    """The record that a consumer is let in at an output port; make it depend on what lets it in."""

    pulumi_type = "alchemesh:mesh:Grant"

    environment: Output[str]
    address: Output[str]
    product: Output[str]
    port: Output[str]
    requester_kind: Output[str]
    requester: Output[str]
    purpose: Output[str]
    principals: Output[list[str]]
    behind: Output[list[str]]
    ends_at: Output[str | None]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        address: Input[str],
        product: Input[str],
        port: Input[str],
        requester_kind: Input[Literal["data_product", "technical_team", "user", "data_domain"]],
        requester: Input[str],
        purpose: Input[str] = "",
        principals: Input[Sequence[Input[str]]] = (),
        behind: Input[Sequence[Input[str]]] = (),
        ends_at: Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "address": address,
            "product": product,
            "port": port,
            "requester_kind": requester_kind,
            "requester": requester,
            "purpose": purpose,
            "principals": principals,
            "behind": behind,
            "ends_at": ends_at,
        }
        super().__init__(name, inputs, opts)


class Subscription(PlatformResource):
    """An output port of another product, as its consumer may use it: by its proxy if it has one, else its storage."""

    pulumi_type = "alchemesh:mesh:Subscription"
    computed = ("connections", "contract_version")

    environment: Output[str]
    origin: Output[str]
    consumer: Output[str]
    team: Output[str | None]
    run_directory: Output[str | None]
    connections: Output[dict[str, Any]]
    contract_version: Output[str]

    def __init__(
        self,
        name: str,
        *,
        environment: Input[str],
        origin: Input[str],
        consumer: Input[str],
        team: Input[str] | None = None,
        run_directory: Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "environment": environment,
            "origin": origin,
            "consumer": consumer,
            "team": team,
            "run_directory": run_directory,
        }
        super().__init__(name, inputs, opts)
