"""Policies and products for tests, written as users write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alchemesh_platform.documents.document import node_of
from alchemesh_platform.manifest.models import DataProduct
from alchemesh_platform.policies.evaluate import evaluate
from alchemesh_platform.policies.facts import Facts
from alchemesh_platform.policies.load import EXAMPLE
from alchemesh_platform.policies.models import Policy
from alchemesh_platform.policies.results import PolicyResult

FLIGHT = {"flight": {"properties": {"flight_id": {"type": "string", "key": True, "description": "What flew."}}}}


def policy(require: str, **more: Any) -> Policy:
    """A policy; it warns by default."""
    written = {
        "kind": "Policy",
        "name": "our-rule",
        "owner": "governance",
        "description": "What we ask for.",
        "require": require,
        "effect": "warn",
        "message": "the rule is broken",
        "hint": "mend it",
    }
    return Policy.model_validate({**written, **more})


def port(name: str, **more: Any) -> dict[str, Any]:
    """An output port."""
    return {"name": name, "models": ["flight"], "storage": {"component": "columnar-table"}, **more}


def facts(product: Mapping[str, Any] | None = None, **known: Any) -> Facts:
    """The facts of a product; its places are in a file alchemesh.yaml without lines."""
    document = {**EXAMPLE, **(product or {})}
    return Facts(DataProduct.model_validate(document), node_of(document, "alchemesh.yaml").locate, **known)


def one(asked: Policy, known: Facts) -> PolicyResult:
    """The only result of one policy."""
    (result,) = evaluate([asked], known)
    return result


def write(folder: Path, name: str, text: str) -> Path:
    """A file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


POLICY = """\
kind: Policy
name: our-naming
owner: governance
description: Names begin with our letters.
applies_to: product
when: product.lifecycle == 'stable'
require: product.name.startsWith('ac-')
effect: devalue
points: 10
message: the name does not begin with ac-
hint: begin it with ac-
cases:
  - name: a name of ours
    given: {product: {name: ac-flights, lifecycle: stable}}
    expect: passed
  - name: another name
    given: {product: {name: flights, lifecycle: stable}}
    expect: violated
"""
