"""Use cases about input ports: propose a schema, and write it into the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from alchemesh_platform.app.where import Where, read_product
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.base.packages.reference import load_reference
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.sdk.fault import call

if TYPE_CHECKING:
    from alchemesh_platform.app.where import Composed
    from alchemesh_platform.documents.document import Node
    from alchemesh_platform.manifest.models import SourceProperty
    from alchemesh_platform.sdk.proposal import ProposedProperty
    from alchemesh_platform.sdk.wiring import Wiring

    Infer = Callable[[Any, Any, Wiring], Sequence[ProposedProperty]]


class NoProposal(Failure):
    """Raised when there is no such input port, or its component cannot propose a schema."""

    exit_code = ExitCode.USAGE


class SchemaNotWritten(Failure):
    """Raised when a schema cannot be written into the manifest. The manifest stays as it is."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed schema of an input port.

    Args:
        port: Name of the port.
        properties: The properties, in the order of the source.
        product: The product with the port.
    """

    port: str
    properties: tuple[ProposedProperty, ...]
    product: Composed

    def as_json(self) -> dict[str, Any]:
        """The proposal as JSON values."""
        return {
            "port": self.port,
            "properties": {each.name: _plain(each.declared) for each in self.properties},
            "losses": {each.name: list(each.losses) for each in self.properties if each.losses},
        }

    def lines(self) -> Iterator[str]:
        """The properties as lines of YAML."""
        for each in self.properties:
            yield f"{_scalar(each.name)}: {flow(_plain(each.declared))}"


def infer_schema(where: Where, port: str) -> Proposal:
    """Propose a schema for an input port, from all data that its source has now.

    Raises:
        ProblemsFound: with every problem of manifest and platform file.
        NoProposal: when there is no such port, or its component cannot propose a schema.
        Failure: when the source cannot be read, or a component of another package does not end.
    """
    from alchemesh_platform.compose.wiring import planned_wiring

    product = read_product(where, look=True)
    planned = next((each.component for each in product.plan.inputs if each.name == port), None)
    if planned is None:
        names = [each.name for each in product.plan.inputs]
        listed = f"there are {', '.join(names)}" if names else "the product has no input port"
        raise NoProposal(f"no input port {port!r}", hint=did_you_mean(port, names, otherwise=listed))
    if planned.spec.infer is None:
        raise NoProposal(
            f"{planned.spec.name} proposes no schema for port {port!r}",
            hint="it keeps every value as the source sends it; check the types in the code",
        )
    wiring = planned_wiring(product.plan, planned)
    reference = planned.spec.infer

    def propose() -> tuple[ProposedProperty, ...]:
        function = cast("Infer", load_reference(reference))
        return tuple(function(planned.args, planned.settings, wiring))

    properties = call(planned.spec, wiring.address, "its proposal of a schema", propose)
    return Proposal(port, properties, product)


def write_schema(proposal: Proposal) -> Path:
    """Write a proposed schema into the manifest, which keeps its comments and everything else.

    Returns:
        The manifest.

    Raises:
        SchemaNotWritten: when the port has a schema already, or is written in a way that cannot be extended.
    """
    from alchemesh_platform.documents.yaml_source import read_document

    path = proposal.product.manifest.path
    tree, _ = read_document(path)
    node = next((each for _, each in tree.each("input_ports") if _named(each, proposal.port)), None)
    if node is None:
        raise SchemaNotWritten(f"{path} does not declare port {proposal.port!r}", hint="add the schema to its overlay")
    if "schema" in node.keys:
        place = node.keys["schema"].key_location
        raise SchemaNotWritten(f"{place}: port {proposal.port!r} has a schema already", hint="remove it first")
    text = path.read_bytes().decode()
    changed = _with_schema(text, node, proposal)
    _check(text, changed, proposal, str(path))
    mode = path.stat().st_mode
    write_private(path, changed)
    path.chmod(mode)
    return path


def flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(each) for each in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    plain = isinstance(value, str) and value.replace("_", "").isalnum() and value[:1].isalpha()
    reserved = isinstance(value, str) and value.lower() in {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
    return value if plain and not reserved else json.dumps(value, ensure_ascii=False)


def _with_schema(text: str, node: Node, proposal: Proposal) -> str:
    name = node.keys["name"]
    lines = text.splitlines(keepends=True)
    line = lines[name.key_line - 1]
    before = line[: name.key_column - 1]
    if before.rstrip().endswith(("{", ",")):  # the port is written in one line
        schema = flow({each.name: _plain(each.declared) for each in proposal.properties})
        lines[name.key_line - 1] = f"{before}schema: {schema}, {line[name.key_column - 1 :]}"
        return "".join(lines)
    end = "\r\n" if line.endswith("\r\n") else "\n"
    if not line.endswith("\n"):
        lines[name.key_line - 1] = line + end
    indent = " " * (name.key_column - 1)
    block = [f"{indent}schema:{end}", *(f"{indent}  {each}{end}" for each in proposal.lines())]
    lines[name.line : name.line] = block
    return "".join(lines)


def _check(before: str, after: str, proposal: Proposal, file: str) -> None:
    """Read the changed text again: only the schema may differ."""
    from alchemesh_platform.base.problems import ProblemsFound
    from alchemesh_platform.documents.yaml_source import parse

    try:
        old, new = parse(before, file)[0].plain(), parse(after, file)[0].plain()
    except ProblemsFound:
        old, new = None, {}
    for port in (new or {}).get("input_ports", ()):
        if port.get("name") == proposal.port:
            port.pop("schema", None)
    if old != new:
        raise SchemaNotWritten(
            f"{file}: the schema does not fit the way in which port {proposal.port!r} is written",
            hint="add the proposed schema by hand",
        )


def _named(node: Node, name: str) -> bool:
    named = node.keys.get("name")
    return named is not None and named.text == name


def _plain(declared: SourceProperty) -> dict[str, Any]:
    return declared.model_dump(mode="json", exclude_defaults=True)
