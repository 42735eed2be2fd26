"""Limits of a GraphQL query, checked before it is validated or run: a large query is an attack."""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
)

from alchemesh_platform.systems.local.data_api.http.configuration import Limits


def parsed(text: str, limits: Limits) -> DocumentNode:
    """The document of a query, with a bounded number of tokens, fields and levels.

    Raises:
        GraphQLError: when it is no query of GraphQL, or is larger.
    """
    document = parse(
        text,
        max_lexical_tokens=limits.graphql_tokens_max,
        max_comments=limits.graphql_tokens_max,
        max_source_length=limits.body_bytes_max,
    )
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measure = _Measure(fragments, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            measure.check(definition.selection_set)
    return document


class _Measure:
    """Counts the fields and levels of selections. Each fragment is counted once, however often it is used."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode], limits: Limits) -> None:
        self.fragments = fragments
        self.limits = limits
        self.known: dict[str, tuple[int, int]] = {}
        self.open: set[str] = set()

    def check(self, selections: SelectionSetNode) -> None:
        """Check one operation or fragment.

        Raises:
            GraphQLError: when it has too many fields or levels.
        """
        try:
            fields, depth = self.of(selections)
        except RecursionError:
            fields, depth = 0, self.limits.graphql_depth_max + 1
        if fields > self.limits.graphql_fields_max:
            raise GraphQLError(f"the query has more than {self.limits.graphql_fields_max} fields")
        if depth > self.limits.graphql_depth_max:
            raise GraphQLError(f"the query has more than {self.limits.graphql_depth_max} levels")

    def of(self, selections: SelectionSetNode) -> tuple[int, int]:
        """Number of fields, and of levels. A fragment that uses itself counts once: validation refuses it."""
        fields = depth = 0
        for selection in selections.selections:
            more = below = 0
            if isinstance(selection, FieldNode):
                more, below = self.of(selection.selection_set) if selection.selection_set else (0, 0)
                more, below = more + 1, below + 1
            elif isinstance(selection, InlineFragmentNode):
                more, below = self.of(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode):
                more, below = self._of_fragment(selection.name.value)
                more += 1  # a fragment without fields costs time too
            fields, depth = fields + more, max(depth, below)
        return fields, depth

    def _of_fragment(self, name: str) -> tuple[int, int]:
        if name not in self.fragments or name in self.open:
            return 0, 0
        if name not in self.known:
            self.open.add(name)
            self.known[name] = self.of(self.fragments[name].selection_set)
            self.open.discard(name)
        return self.known[name]


def _introspects(selection: Any) -> bool:
    return isinstance(selection, FieldNode) and selection.name.value in ("__schema", "__type")


def check_values(document: DocumentNode, variables: dict[str, Any] | None, limits: Limits) -> None:
    """Check how many values the fields of a query may read together: their rows times their columns.

    Raises:
        GraphQLError: when there may be too many.
    """
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    measure = _Measure(fragments, limits)
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        values = 0
        for field in _root_fields(definition.selection_set, fragments, set()):
            columns = measure.of(field.selection_set)[0] if field.selection_set else 0
            values += 0 if _introspects(field) else _rows(field, variables or {}, limits) * columns
        if values > limits.graphql_values_max:
            raise GraphQLError(
                f"the query may read {values} values, more than {limits.graphql_values_max}: "
                "give each field a smaller `limit`, or select fewer columns"
            )


def _root_fields(
    selections: SelectionSetNode, fragments: dict[str, FragmentDefinitionNode], opened: set[str]
) -> list[FieldNode]:
    found: list[FieldNode] = []
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            found.append(selection)
        elif isinstance(selection, InlineFragmentNode):
            found += _root_fields(selection.selection_set, fragments, opened)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value in fragments:
            name = selection.name.value
            if name not in opened:
                found += _root_fields(fragments[name].selection_set, fragments, {*opened, name})
    return found


def _rows(field: FieldNode, variables: dict[str, Any], limits: Limits) -> int:
    for argument in field.arguments or ():
        if argument.name.value == "limit":
            value: Any = None
            if isinstance(argument.value, IntValueNode):
                value = int(argument.value.value)
            elif isinstance(argument.value, VariableNode):
                value = variables.get(argument.value.name.value)
            if isinstance(value, int):
                return min(max(value, 0), limits.graphql_rows_max)
    return limits.graphql_rows_max
