"""The JSON documents that commands print with `--json`: one for each command, with a schema and a version.

A document names its schema in ``schema``, such as ``alchemesh/deployment/1``. Documents that are lists, and those that
another program reads as they are, have no such field. New fields may come at any time; the version rises when a field
is removed, or gets another meaning.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_KEY = "schema"

Schema = dict[str, Any]

# Called with the name and the value of each document before it is printed. Tests check it against its schema.
on_document: Callable[[str, Any], None] | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The form of a document.

    Args:
        about: A sentence on its content.
        commands: The commands that print it.
        schema: Its JSON Schema, without the field that names it.
        version: Rises when a field is removed, or gets another meaning.
        named: Whether the document names its schema.
    """

    about: str
    commands: tuple[str, ...]
    schema: Schema
    version: int = 1
    named: bool = True


def echo_json(name: str, value: Any) -> None:
    """Print a document on stdout; see :func:`json_text` for the arguments."""
    click.echo(json_text(name, value))


def json_text(name: str, value: Any) -> str:
    """A document as text.

    Args:
        name: Its name in :data:`DOCUMENTS`.
        value: The document, without the field that names its schema.
    """
    document = DOCUMENTS[name]
    written = {SCHEMA_KEY: address_of(name), **value} if document.named else value
    if on_document is not None:
        on_document(name, json.loads(json.dumps(written)))
    return json.dumps(written, indent=2, ensure_ascii=False)


def address_of(name: str) -> str:
    """The value of ``schema`` in a document."""
    return f"alchemesh/{name}/{DOCUMENTS[name].version}"


def published(name: str) -> Schema:
    """The whole JSON Schema of a document, with the definitions that it refers to."""
    document = DOCUMENTS[name]
    schema = document.schema
    if document.named:
        schema = {
            **schema,
            "required": [SCHEMA_KEY, *schema["required"]],
            "properties": {SCHEMA_KEY: {"const": address_of(name)}, **schema["properties"]},
        }
    return {
        "$schema": DIALECT,
        "$id": address_of(name),
        "title": document.about,
        **schema,
        "$defs": _reached(schema),
    }


def _reached(schema: Schema) -> Schema:
    found: Schema = {}
    waiting = [schema]
    while waiting:
        text = json.dumps(waiting.pop())
        for name, definition in DEFINITIONS.items():
            if f'"#/$defs/{name}"' in text and name not in found:
                found[name] = definition
                waiting.append(definition)
    return dict(sorted(found.items()))


def _of(**required: Schema) -> Schema:
    """An object with these fields, and possibly others."""
    return {"type": "object", "required": list(required), "properties": required}


def _and(schema: Schema, **optional: Schema) -> Schema:
    return {**schema, "properties": {**schema["properties"], **optional}}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _map(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one(*values: str) -> Schema:
    return {"enum": list(values)}


def _def(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
MOMENT: Schema = {"type": "string", "description": "A time in ISO 8601, with its zone."}
ANY: Schema = {}
OBJECT: Schema = {"type": "object"}
COMMANDS: Schema = {**_list(_list(TEXT)), "description": "The commands that the hint names, as lists of words."}
WHERE = {"environment": TEXT, "emulated": TRUTH}
OPERATION = _one("same", "create", "import", "update", "replace", "delete", "read", "drift")
BY_OPERATION = {"propertyNames": OPERATION}

_problem = _and(
    _of(file=TEXT, line=COUNT, column=COUNT, path=TEXT, message=TEXT, hint=_or_null(TEXT)),
    severity=_one("error", "warning"),
    commands=COMMANDS,
)
_stage = _or_null(_of(version=TEXT, lifecycle=TEXT))
_step = _of(
    port=TEXT,
    recorded=_stage,
    declared=_stage,
    kind=_or_null(TEXT),
    changes=_list(
        _of(
            path=TEXT,
            kind=_one("breaking", "compatible", "documentation"),
            change=_one("added", "removed", "changed"),
            message=TEXT,
        )
    ),
    findings=_list(OBJECT),
    consumers={**_list(TEXT), "description": "Consumers with a grant of the port."},
    notice=_or_null(_of(what=TEXT, period=TEXT)),
    held=_or_null(
        _and(
            _of(what=TEXT, consumers=_list(TEXT), passes_at=MOMENT, given_at=_or_null(MOMENT), message=TEXT),
            hint=_or_null(TEXT),
            commands=COMMANDS,
        )
    ),
)
_resource = _and(
    _of(
        name=TEXT,
        type=TEXT,
        operation=OPERATION,
        state=_one("running", "done", "failed"),
        diff=_list(_of(path=TEXT, kind=TEXT, old=ANY, new=ANY)),
    ),
    rows_lost=_or_null(COUNT),
    files_lost=_or_null(COUNT),
)
_section = _and(
    _of(
        kind=_one("product", "input", "need", "code", "output"),
        name=TEXT,
        component_type=TEXT,
        components=_list(TEXT),
        operation=OPERATION,
        state=_one("done", "failed", "refused", "not completed", "not attempted", "not targeted"),
        resources=_list(_def("resource")),
        problems=_list(_def("problem")),
    ),
    promise=_def("step"),
)
_deployment = _of(
    product=TEXT,
    **WHERE,
    operation=_one("preview", "up", "refresh", "destroy"),
    outcome=_one("succeeded", "refused", "failed", "cancelled"),
    recorded=TRUTH,
    seconds=NUMBER,
    changes={**_map(COUNT), **BY_OPERATION},
    failures=COUNT,
    losses=_list(_of(port=TEXT, resource=TEXT, rows=_or_null(COUNT), files=_or_null(COUNT))),
    assets={**_map(_list(TEXT)), **BY_OPERATION},
    contracts={**_map(_list(TEXT)), **BY_OPERATION},
    grants={**_map(_list(OBJECT)), **BY_OPERATION},
    ports=_list(_def("section")),
    problems=_list(_def("problem")),
    waiting=_list(_def("problem")),
    warnings=_list(_def("problem")),
    notes=_list(TEXT),
)
_operation = _of(
    id=TEXT,
    environment=TEXT,
    product=TEXT,
    operation=TEXT,
    started_at=MOMENT,
    finished_at=_or_null(MOMENT),
    outcome=_one("running", "succeeded", "failed", "cancelled"),
    actor=TEXT,
    version=TEXT,
    changes=_map(COUNT),
    problem=_or_null(TEXT),
    exit_status=_or_null({"type": "integer"}),
    written=_map(COUNT),
)
_request = _of(
    request=TEXT,
    environment=TEXT,
    product=TEXT,
    port=TEXT,
    requester_kind=TEXT,
    requester=TEXT,
    purpose=TEXT,
    ends_at=_or_null(MOMENT),
    renews=_or_null(TEXT),
    state=TEXT,
    steps=_list(_of(state=TEXT, at=MOMENT, by=TEXT)),
    holders=_list(_of(holder=TEXT, user=TEXT, since=MOMENT, expires_at=_or_null(MOMENT))),
)
_notice = _of(port=TEXT, what=TEXT, version=TEXT, given_at=MOMENT, given_by=TEXT, passes_at=MOMENT, message=TEXT)
_item = _of(
    kind=TEXT,
    port=_or_null(TEXT),
    sentence=TEXT,
    at=MOMENT,
    due=_or_null(MOMENT),
    request=_or_null(TEXT),
    next=_or_null(TEXT),
    commands=COMMANDS,
)
_component = _of(
    resource=TEXT,
    component_type=TEXT,
    component=TEXT,
    component_version=TEXT,
    args=OBJECT,
    settings=OBJECT,
    path=TEXT,
)
_summary = _of(
    name=TEXT,
    component_type=TEXT,
    roles=_list(TEXT),
    summary=TEXT,
    version=TEXT,
    maturity=TEXT,
    owner=TEXT,
    stateful=TRUTH,
    protocols=_list(TEXT),
)
_lineage = _of(
    environment=TEXT,
    nodes=_list(_of(id=TEXT, kind=TEXT, address=TEXT, missing=TRUTH)),
    edges=_list(_of(source=TEXT, target=TEXT)),
    domains=_list(OBJECT),
)
_shown_component = {**_summary, "required": [*_summary["required"], "args", "settings", "outputs"]}
_policy = _of(name=TEXT, effect=TEXT, applies_to=TEXT, owner=TEXT, description=TEXT)
_health = _or_null(_one("healthy", "unhealthy", "unknown", "empty"))
_place = _of(name=TEXT, health=_health, parts=_list(OBJECT), tables=_list(OBJECT))

DEFINITIONS: Mapping[str, Schema] = {
    "component": _component,
    "deployment": _deployment,
    "item": _item,
    "lineage": _lineage,
    "notice": _notice,
    "operation": _operation,
    "place": _place,
    "problem": _problem,
    "request": _request,
    "resource": _resource,
    "section": _section,
    "step": _step,
}

_plan = _of(
    product=TEXT,
    version=TEXT,
    **WHERE,
    project=TEXT,
    inputs=_list(_of(name=TEXT, origin=TEXT, from_product=TRUTH, component=_def("component"))),
    needs=_list(_def("component")),
    code=_or_null(_def("component")),
    outputs=_list(_of(name=TEXT, storage=_def("component"), proxy=_or_null(_def("component")), assets=_list(TEXT))),
    transforms=_list(OBJECT),
    problems=_list(_def("problem")),
    value=OBJECT,
)

DOCUMENTS: Mapping[str, Document] = {
    "problems": Document(
        "The problems of the files that a command reads. Any command prints it instead of its own document.",
        (),
        _of(problems=_list(_def("problem"))),
    ),
    "deployment": Document(
        "An operation on a product: outcome, changes by port, problems.",
        ("preview", "up", "refresh", "destroy"),
        _deployment,
    ),
    "foundation": Document(
        "An operation on the stack of the platform or of a domain.",
        tuple(f"{stack} {act}" for stack in ("platform", "domain") for act in ("preview", "up", "refresh", "destroy")),
        _of(
            foundation=TEXT,
            stack=TEXT,
            emulated=TRUTH,
            operation=TEXT,
            outcome=_one("succeeded", "failed", "cancelled"),
            changes=_list(_of(operation=TEXT, type=TEXT, name=TEXT, state=_one("done", "failed", "not completed"))),
            failures=COUNT,
            outputs=_or_null(OBJECT),
            recorded=_or_null(TRUTH),
            kept=_list(_of(type=TEXT, name=TEXT, id=TEXT)),
            problems=_list(_def("problem")),
            notes=_list(TEXT),
        ),
    ),
    "validation": Document(
        "The problems of manifests and platform files.",
        ("validate",),
        _of(files=_list(TEXT), problems=_list(_def("problem")), not_evaluated=_map(_list(TEXT))),
    ),
    "plan": Document(
        "The plan of a manifest.", ("plan",), _and(_plan, resources=_list(_of(kind=TEXT, type=TEXT, name=TEXT)))
    ),
    "plans": Document(
        "The plans of several manifests, or the problems of a manifest.",
        ("plan",),
        _of(plans=_list({"anyOf": [_plan, _of(problems=_list(_def("problem")))]})),
    ),
    "run": Document(
        "A run of the product's code; with --if-due, the moment from which the next run is due.",
        ("run",),
        {**_of(product=TEXT, environment=TEXT), "anyOf": [_operation, _of(due_from=TEXT)]},
    ),
    "connections": Document(
        "The connections of a product, as its code receives them.",
        ("env",),
        _of(product=TEXT, environment=TEXT, inputs=OBJECT, outputs=OBJECT, infrastructure=OBJECT, schemas=OBJECT),
        named=False,
    ),
    "status": Document(
        "A product in an environment, or all products.",
        ("status",),
        _and(
            _of(**WHERE, inbox=_list(_def("item"))),
            address=TEXT,
            stands=TRUTH,
            health=_health,
            last_deployment=_or_null(_def("operation")),
            inputs=_list(_def("place")),
            needs=_list(_def("place")),
            code=_or_null(_def("place")),
            outputs=_list(_def("place")),
            products=_list(
                _of(address=TEXT, version=TEXT, lifecycle=TEXT, last_deployment=_or_null(_def("operation")))
            ),
            history=_list(_def("operation")),
            lineage=_def("lineage"),
            standing=_or_null(OBJECT),
        ),
    ),
    "contracts": Document(
        "Output ports with their contracts, versions and notices.",
        ("contract show",),
        _of(
            **WHERE,
            ports=_list(
                _of(
                    port=TEXT,
                    contract=_or_null(OBJECT),
                    models=OBJECT,
                    protocols=_list(TEXT),
                    recorded=_stage,
                    notices=_list(_def("notice")),
                    versions=_list(_of(version=TEXT, lifecycle=TEXT, current=TRUTH)),
                )
            ),
        ),
    ),
    "contract-diff": Document(
        "The changes of contracts, with their effect on consumers.",
        ("contract diff",),
        _of(**WHERE, recorded=TRUTH, ports=_list(_def("step")), problems=_list(_def("problem"))),
    ),
    "notice": Document(
        "A notice that was given or withdrawn.",
        ("contract notice",),
        {
            **_notice,
            "required": [*_notice["required"], "new", "withdrawn", "consumers"],
            "properties": {**_notice["properties"], "new": TRUTH, "withdrawn": TRUTH, "consumers": _list(TEXT)},
        },
    ),
    "notices": Document("The notices in force.", ("contract notices",), _of(**WHERE, notices=_list(_def("notice")))),
    "request": Document(
        "An access request, with every decision on it; after a deployment of the decision, with its outcome.",
        (
            "access request",
            "access show",
            "access approve",
            "access reject",
            "access revoke",
            "access extend",
            "access renew",
        ),
        _and(_request, principals=_list(TEXT), emulated=TRUTH, applied=_or_null(_def("deployment"))),
    ),
    "requests": Document("Access requests.", ("access list",), _of(**WHERE, requests=_list(_def("request")))),
    "applied-grants": Document(
        "The deployment of decisions about access, for each product.",
        ("access apply",),
        _of(**WHERE, products=_list(TEXT), applied=_list(_def("deployment")), failed=_list(OBJECT)),
    ),
    "credential": Document(
        "A new credential. It is not shown again.",
        ("access credential",),
        _of(user=TEXT, password=TEXT, expires_at=_or_null(MOMENT)),
    ),
    "retained-data": Document(
        "The data of removed products and ports.", ("data list",), _of(**WHERE, retained=_list(OBJECT))
    ),
    "deleted-data": Document("The data that was deleted.", ("data delete",), _of(**WHERE, deleted=_list(OBJECT))),
    "erased-rows": Document(
        "The erased rows of a port, and the places that may still have them.",
        ("data erase",),
        _of(
            **WHERE,
            port=TEXT,
            model=TEXT,
            where=TEXT,
            rows=COUNT,
            files=COUNT,
            copy=_or_null(TRUTH),
            copy_problem=_or_null(TEXT),
            unreached=_list(_of(kind=TEXT, address=TEXT, sentence=TEXT)),
        ),
    ),
    "proposed-schema": Document(
        "A schema that all rows of an input port fit, and the values that other types would lose.",
        ("ports infer",),
        _of(port=TEXT, properties=OBJECT, losses=OBJECT, written=_or_null(TEXT)),
    ),
    "inbox": Document(
        "Items that wait for a user, and items that the user should know; with --send, the number of notifications.",
        ("inbox",),
        _and(_of(**WHERE), subject=TEXT, items=_list(_def("item")), sent=COUNT, failures=_list(TEXT)),
    ),
    "mesh-changes": Document(
        "The changes of the recorded mesh.",
        ("mesh apply",),
        _of(**WHERE, changes=_list(_of(change=TEXT, kind=TEXT, address=TEXT, record=OBJECT, fields=_list(OBJECT)))),
    ),
    "mesh": Document("Domains, products and lineage.", ("mesh show",), _and(_lineage, emulated=TRUTH, standing=OBJECT)),
    "audit": Document(
        "The acts of the audit log, the newest first.",
        ("mesh audit",),
        _list(_of(number=COUNT, digest=TEXT, environment=TEXT, operation=TEXT, actor=TEXT, at=MOMENT)),
        named=False,
    ),
    "audit-check": Document(
        "The result of verifying the audit log.",
        ("mesh audit --check",),
        _of(acts=COUNT, broken=_list(COUNT), head=TEXT, expect=_or_null(TEXT), whole=TRUTH),
    ),
    "policies": Document("Policies.", ("policy list",), _list(_policy), named=False),
    "policy": Document(
        "A policy and the variables of its expressions.", ("policy show",), _and(_policy, variables=OBJECT)
    ),
    "policy-cases": Document(
        "The results of policies on their recorded cases.",
        ("policy test",),
        _of(policies=_list(_of(policy=TEXT, file=TEXT, cases=_list(OBJECT))), cases=COUNT, failed=COUNT),
    ),
    "components": Document("The components of the catalogue.", ("components list",), _list(_summary), named=False),
    "component": Document(
        "A component with the schemas of its arguments, settings and outputs; a list if a component type has several.",
        ("components show",),
        {"anyOf": [_shown_component, _list(_shown_component)]},
        named=False,
    ),
    "identity": Document(
        "The acting identity in the mesh.",
        ("whoami",),
        _and(
            _of(
                environment=TEXT,
                subject=TEXT,
                issuer=TEXT,
                proven=TRUTH,
                mesh=TRUTH,
                name=_or_null(TEXT),
                personas=_or_null(_list(TEXT)),
                teams=_list(TEXT),
            ),
            on=TEXT,
            recorded=TRUTH,
            deployed=TRUTH,
            rights=_list(_of(operation=TEXT, allowed=TRUTH)),
        ),
    ),
    "engine": Document(
        "The engine and its plugins.",
        ("engine",),
        _of(path=TEXT, version=TEXT, source=TEXT, plugins=_list(_of(name=TEXT, version=_or_null(TEXT)))),
    ),
    "checks": Document(
        "The checks of this machine.",
        ("doctor",),
        _list(_of(check=TEXT, passed=TRUTH, found=TEXT, hint=_or_null(TEXT))),
        named=False,
    ),
}
