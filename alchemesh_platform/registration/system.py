"""The declaration of a system: everything that one technology or cloud adds to the platform.

A system names its parts by reference (``"module:Name"``), so that listing systems imports none of them. A package
declares its systems as entry points of the group ``alchemesh.systems``::

    [project.entry-points."alchemesh.systems"]
    acme = "acme_alchemesh.system:SYSTEM"

The platform's own systems register the same way (docs/adr/0034-systems-register.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alchemesh_platform.registration.protocol import AccessProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One technology or cloud, with the parts that the platform uses.

    Args:
        name: Name of the system, equal to the name of its entry point: ``kafka``.
        summary: One sentence for a list of systems.
        handlers: Resource type of the `alchemesh` provider: ``"module:Class"``, a
            :class:`alchemesh_platform.provider.handler.Handler`. Types are named ``alchemesh:SYSTEM:Type``.
        connections: Kind of connection: ``"module:Class"``, a subclass of
            :class:`alchemesh_platform.sdk.connections.base.Connection`.
        credentials: Kind of connection: ``"module:Name"``, a
            :class:`alchemesh_platform.sdk.system.credential.Credentials`: issues and ends the credentials of consumers.
        subscribers: Kind of connection: ``"module:Name"``, a
            :class:`alchemesh_platform.sdk.system.subscription.SubscriberAccess`. It prepares a connection of that kind
            for other products' code.
        protocols: Protocols by which its proxies give access.
        errors: ``"module:Name"``, a :class:`alchemesh_platform.sdk.system.errors.SystemErrors`: hints on the system's
            errors.
        import_ids: Pulumi package: ``"module:function"``. The function takes a resource's type, its inputs and its
            provider's configuration, and returns the id for an import, or None if it has none.
        identities: Kind of identity that code can have (:mod:`alchemesh_platform.sdk.code.identity`): its description.
        servers: Settings, as group and name, that hold addresses of servers without an emulator. An emulated run
            rejects servers on other machines.
        emulation: ``"module:Name"``, an :class:`alchemesh_platform.sdk.system.emulation.Emulation`: the system's part
            of an emulated environment.
        checks: Name: ``"module:function"``, for `alchemesh doctor`. The function takes the environment's platform and
            returns its finding, or raises a Failure with the fix.
        retained: ``"module:Name"``, an :class:`alchemesh_platform.sdk.system.retained.RetainedData`: finds and deletes
            data that stayed when its resource was removed.
        erasures: Kind of connection of a storage: ``"module:Name"``, an
            :class:`alchemesh_platform.sdk.system.erasure.Erasure`: erases rows of its tables. The kind may name a
            format after a slash: ``tables/bigquery``.
        data: Kind of connection: ``"module:Name"``, an :class:`alchemesh_platform.data.backend.Backend`: reads and
            writes rows for a product's code. The kind may be narrowed by the connection's format, broker or the scheme
            of its URL: ``tables/delta``, ``topic/kafka``, ``files/gs``.
        probes: Kind of connection, narrowed as for ``data``: ``"module:Name"``, a
            :class:`alchemesh_platform.sdk.probes.probe.Probes`: asks a port as a consumer, to measure its uptime and
            response time.
        metering: Kind of connection: ``"module:Name"``, a :class:`alchemesh_platform.sdk.system.usage.Metering`: the
            sources of usage of a port. The kind may be narrowed in the same way.
        objects: Pulumi type of another provider's resource: ``"module:Name"``, a
            :class:`alchemesh_platform.sdk.system.cloud_object.CloudObject`: finds the owner and the data of such an
            object.
    """

    name: str
    summary: str
    handlers: Mapping[str, str] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    subscribers: Mapping[str, str] = field(default_factory=dict)
    protocols: tuple[AccessProtocol, ...] = ()
    errors: str | None = None
    import_ids: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[tuple[str, str], ...] = ()
    emulation: str | None = None
    checks: Mapping[str, str] = field(default_factory=dict)
    retained: str | None = None
    erasures: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    probes: Mapping[str, str] = field(default_factory=dict)
    metering: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
