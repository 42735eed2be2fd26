"""The spec of a component. It describes the component to the platform without running it.

A spec names its models and its class by reference (``"module:Name"``) and imports neither pydantic nor Pulumi, so that
the platform lists the catalogue without slow imports (docs/adr/0003-specs-by-reference.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from alchemesh_platform.base.packages.reference import load_reference

if TYPE_CHECKING:
    from pydantic import BaseModel

    from alchemesh_platform.sdk.component import Component

Maturity = Literal["experimental", "beta", "stable", "deprecated"]


class Role(StrEnum):
    """The role of a component: in a data product, or in a shared stack."""

    INPUT_PORT = "input port"
    STORAGE = "storage"
    PROXY = "proxy"
    INFRASTRUCTURE = "infrastructure"
    CODE = "code"
    PLATFORM = "platform"
    DOMAIN = "domain"


FOUNDATIONS = (Role.PLATFORM, Role.DOMAIN)


class Permission(NamedTuple):
    """A permission that the identity needs which deploys a component: its name in its system, and its purpose."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A component of the catalogue.

    Args:
        name: Its name in a platform file: ``delta-table``.
        component_type: The component type that it implements, as manifests name it: ``columnar-table``.
        roles: The places in a product that it can take.
        summary: One sentence for the catalogue.
        version: Version of the component; by default, the version of its package.
        maturity: Maturity of the component.
        owner: The platform team that maintains it.
        stateful: Whether it holds data. By default, removal keeps the data.
        component: ``"module:Class"``, a :class:`alchemesh_platform.sdk.component.Component`.
        args: ``"module:Model"``, the arguments that a product team sets.
        settings: ``"module:Model"``, the settings that a platform team sets. Its fields are groups of settings of the
            platform file.
        outputs: ``"module:Model"``, the connection that it provides to the product's code.
        protocols: The protocols of a proxy.
        provides: For a storage: the form of its data, which proxies name in ``serves``: ``delta-tables``.
        serves: For a proxy: the forms of data that it can serve. The platform refuses it over a storage that provides
            another form; empty for every form.
        observe: ``"module:function"``. The function takes the component's connection and returns an
            :class:`alchemesh_platform.sdk.observation.Observation`, or None if it has nothing to look at. The field is
            None if the component cannot be observed. If the function has a parameter ``environ``, it receives the
            variables that point clients to the emulators. A parameter ``consumer`` receives the name of the identity of
            a product that reads the port.
        measure: For a storage: ``"module:function"``. The function takes a
            :class:`alchemesh_platform.sdk.quality.MeasuredPort` and returns the open
            :class:`alchemesh_platform.sdk.quality.Tables` of the port, which count rows for `alchemesh observe` and
            `alchemesh contract verify`. ``"alchemesh_platform.sdk.quality:by_rows"`` measures every storage whose rows
            a product's code can read. None if the rows cannot be counted.
        run: For code: ``"module:function"``. The function runs the code once, see
            :mod:`alchemesh_platform.sdk.code.run`.
        engine: For code that an engine starts: ``"module:ENGINE"``, a
            :class:`alchemesh_platform.sdk.code.engine.CodeEngine`. `alchemesh run` asks the engine to start a run.
        check: ``"module:function"``. The function is pure. It takes arguments, settings and wiring, and yields an
            :class:`alchemesh_platform.sdk.objection.Objection` for each problem. It runs whenever the platform composes
            a manifest.
        holds: ``"module:function"``. The function is pure. It takes arguments, settings and wiring, and yields a
            :class:`alchemesh_platform.sdk.system.cloud_object.HeldObject` for each object in a cloud that holds its
            data. Before a deployment, the platform refuses an object of another owner, and the loss of data.
        infer: For an input port: ``"module:function"``. The function takes arguments, settings and wiring, reads all
            data of the source, and returns a :class:`alchemesh_platform.sdk.proposal.ProposedProperty` for each column.
        look: ``"module:function"``. Like ``check``, for files that are missing in the product's folder. It runs when
            the platform composes a manifest from its folder, and not when it composes a product from its record.
        guards: Whether only granted consumers have access, see
            :meth:`alchemesh_platform.sdk.component.Component.grant`.
        required_identity: Kind of identity (:mod:`alchemesh_platform.sdk.code.identity`) that a product must have
            before this component can grant it access; None if the component creates the credential itself.
        enforces_schema: For an input port: whether every row is checked against the schema that the port declares. The
            platform refuses a declared schema at other components.
        depends_on: Foundations whose outputs it uses, if the environment has them.
        extras: Extras of packages that its deployment needs: ``("my-package[clickhouse]",)``. If one is not installed,
            the platform reports the component at its line, with the command that installs the extra.
        type_in_state: Name in the type of the component in the state of deployed stacks, if that is a former name.
        plugins: Pulumi packages whose plugins its resources need, besides the platform's own plugin: ``("kafka",)``.
        permissions: Permissions that the identity needs which deploys it, in the systems of its resources.
    """

    name: str
    component_type: str
    roles: tuple[Role, ...]
    summary: str
    version: str = field(default="", kw_only=True)
    maturity: Maturity
    owner: str
    stateful: bool
    component: str
    args: str
    settings: str
    outputs: str
    protocols: tuple[str, ...] = ()
    provides: str | None = None
    serves: tuple[str, ...] = ()
    observe: str | None = None
    measure: str | None = None
    run: str | None = None
    engine: str | None = None
    check: str | None = None
    holds: str | None = None
    infer: str | None = None
    look: str | None = None
    guards: bool = False
    required_identity: str | None = None
    enforces_schema: bool = False
    depends_on: tuple[Role, ...] = ()
    extras: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    type_in_state: str | None = None

    @property
    def pulumi_type(self) -> str:
        """Type of its resource in the state of stacks."""
        return f"alchemesh:components:{self.type_in_state or self.name}"

    def args_model(self) -> type[BaseModel]:
        """The pydantic model of the arguments."""
        return cast("type[BaseModel]", load_reference(self.args))

    def settings_model(self) -> type[BaseModel]:
        """The pydantic model of the settings."""
        return cast("type[BaseModel]", load_reference(self.settings))

    def outputs_model(self) -> type[BaseModel]:
        """The pydantic model of the outputs."""
        return cast("type[BaseModel]", load_reference(self.outputs))

    def component_class(self) -> type[Component[Any, Any]]:
        """The Pulumi component; imports Pulumi."""
        return cast("type[Component[Any, Any]]", load_reference(self.component))
