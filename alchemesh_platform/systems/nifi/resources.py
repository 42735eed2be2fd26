"""Resources of Apache NiFi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi import Input, Output

from alchemesh_platform.sdk.resource import PlatformResource


class Dataflow(PlatformResource):
    """A process group with a parameter context of its own, drained before it goes.

    ``processors`` and ``services`` are documents of :mod:`alchemesh_platform.systems.nifi.definition`; ``login``
    is one of :class:`alchemesh_platform.systems.nifi.server.Login`. Properties refer to
    parameters as NiFi does: ``#{name}``.
    """

    pulumi_type = "alchemesh:nifi:Dataflow"
    computed = (
        "group_id",
        "server_version",
        "health",
        "running",
        "stopped",
        "invalid",
        "queued",
        "context_version",
        "salt",
        "digests",
    )

    server: Output[str]
    login: Output[dict[str, Any]]
    name: Output[str]
    owner: Output[str]
    parent: Output[str]
    parameters: Output[dict[str, str]]
    sensitive_parameters: Output[dict[str, Any]]
    services: Output[dict[str, Any]]
    processors: Output[dict[str, Any]]
    state: Output[str]
    drain_seconds: Output[float]
    group_id: Output[str]
    server_version: Output[str]
    health: Output[str]
    running: Output[int]
    stopped: Output[int]
    invalid: Output[int]
    queued: Output[int]
    context_version: Output[int]
    salt: Output[str]
    digests: Output[dict[str, str]]

    def __init__(
        self,
        resource_name: str,
        *,
        server: Input[str],
        name: Input[str],
        owner: Input[str],
        processors: Input[Mapping[str, Any]],
        login: Input[Mapping[str, Any]] | None = None,
        parent: Input[str] = "root",
        parameters: Input[Mapping[str, Input[str]]] | None = None,
        sensitive_parameters: Input[Mapping[str, Any]] | None = None,
        services: Input[Mapping[str, Any]] | None = None,
        state: Input[Literal["running", "stopped"]] = "running",
        drain_seconds: Input[float] = 300.0,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "server": server,
            "login": login or {},
            "name": name,
            "owner": owner,
            "parent": parent,
            "parameters": parameters or {},
            "sensitive_parameters": sensitive_parameters or {},
            "services": services or {},
            "processors": processors,
            "state": state,
            "drain_seconds": drain_seconds,
        }
        super().__init__(resource_name, inputs, opts)
