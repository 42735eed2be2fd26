"""The kinds of documents, and the check of the key that names the kind."""

from __future__ import annotations

from alchemesh_platform.base.problems import Problem, closest, did_you_mean
from alchemesh_platform.documents.document import Node, described

KINDS = {"DataProduct": "a manifest", "Platform": "a platform file", "Mesh": "a mesh file"}


def check_kind(tree: Node, expected: str) -> list[Problem]:
    """The problem with the key that gives the kind of the document."""
    node = tree.keys.get("kind")
    if node is None:
        return [Problem(tree.location, "kind", f"found nothing, expected {expected}", f"begin with 'kind: {expected}'")]
    if node.value == expected or node.broken:
        return []
    found = described(node.value)
    hint: str | None = f"write 'kind: {expected}'"
    if node.text in KINDS:
        hint = f"this is {KINDS[node.text]}, where {KINDS[expected]} is expected"
    elif node.text is not None and closest(node.text, [expected]):
        hint = did_you_mean(node.text, [expected])
    return [Problem(node.location, "kind", f"found {found}, expected {expected}", hint)]
