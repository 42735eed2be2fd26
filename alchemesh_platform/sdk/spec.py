"""The spec of a component: the platform's knowledge of it without running it.

A spec names its models and its class by reference (``"module:Name"``) and imports neither pydantic nor Pulumi, so
that the catalogue can be listed in the time it takes to start Python (docs/adr/0003-specs-by-reference.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, cast

from alchemesh_platform.base.reference import load_reference

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


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A component of the catalogue.

    Args:
        name: Its name in a platform file: ``delta-table``.
        component_type: The type that it implements, as manifests ask for it: ``columnar-table``.
        roles: The places in a product that it can take.
        summary: One sentence for the catalogue.
        version: Semantic version of the component.
        maturity: Maturity of the component.
        owner: The platform team that maintains it.
        stateful: Whether it holds data. By default, removal keeps the data.
        component: ``"module:Class"``, a :class:`alchemesh_platform.sdk.component.Component`.
        args: ``"module:Model"``, what a product team sets.
        settings: ``"module:Model"``, what a platform team sets; its fields are groups of the platform file's settings.
        outputs: ``"module:Model"``, what it gives to the product's code.
        protocols: The protocols of a proxy.
        observe: ``"module:function"``, from the component's connection to an
            :class:`alchemesh_platform.sdk.observation.Observation`; None when it cannot be observed. Where it has a
            parameter ``environ``, it gets the variables by which clients find emulators.
        run: ``"module:function"``, for code: runs it once, see :mod:`alchemesh_platform.sdk.code_run`.
        check: ``"module:function"``, pure, from arguments, settings and wiring to what the component cannot do, see
            :class:`alchemesh_platform.sdk.objection.Objection`; runs whenever a manifest is composed.
        look: ``"module:function"``, the same of what is missing in the product's folder; runs where a manifest is
            composed in its folder, and not where a product is composed from its record.
        guards: Whether only granted consumers have access, see
            :meth:`alchemesh_platform.sdk.component.Component.grant`.
        required_identity: Kind of identity (:mod:`alchemesh_platform.sdk.code_identity`) that a product must have
            before this component can grant it access; None where the component creates the credential itself.
        depends_on: Foundations whose outputs it refers to, where the environment has them.
        extras: Optional parts of packages that it needs to be deployed: ``("my-package[clickhouse]",)``. Where one is
            not installed, the component is reported at its line, with the command that installs it.
        plugins: Pulumi packages whose plugins its resources need, beside ours: ``("kafka",)``.
    """

    name: str
    component_type: str
    roles: tuple[Role, ...]
    summary: str
    version: str
    maturity: Maturity
    owner: str
    stateful: bool
    component: str
    args: str
    settings: str
    outputs: str
    protocols: tuple[str, ...] = ()
    observe: str | None = None
    run: str | None = None
    check: str | None = None
    look: str | None = None
    guards: bool = False
    required_identity: str | None = None
    depends_on: tuple[Role, ...] = ()
    extras: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()

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
