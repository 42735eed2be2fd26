"""Case files: arguments of a component, and the resources, outputs and reports that they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from alchemesh_platform.base.units import Duration
from alchemesh_platform.documents.json_schema import WrittenSchema
from alchemesh_platform.sdk.consumer import RequesterKind
from alchemesh_platform.sdk.models import SemanticModel, SourceProperty, Strict
from alchemesh_platform.sdk.spec import Role

CASE_FILE = "case.yml"
FOLDER = "{folder}"  # in a text of a case: a new, empty folder of this machine


def _below(path: str) -> str:
    if not path or path.startswith(("/", "~")) or ":" in path or ".." in Path(path).parts:
        raise ValueError(f"found the path {path!r}, expected one below the folder of the case")
    return path


FilePath = Annotated[str, AfterValidator(_below)]


class CaseWiring(Strict):
    """The place of the component in a product. Each field has a default."""

    environment: str = Field(default="local", description="Environment that the product is deployed to.")
    domain: str = Field(default="standalone", description="Data domain of the product.")
    product: str = Field(default="standalone", description="Name of the product.")
    team: str = Field(default="", description="Technical team of the product.")
    port: str = Field(default="standalone", description="The port or need; `code` for the product's code.")
    part: str = Field(default="", description="For a component inside another one: its part of the port.")
    role: Role | Literal[""] = Field(default="", description="The role in which the component is used.")
    models: dict[str, SemanticModel] = Field(default_factory=dict, description="Models of the port, by name.")
    protocols: tuple[str, ...] = Field(default=(), description="For a proxy: the protocols that it must offer.")
    access: str = Field(default="", description="Audience of the port: restricted, internal or public.")
    freshness: Duration | None = Field(default=None, description="Longest time until consumers read a change.")
    storage: dict[str, Any] = Field(default_factory=dict, description="For a proxy: the outputs of the port's storage.")
    storage_component: str = Field(default="", description="For a proxy: the component of the port's storage.")
    origin: str | None = Field(default=None, description="For an input port from a product: `domain/product/port`.")
    declared_schema: dict[str, SourceProperty] | None = Field(
        default=None, alias="schema", description="For an input port: properties of its declared schema."
    )
    connections: dict[str, Any] = Field(default_factory=dict, description="For code: outputs of the other components.")
    needs: dict[str, str] = Field(default_factory=dict, description="Component type of each need, by name.")
    upstream: dict[str, str] = Field(
        default_factory=dict, description="For code: the port of another product that each input port reads, by name."
    )
    foundations: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Outputs of the shared stacks, by role: platform, domain."
    )
    product_version: str = Field(default="0.0.0", description="Version of the product.")
    product_root: str = Field(default=".", description="Folder of the manifest; `{folder}` has the case's files.")


class CaseIdentity(Strict):
    """The identity of the product's code, to which `admit` grants access."""

    kind: str = Field(description="Kind of identity, which a system registers.")
    name: str = Field(description="Name of the identity in that system.")
    granted_needs: tuple[str, ...] = Field(default=(), description="Needs that the code has access to by itself.")


class CaseConsumer(Strict):
    """The consumer, to which `grant` grants access."""

    request: str = Field(description="Address of the access request.")
    kind: RequesterKind = Field(description="Kind of the requester.")
    address: str = Field(description="Address of the requester.")
    users: tuple[str, ...] = Field(default=(), description="Emails of the people behind it.")
    teams: tuple[str, ...] = Field(default=(), description="Addresses of the teams behind it.")
    product: str | None = Field(default=None, description="Address of the data product.")
    ends_at: datetime | None = Field(default=None, description="The time at which access expires.")
    deployed: bool = Field(default=False, description="Whether the product is deployed.")
    identity: CaseIdentity | None = Field(default=None, description="Identity of the product's code.")


class CaseResource(Strict):
    """A resource that the component declares."""

    type: str = Field(description="Pulumi type.")
    name: str = Field(description="Name of the resource.")
    inputs: dict[str, Any] = Field(default_factory=dict, description="Inputs, with the names of Pulumi.")


class CaseSecrets(Strict):
    """Values that are secret. The kit reports each place where one of them is not marked as a secret."""

    environment: dict[str, str] = Field(
        default_factory=dict, description="Environment variable: value. The kit sets it while the case runs."
    )
    outputs: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Pulumi type: properties in `computed` that the provider marks as secret."
    )


class CaseObjection(Strict):
    """A problem that `check` or `look` must report."""

    message: str = Field(description="The whole message, or a part of it.")
    at: Literal["args", "name", "models", "component"] = Field(default="component", description="Its subject.")
    path: tuple[str | int, ...] = Field(default=(), description="The place in the arguments or models.")


class CaseObservation(Strict):
    """A call of `observe`, and the health that it must report."""

    health: Literal["healthy", "unhealthy", "unknown", "empty"] = Field(description="The health.")
    reason: str = Field(default="", description="A part of the reason.")
    connection: dict[str, Any] | None = Field(default=None, description="The connection; by default the outputs.")
    files: dict[FilePath, str] = Field(default_factory=dict, description="Files below `{folder}`, which exist then.")
    environ: dict[str, str] = Field(default_factory=dict, description="Environment variables of the call.")


class CaseInference(Strict):
    """The proposal of `infer`, or the failure that it must report."""

    properties: dict[str, dict[str, Any]] = Field(default_factory=dict, description="The proposed schema.")
    fails: str = Field(default="", description="A part of the message of the failure.")


class CaseDeployment(Strict):
    """How the case is deployed with the real engine: values that replace those of the case."""

    args: dict[str, Any] | None = Field(default=None, description="Arguments.")
    settings: dict[str, Any] | None = Field(default=None, description="Settings; `{folder}` is an empty folder.")
    storage: dict[str, Any] | None = Field(default=None, description="Outputs of the port's storage.")
    data: dict[FilePath, str] = Field(
        default_factory=dict, description="Files below `{folder}` that are written after the deployment, as its data."
    )
    kept: tuple[str, ...] = Field(
        default=(), description="Names of the resources whose objects stay after `destroy`; all others must be gone."
    )


class Case(Strict):
    """Arguments of the component, and what they give."""

    name: str = Field(min_length=1, description="Title of the case, in a few words.")
    resource_name: str = Field(default="thing", description="Name of the component's Pulumi resource.")
    args: dict[str, Any] = Field(default_factory=dict, description="Arguments, as a manifest has them.")
    settings: dict[str, Any] = Field(default_factory=dict, description="Settings, as a platform file has them.")
    wiring: CaseWiring = Field(default_factory=CaseWiring, description="The place of the component in a product.")
    files: dict[FilePath, str] = Field(default_factory=dict, description="Files below `{folder}`, by their path.")
    secrets: CaseSecrets = Field(default_factory=CaseSecrets, description="The secret values of the case.")
    admit: CaseIdentity | None = Field(default=None, description="Identity that gets access by `admit`.")
    grant: CaseConsumer | None = Field(default=None, description="Consumer that gets access by `grant`.")
    computed: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Pulumi type: the outputs that its provider computes."
    )
    resources: tuple[CaseResource, ...] | None = Field(default=None, description="All resources, in any order.")
    outputs: dict[str, Any] | None = Field(default=None, description="All outputs of the component.")
    objections: tuple[CaseObjection, ...] = Field(
        default=(), description="Problems that `check` and `look` report. The case then declares no resources."
    )
    observe: tuple[CaseObservation, ...] = Field(default=(), description="Calls of `observe`.")
    infer: CaseInference | None = Field(default=None, description="The result of `infer`.")
    engine: CaseDeployment | None = Field(default=None, description="How the case is deployed with the real engine.")

    @property
    def is_refused(self) -> bool:
        """Whether the platform refuses this use of the component."""
        return bool(self.objections)

    @model_validator(mode="after")
    def _resources_or_objections(self) -> Case:
        if self.is_refused and (self.resources or self.outputs):
            raise ValueError("found objections and resources, expected one of them: a refused use declares nothing")
        if not self.is_refused and (self.resources is None or self.outputs is None):
            raise ValueError("expected `resources` and `outputs`, or `objections`")
        return self


class CaseFile(Strict):
    """The cases of one component."""

    cases: Annotated[tuple[Case, ...], Field(min_length=1)] = Field(description="The cases; each has a name.")

    @model_validator(mode="after")
    def _names_are_unique(self) -> CaseFile:
        names = [case.name for case in self.cases]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"found two cases with the name {twice[0]!r}, expected different names")
        return self


@dataclass(frozen=True, slots=True)
class ReadCases:
    """A case file that was read.

    Args:
        file: The file.
        cases: Its cases; none if it has problems.
        lines: The line at which each case begins.
        problems: Line and message of each problem.
    """

    file: Path
    cases: tuple[Case, ...] = ()
    lines: tuple[int, ...] = ()
    problems: tuple[tuple[int, str], ...] = ()

    def line_of(self, case: Case) -> int:
        """The line at which a case begins."""
        return next((line for each, line in zip(self.cases, self.lines, strict=False) if each is case), 1)


def read_cases(file: Path) -> ReadCases:
    """Read a case file; its problems are part of the result."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = file.read_bytes()
        root = yaml.compose(text, Loader=loader)
        document = yaml.load(text, Loader=loader)  # noqa: S506 both loaders are safe
    except FileNotFoundError:
        return ReadCases(file, problems=((0, "no such file, expected the cases of the component"),))
    except OSError as error:
        return ReadCases(file, problems=((0, f"cannot be read: {error.strerror}"),))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        return ReadCases(file, problems=((mark.line + 1 if mark else 1, f"no YAML: {reason}"),))
    try:
        read = CaseFile.model_validate(document)
    except ValidationError as error:
        return ReadCases(file, problems=tuple(_problems(error, root)))
    nodes = _at(root, ("cases",))
    lines = tuple(node.start_mark.line + 1 for node in nodes.value) if nodes is not None else ()
    return ReadCases(file, read.cases, lines)


def in_folder(value: Any, folder: str) -> Any:
    """A value of a case with the placeholder for its folder replaced."""
    if isinstance(value, str):
        return value.replace(FOLDER, folder)
    if isinstance(value, Mapping):
        return {key: in_folder(each, folder) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [in_folder(each, folder) for each in value]
    return value


def case_file_schema() -> dict[str, Any]:
    """The JSON Schema of a case file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **CaseFile.model_json_schema(by_alias=True, schema_generator=WrittenSchema),
    }


def _problems(error: ValidationError, root: yaml.Node | None) -> Iterator[tuple[int, str]]:
    for each in error.errors(include_url=False):
        node = _at(root, each["loc"])
        where = ".".join(str(step) for step in each["loc"])
        message = each["msg"].removeprefix("Value error, ")
        yield (node.start_mark.line + 1 if node is not None else 1), f"{where or 'the file'}: {message}"


def _at(node: yaml.Node | None, path: Sequence[str | int]) -> yaml.Node | None:
    """The node at a path, or the last one on the way to it."""
    for step in path:
        below: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            below = next((value for key, value in node.value if key.value == str(step)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            below = node.value[step]
        if below is None:
            return node
        node = below
    return node
