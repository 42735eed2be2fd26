"""The cases of the catalogue's components as documents, and stand-ins for the engine that keep what they declare.

The conformance kit tests the components by these cases. Tests of single components use them as a start.
"""

from __future__ import annotations

from typing import Any

import pulumi

from alchemesh_platform.catalog.case_file import case_file_of
from alchemesh_platform.catalog.discover import discover
from tests.cases import read_yaml

CATALOG = discover()
CASES: list[tuple[str, dict[str, Any]]] = [
    (name, case)
    for name in sorted(CATALOG)
    for case in read_yaml(case_file_of(CATALOG[name]))["cases"]
    if "resources" in case  # the others are uses that the component refuses
]


class Recorder(pulumi.runtime.Mocks):
    """Replaces the engine: keeps each declared resource, and answers with the outputs of the case."""

    def __init__(self, computed: dict[str, dict[str, Any]]) -> None:
        self.computed = computed
        self.declared: list[dict[str, Any]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = {key: value for key, value in args.inputs.items() if value is not None}
        if args.custom:
            self.declared.append({"type": args.typ, "name": args.name, "inputs": inputs})
        return f"{args.name}-id", {**inputs, **self.computed.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}
