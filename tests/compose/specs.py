"""A small catalogue for tests of composition: components that are described and never run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.base.units import Duration
from alchemesh_platform.connections import FilesConnection
from alchemesh_platform.documents.models import Strict
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.spec import ComponentSpec, Role
from alchemesh_platform.sdk.wiring import Wiring

TABLE_NAME_MAX = 20


class Nothing(Strict):
    """No arguments, no settings."""


class Secret(Strict):
    user: str = Field(description="Who.")
    password: SecretRef = Field(description="Secret of the user.")


class FilesArgs(Strict):
    retention: Duration | None = Field(default=None, description="How long files stay.")


class TableArgs(Strict):
    partition_by: str | None = Field(default=None, description="Property that rows are grouped by.")


class IngestionArgs(Strict):
    path: str = Field(description="Where the files are.")
    format: Literal["csv", "json"] = Field(default="csv", description="Format of the files.")
    login: Secret | None = Field(default=None, description="How to log in.")


class JobArgs(Strict):
    entrypoint: str = Field(description="What is run.")
    env: dict[str, str | SecretRef] = Field(default_factory=dict, description="Environment variables.")


class Cloud(Strict):
    project: str = Field(description="Project of the cloud.")
    region: str = Field(default="europe-west1", description="Region of the cloud.")
    key: SecretRef | None = Field(default=None, description="Key to the cloud.")


class CloudSettings(Strict):
    cloud: Cloud = Field(description="The cloud.")


class TwoGroups(Strict):
    """Settings of two groups, and of one that may be missing."""

    cloud: Cloud = Field(description="The cloud.")
    other: Cloud = Field(description="Another cloud.")
    free: Cloud | None = Field(default=None, description="A cloud that may be missing.")


def check_models(args: TableArgs, settings: CloudSettings, wiring: Wiring) -> Iterator[Objection]:
    """Report an array in a model."""
    for name, model in wiring.models.items():
        for column, declared in model.properties.items():
            if declared.type == "array":
                yield Objection("found an array", "models", (name, "properties", column), hint="leave it out")


def check_table(args: TableArgs, settings: CloudSettings, wiring: Wiring) -> Iterator[Objection]:
    """Report the options that the table does not support."""
    if len(wiring.port) > TABLE_NAME_MAX:
        yield Objection(
            f"found {len(wiring.port)} characters, expected at most {TABLE_NAME_MAX}",
            at="name",
            hint=f"a table of {settings.cloud.project} has no longer name",
        )
    for name, model in wiring.models.items():
        if args.partition_by is not None and args.partition_by not in model.properties:
            yield Objection(
                f"found {args.partition_by!r}, expected a property of model {name!r}", "args", ("partition_by",)
            )
        if any(declared.type == "object" for declared in model.properties.values()):
            yield Objection(f"found an object in model {name!r}, expected plain properties")


def spec(name: str, component_type: str, *roles: Role, **fields: Any) -> ComponentSpec:
    here = "tests.compose.specs"
    defaults: dict[str, Any] = {
        "summary": f"{name} for tests.",
        "version": "1.0.0",
        "maturity": "beta",
        "owner": "tests",
        "stateful": False,
        "component": f"{here}:NotRun",
        "args": f"{here}:Nothing",
        "settings": f"{here}:Nothing",
        "outputs": f"{FilesConnection.__module__}:FilesConnection",
    }
    models = {key: f"{here}:{value}" for key, value in fields.items() if key in {"args", "settings", "check"}}
    return ComponentSpec(name=name, component_type=component_type, roles=roles, **{**defaults, **fields, **models})


SPECS = {
    one.name: one
    for one in (
        spec("disk", "object-storage", Role.STORAGE, Role.INFRASTRUCTURE, args="FilesArgs"),
        spec("bucket", "object-storage", Role.STORAGE, Role.INFRASTRUCTURE, args="FilesArgs", settings="CloudSettings"),
        spec("table", "columnar-table", Role.STORAGE, args="TableArgs", settings="CloudSettings", check="check_table"),
        spec("reader", "file-ingestion", Role.INPUT_PORT, args="IngestionArgs"),
        spec("server", "data-api", Role.PROXY, protocols=("sql", "rest")),
        spec("job", "python-job", Role.CODE, args="JobArgs"),
        spec("neighbour", "data-product-input", Role.INPUT_PORT),
    )
}
COMPONENTS = {one.component_type: one.name for one in SPECS.values() if one.name != "bucket"}


def without(name: str) -> dict[str, ComponentSpec]:
    """The catalogue without one component."""
    return {key: value for key, value in SPECS.items() if key != name}


def altered(component: str, **changes: Any) -> dict[str, ComponentSpec]:
    """The catalogue with one component changed."""
    return {**SPECS, component: replace(SPECS[component], **changes)}
