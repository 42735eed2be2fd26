"""The wiring that a program gives to a component, by the role of the component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import ConfigDict, Field

from alchemesh_platform.base.units import Duration
from alchemesh_platform.manifest.models import Protocol, SemanticModel, SourceProperty
from alchemesh_platform.sdk.models import Identifier, Name, Strict
from alchemesh_platform.sdk.spec import ComponentSpec, Role
from alchemesh_platform.sdk.wiring import Wiring


class ComponentWiring(Strict):
    """Place of a component: names and labels contain it. Two components of one stack need different places."""

    environment: Name | None = Field(default=None, description="Environment; by default the name of the stack.")
    domain: Name | None = Field(default=None, description="Data domain; by default `standalone`.")
    product: Name | None = Field(default=None, description="Data product; by default the project of the program.")
    port: Name | None = Field(
        default=None, description="Port or need of the product; by default the name of the resource."
    )
    team: Name | None = Field(default=None, description="Technical team that owns the product.")
    product_version: str | None = Field(default=None, description="Version of the product.")
    product_root: str | None = Field(
        default=None, description="Folder where relative paths in arguments start; by default the plugin's folder."
    )
    foundations: Mapping[str, Mapping[str, Any]] | None = Field(
        default=None, description="Outputs of the foundations of the environment, by role: `platform`, `domain`."
    )

    def wiring(self, name: str, program: str, environment: str) -> Wiring:
        """The wiring of a component.

        Args:
            name: Name of its resource.
            program: Project of the program.
            environment: Stack of the program.
        """
        given = {name: getattr(self, name) for name in type(self).model_fields}
        given["schema"] = given.pop("declared_schema", None)
        standalone = Wiring.standalone(name, program=program, environment=environment)
        return replace(standalone, **{name: value for name, value in given.items() if value is not None})


class NeedWiring(ComponentWiring):
    """Place of a component that keeps data, with the models of the data where it has any."""

    models: Mapping[Identifier, SemanticModel] | None = Field(
        default=None, description="Models of the data, by name, as a manifest describes them."
    )


class StorageWiring(ComponentWiring):
    """Place of a storage, and the models of its data."""

    models: Mapping[Identifier, SemanticModel] = Field(
        min_length=1, description="Models of the data, by name, as a manifest describes them."
    )
    access: Literal["restricted", "internal", "public"] | None = Field(
        default=None, description="Audience of the data, from its contract; by default it has none."
    )
    freshness: Duration | None = Field(
        default=None, description="Longest time from a change of the storage until consumers read it."
    )


class ProxyWiring(StorageWiring):
    """Place of a proxy, and the storage whose data it serves."""

    protocols: tuple[Protocol, ...] = Field(min_length=1, description="Protocols that the proxy offers.")
    storage: Mapping[str, Any] = Field(
        min_length=1, description="The storage whose data the proxy serves: the `connection` of its component."
    )
    storage_component: Name | None = Field(default=None, description="Name of the storage's component.")


class InputPortWiring(ComponentWiring):
    """Place of an input port, and the schema of the incoming data."""

    model_config = ConfigDict(protected_namespaces=())

    origin: str | None = Field(default=None, description="Output port that the data comes from: domain/product/port.")
    declared_schema: Mapping[Identifier, SourceProperty] | None = Field(
        default=None, alias="schema", description="Schema of the incoming data. It is enforced."
    )


class CodeWiring(ComponentWiring):
    """Place of code, and the data that it reads and writes."""

    connections: Mapping[str, Any] | None = Field(
        default=None,
        description='Data of the code: `{"inputs": {port: {"storage": …}}, "outputs": {…}, "infrastructure": {…}}`, '
        "with the `connection` of each component.",
    )
    needs: Mapping[Name, str] | None = Field(default=None, description="Component type of each need, by name.")
    upstream: Mapping[Name, str] | None = Field(
        default=None,
        description="Output port that each input port reads: domain/product/port, by input port.",
    )


# Fields of a wiring that hold outputs of other resources. A component receives them as they are, known or not.
OUTPUTS_OF_OTHERS = frozenset({"storage", "connections", "foundations"})


def wiring_model(spec: ComponentSpec) -> type[ComponentWiring]:
    """The model of the wiring that a component takes."""
    roles = set(spec.roles)
    if Role.PROXY in roles:
        return ProxyWiring
    if roles == {Role.STORAGE}:
        return StorageWiring
    if Role.STORAGE in roles:
        return NeedWiring
    if Role.INPUT_PORT in roles:
        return InputPortWiring
    return CodeWiring if Role.CODE in roles else ComponentWiring
