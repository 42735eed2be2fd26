"""Queries in the form of roapi, as queries of the schema.

roapi takes `filter: {carrier: "UA"}` for equality, and texts where the schema has the values of an enum.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    NameNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    Visitor,
    visit,
)

_NAMES = {"lteq": "lte", "gteq": "gte", "noteq": "neq"}


def rewritten(document: DocumentNode) -> DocumentNode:
    """The same query, with each condition as an object, and each column and direction as a value of its enum."""
    found: DocumentNode = visit(document, _Rewriter())
    return found


class _Rewriter(Visitor):
    def leave_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | None:
        if node.name.value == "filter" and isinstance(node.value, ObjectValueNode):
            fields = tuple(ObjectFieldNode(name=each.name, value=_condition(each.value)) for each in node.value.fields)
            return ArgumentNode(name=node.name, value=ObjectValueNode(fields=fields), loc=node.loc)
        return None

    def leave_object_field(self, node: ObjectFieldNode, key: Any, parent: Any, path: Any, ancestors: Any) -> Any:
        argument = next((each for each in ancestors if isinstance(each, ArgumentNode)), None)
        if argument is None or argument.name.value != "sort":
            return None
        if node.name.value in ("field", "order") and isinstance(node.value, StringValueNode):
            return ObjectFieldNode(name=node.name, value=EnumValueNode(value=node.value.value, loc=node.value.loc))
        return None


def _condition(value: ValueNode) -> ValueNode:
    if isinstance(value, VariableNode):
        return value
    if not isinstance(value, ObjectValueNode):
        return ObjectValueNode(fields=(ObjectFieldNode(name=NameNode(value="eq"), value=value),))
    fields = tuple(
        ObjectFieldNode(name=NameNode(value=_NAMES.get(each.name.value, each.name.value)), value=each.value)
        for each in value.fields
    )
    return ObjectValueNode(fields=fields)
