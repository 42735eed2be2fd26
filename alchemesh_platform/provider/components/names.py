"""Names of properties: camel case in programs, and those of manifests and platform files in components.

The JSON Schema of a model decides which names are translated. Keys of maps, such as names of models, stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from alchemesh_platform.provider.difference import join
from alchemesh_platform.sdk.system.resource import camel_case

Schema = Mapping[str, Any]
Rename = Callable[[Mapping[str, Schema]], dict[str, str]]


class Names:
    """The names of the properties of one model.

    Args:
        document: JSON Schema of the model.
    """

    def __init__(self, document: Schema) -> None:
        self._document = document
        self._definitions: Mapping[str, Schema] = document.get("$defs", {})

    def to_component(self, tree: Any) -> Any:
        """Values of a program, with the names that the component's models know."""
        return self._renamed(tree, self._document, _from_program)

    def to_program(self, tree: Any, field: str | None = None) -> Any:
        """Values of a component, or of one of its fields, with the names that programs know."""
        schema = self._document if field is None else self._document.get("properties", {}).get(field, {})
        return self._renamed(tree, schema, _for_program)

    def path(self, steps: tuple[str | int, ...]) -> str:
        """The path of a value in a program: ``settings.local.root``, ``partitionBy[1]``."""
        path = ""
        schemas: list[Schema] = [self._document]
        for step in steps:
            if isinstance(step, int):
                path = join(path, step)
                schemas = [item for schema in self._forms(schemas) if (item := schema.get("items"))]
                continue
            known = self._known(schemas)
            if step in known:
                name = camel_case(step)
                schemas = [known[step]]
            else:
                name = step  # a key of a map, or a name that the model does not know
                schemas = [values for schema in self._forms(schemas) if (values := values_of(schema))]
            path = join(path, name)
        return path

    def _renamed(self, tree: Any, schema: Schema, rename: Rename) -> Any:
        forms = list(self._forms([schema]))
        if isinstance(tree, Mapping):
            known = self._known(forms)
            names = rename(known)
            others: Schema = next((values for form in forms if (values := values_of(form))), {})
            schemas = {**{new: known.get(old, known.get(new, {})) for old, new in names.items()}, **known}
            renamed: dict[str, Any] = {names.get(str(name), str(name)): value for name, value in tree.items()}
            return {name: self._renamed(value, schemas.get(name, others), rename) for name, value in renamed.items()}
        if isinstance(tree, list | tuple):
            items: Schema = next((form["items"] for form in forms if isinstance(form.get("items"), Mapping)), {})
            return [self._renamed(item, items, rename) for item in tree]
        return tree

    def _known(self, schemas: list[Schema]) -> dict[str, Schema]:
        return {name: found for form in self._forms(schemas) for name, found in form.get("properties", {}).items()}

    def _forms(self, schemas: list[Schema]) -> Iterator[Schema]:
        """The schemas behind references and unions."""
        for schema in schemas:
            if "$ref" in schema:
                yield from self._forms([self._definitions[schema["$ref"].rpartition("/")[2]]])
            elif members := [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]:
                yield from self._forms(members)
            else:
                yield schema


def values_of(schema: Schema) -> Schema:
    """The schema of the values of a map; empty if they may be anything."""
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        return extra
    patterns: Mapping[str, Schema] = schema.get("patternProperties", {})
    return next(iter(patterns.values()), {})


def _from_program(known: Mapping[str, Schema]) -> dict[str, str]:
    return {camel_case(name): name for name in known}


def _for_program(known: Mapping[str, Schema]) -> dict[str, str]:
    return {name: camel_case(name) for name in known}
