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

from alchemesh_platform.base.secrecy.recognise import documented

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
        listed: Whether a command that finds several prints them as a list, which does not name the schema.
        secret: Whether the command shows secrets on purpose. In all other documents they are masked.
    """

    about: str
    commands: tuple[str, ...]
    schema: Schema
    version: int = 1
    named: bool = True
    listed: bool = False
    secret: bool = False


def echo_json(name: str, value: Any) -> None:
    """Print a document on stdout; see :func:`json_text` for the arguments."""
    click.echo(json_text(name, value))


def echo_json_line(name: str, value: Any) -> None:
    """Print a document of a command that continues: one document a line. See :func:`json_text` for the arguments."""
    click.echo(json_text(name, value, indent=None))


def json_text(name: str, value: Any, indent: int | None = 2) -> str:
    """A document as text.

    Args:
        name: Its name in :data:`DOCUMENTS`.
        value: The document, without the field that names its schema.
        indent: Spaces of a level; None for one line.
    """
    document = DOCUMENTS[name]
    written = {SCHEMA_KEY: address_of(name), **value} if document.named and isinstance(value, dict) else value
    if not document.secret:
        written = documented(written)
    if on_document is not None:
        on_document(name, json.loads(json.dumps(written)))
    return json.dumps(written, indent=indent, ensure_ascii=False)


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
    if document.listed:
        schema = {"anyOf": [schema, _list(document.schema)]}
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
MONTH: Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}$"}
DECIMAL: Schema = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
ANY: Schema = {}
OBJECT: Schema = {"type": "object"}
PROBES = _list(
    _of(port=TEXT, protocol=TEXT, outcome=_one("up", "down", "unknown"), seconds=_or_null(NUMBER), reason=TEXT)
)
COMMANDS: Schema = {**_list(_list(TEXT)), "description": "The commands that the hint names, as lists of words."}
WHERE = {"environment": TEXT, "emulated": TRUTH}
OPERATION = _one("same", "create", "import", "update", "replace", "delete", "read", "drift")
BY_OPERATION = {"propertyNames": OPERATION}

_incident = _and(
    _of(
        id=TEXT,
        product=TEXT,
        port=TEXT,
        asset=TEXT,
        name=TEXT,
        commitment=TEXT,
        promise=TEXT,
        value=TEXT,
        reason=TEXT,
        state=_one("open", "acknowledged", "closed", "withdrawn"),
        began_at=MOMENT,
        opened_at=MOMENT,
        closed_at=_or_null(MOMENT),
        withdrawn_at=_or_null(MOMENT),
        acknowledged_by=TEXT,
        snoozed_until=_or_null(MOMENT),
        changes=_list(_of(kind=_one("opened", "reopened", "closed"), at=MOMENT)),
        entries=_list(
            _of(
                kind=_one("acknowledged", "note", "snoozed"),
                at=MOMENT,
                by=TEXT,
                text=TEXT,
                until=_or_null(MOMENT),
            )
        ),
    )
)
_waiting = _of(channel=TEXT, recipient=TEXT, number=COUNT, since=MOMENT, attempts=COUNT, next_at=MOMENT, failure=TEXT)
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
    stateful={**TRUTH, "description": "Whether its component holds data."},
    replaced_by={**_list(TEXT), "description": "The properties whose change replaces the resource."},
    unknown={**_list(TEXT), "description": "The properties that are known only after the deployment."},
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
    file={**_or_null(TEXT), "description": "The file that declares it."},
    line=_or_null(COUNT),
)
_result = _of(
    policy=TEXT,
    effect=TEXT,
    outcome=TEXT,
    message=TEXT,
    hint=_or_null(TEXT),
    points=COUNT,
    places=_list(_of(path=TEXT, file=TEXT, line=COUNT, column=COUNT)),
)
_deployment = _of(
    product=TEXT,
    **WHERE,
    operation=_one("preview", "up", "refresh", "destroy"),
    outcome=_one("succeeded", "refused", "failed", "cancelled"),
    recorded=TRUTH,
    seconds=NUMBER,
    changes={**_map(COUNT), **BY_OPERATION, "description": "Changes of resources and of records of the registry."},
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
_deployment = _and(
    _deployment,
    resource_changes={
        **_map(COUNT),
        **BY_OPERATION,
        "description": "Changes of resources alone, as the tree and a comment count them.",
    },
    owner={**TEXT, "description": "Email of the product's owner. This and the following are of a preview."},
    team=TEXT,
    policies={**_list(_result), "description": "Policies that are violated, or that could not be evaluated."},
    owners={
        **_list(_of(address=TEXT, owners=_list(TEXT))),
        "description": "The consumers and providers that the changes touch, with the emails to ask.",
    },
    commitments={
        **_list(_and(_of(port=TEXT, at=MOMENT, by=TEXT, reason=TEXT), name=TEXT)),
        "description": "Broken commitments of the ports whose contracts change: measured ones, and notice periods.",
    },
    prices={**_list(_of(port=TEXT, old=TEXT, new=TEXT)), "description": "Changed prices of ports."},
    preview_only={**TRUTH, "description": "Whether the operation changed and recorded nothing."},
    offline={**TRUTH, "description": "Whether a preview read neither the state nor the registry."},
    drift=_list(_def("drifted")),
    drift_expected={
        **_list(_def("drifted")),
        "description": "Differences that follow from normal work: nobody changed the resource by hand.",
    },
)
_drifted = _and(
    _of(
        port=TEXT,
        resource=TEXT,
        type=TEXT,
        change=_one("changed", "removed"),
        properties=_list(_of(path=TEXT, declared=ANY, found=ANY)),
        reason=_or_null(TEXT),
        by={**_or_null(TEXT), "description": "The author of the change; null if the service records none."},
        at=_or_null(MOMENT),
    ),
    line=COUNT,
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
_operation = _and(
    _operation,
    seen_at={**_or_null(MOMENT), "description": "When the process of the operation last reported that it runs."},
    output={**_or_null(TEXT), "description": "The end of the code's output. This and the following are of a run."},
    engine={**_or_null(TEXT), "description": "Engine that started the run; null if the command itself ran the code."},
    engine_run={**_or_null(TEXT), "description": "The engine's own id of the run."},
    trigger={**_or_null(_one("schedule", "manual", "asset", "backfill")), "description": "Reason of the run."},
    attempt={**_or_null(COUNT), "description": "Number of the attempt: 1 for the first."},
    interval={**_or_null(_list(MOMENT)), "description": "The interval of time that the run is about: from, to."},
    request={**_or_null(TEXT), "description": "Id of the request that the run carries out."},
    inputs={
        **_map(_of(origin=_or_null(TEXT), versions=_map(TEXT), run=_or_null(TEXT), product_version=_or_null(TEXT))),
        "description": "Inputs of the run by input port, recorded before its code started.",
    },
    cancelled_by={**_or_null(TEXT), "description": "Identity that asked to cancel the run."},
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
    package=TEXT,
    component_type=TEXT,
    roles=_list(TEXT),
    summary=TEXT,
    version=TEXT,
    maturity=TEXT,
    owner=TEXT,
    stateful=TRUTH,
    protocols=_list(TEXT),
    extras={**_list(TEXT), "description": "Extras of the platform that it needs."},
)
_lineage = _of(
    environment=TEXT,
    nodes=_list(_of(id=TEXT, kind=TEXT, address=TEXT, missing=TRUTH)),
    edges=_list(_of(source=TEXT, target=TEXT)),
    domains=_list(OBJECT),
)
_locked = _of(component=TEXT, version=TEXT, package=TEXT)
_shown_component = {**_summary, "required": [*_summary["required"], "args", "settings", "outputs", "permissions"]}
_policy = _of(name=TEXT, effect=TEXT, applies_to=TEXT, owner=TEXT, description=TEXT)
_health = _or_null(_one("healthy", "unhealthy", "unknown", "empty"))
_verdict = _of(
    port=TEXT,
    asset=TEXT,
    name=TEXT,
    promise=TEXT,
    verdict=_one("kept", "at_risk", "broken", "unknown", "stale", "error"),
    value=TEXT,
    number=_or_null(NUMBER),
    unit=TEXT,
    reason=TEXT,
    measured_at=_or_null(MOMENT),
    budget=_or_null(
        _of(unit=TEXT, allowed=NUMBER, spent=NUMBER, remaining=NUMBER, burn_rate=_or_null(NUMBER), alarm=TEXT)
    ),
    severity=_one("error", "warning", "info"),
)
_commitment = _and(
    _verdict,
    trend=_or_null(
        _of(
            since=MOMENT,
            until=MOMENT,
            outcomes=_list(_one("value", "unknown", "error", "gap")),
            values=_list(_or_null(NUMBER)),
        )
    ),
)
_open_incident = _of(
    id=TEXT,
    port=TEXT,
    asset=TEXT,
    name=TEXT,
    state=_one("open", "acknowledged"),
    since=MOMENT,
    promise=TEXT,
    value=TEXT,
    reason=TEXT,
    acknowledged_by=TEXT,
    snoozed_until=_or_null(MOMENT),
)
_reported_state = _of(state=TEXT, note=TEXT, at=_or_null(MOMENT), reported_by=TEXT)
_place = _and(
    _of(name=TEXT, health=_health, parts=_list(OBJECT), tables=_list(OBJECT)),
    commitments=_list(_def("commitment")),
    incidents=_list(_def("open-incident")),
    next_run_at={**_or_null(MOMENT), "description": "Of code: the next time of its schedule."},
    consumed=_or_null(
        _and(_of(state=_reported_state, commitments=_list(_def("commitment"))), incidents=_list(_def("open-incident")))
    ),
)

_maintenance = _of(
    environment=TEXT,
    product=TEXT,
    port=TEXT,
    starts_at=MOMENT,
    ends_at=MOMENT,
    announced_at=MOMENT,
    announced_by=TEXT,
    message=TEXT,
    cancelled_at=_or_null(MOMENT),
    cancelled_by=TEXT,
    state=_one("announced", "running", "over", "cancelled"),
)

DEFINITIONS: Mapping[str, Schema] = {
    "commitment": _commitment,
    "component": _component,
    "deployment": _deployment,
    "drifted": _drifted,
    "item": _item,
    "lineage": _lineage,
    "notice": _notice,
    "open-incident": _open_incident,
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
        "An operation on one product: outcome, changes by port, problems.",
        ("preview", "up", "refresh", "destroy"),
        _deployment,
    ),
    "previews": Document(
        "The previews of several products and environments, or of any with --offline, --affected-by or --format json.",
        ("preview", "refresh --preview-only"),
        _and(
            _of(
                at=MOMENT,
                version={**TEXT, "description": "Version of the platform that previewed them."},
                commit={**_or_null(TEXT), "description": "The previewed commit."},
                outcome=_one("succeeded", "refused", "failed", "cancelled"),
                exit_code=COUNT,
                counts=_of(
                    **dict.fromkeys(("previews", "changed", "failed", "refused", "cancelled", "unchanged"), COUNT)
                ),
                changes={
                    **_map(COUNT),
                    **BY_OPERATION,
                    "description": "The sums of `resource_changes` of all previews.",
                },
                again={**_list(TEXT), "description": "The words of the command that repeats the previews."},
                notes={**_list(TEXT), "description": "Facts about the whole run."},
                previews=_list(
                    _and(
                        _of(
                            product={**TEXT, "description": "Its address; empty if the manifest does not say."},
                            folder=TEXT,
                            **WHERE,
                            outcome=_one("succeeded", "refused", "failed", "cancelled"),
                            exit_code=COUNT,
                            reasons={**_list(TEXT), "description": "Why it was previewed."},
                            preview=_or_null(_def("deployment")),
                            problems={
                                **_list(_def("problem")),
                                "description": "The problems that prevented the preview.",
                            },
                            error=_or_null(_and(_of(message=TEXT, hint=_or_null(TEXT)), commands=COMMANDS)),
                            commands={
                                **_list(_list(TEXT)),
                                "description": "The preview and the deployment as commands.",
                            },
                        ),
                        offline={**TRUTH, "description": "Whether no engine, network and credentials were used."},
                    )
                ),
            ),
            removed={
                **_list(_of(product=TEXT, environment=TEXT)),
                "description": "Products without a manifest. Their deployed resources stay until `destroy`.",
            },
        ),
    ),
    "affected": Document(
        "The data products that differ from a base, or that read a port that does.",
        ("ci affected",),
        _of(base=TEXT, **WHERE, products=_list(_of(folder=TEXT, reasons=_list(TEXT))), notes=_list(TEXT)),
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
        "A run of the product's code. With --if-due: the moment of the next due run. With --no-wait: the request. With "
        "--backfill: the runs.",
        ("run",),
        {
            **_of(product=TEXT, environment=TEXT),
            "anyOf": [
                _operation,
                _of(due_from=TEXT),
                _of(engine=TEXT, engine_run=TEXT, request=TEXT, state=TEXT),
                _of(runs=_list(_operation), skipped=COUNT, left=COUNT),
            ],
        },
    ),
    "runs": Document(
        "The runs of an environment or of a product, newest first.",
        ("runs list",),
        _of(**WHERE, product=_or_null(TEXT), runs=_list(_def("operation"))),
    ),
    "run-record": Document(
        "One run in the history.",
        ("runs show", "runs cancel"),
        {**_operation, "required": [*_operation["required"], "emulated"]},
    ),
    "connections": Document(
        "The connections of a product, as its code receives them.",
        ("env",),
        _of(product=TEXT, environment=TEXT, inputs=OBJECT, outputs=OBJECT, infrastructure=OBJECT, schemas=OBJECT),
        named=False,
        secret=True,
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
            state=_or_null(_reported_state),
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
            clock=_of(
                running=TRUTH,
                since=_or_null(MOMENT),
                runs=_list(
                    _of(
                        product=TEXT,
                        schedule=_or_null(TEXT),
                        time_zone=_or_null(TEXT),
                        next_at=_or_null(MOMENT),
                        on=_list(TEXT),
                    )
                ),
            ),
        ),
    ),
    "measurements": Document(
        "The probed ports of products, and the measured quality and freshness of their assets.",
        ("observe",),
        _of(
            measurements=_list(
                _of(
                    environment=TEXT,
                    product=TEXT,
                    measured_at=MOMENT,
                    values=_list(
                        _of(
                            asset=TEXT,
                            measure=TEXT,
                            outcome=_one("value", "unknown", "error"),
                            value=_or_null(NUMBER),
                            good=_or_null(COUNT),
                            total=_or_null(COUNT),
                            note=TEXT,
                        )
                    ),
                    probes=PROBES,
                    usage=_list(_of(port=TEXT, requests=_or_null(COUNT), unknown=_or_null(TEXT))),
                    unmeasured=_map(TEXT),
                    waiting=COUNT,
                    reason=TEXT,
                )
            )
        ),
    ),
    "slice": Document(
        "The probes of one slice of `observe --watch`, one document a line.",
        ("observe",),
        _of(
            environment=TEXT,
            probed_at=MOMENT,
            probes=PROBES,
            waiting=COUNT,
            reason=TEXT,
        ),
    ),
    "usage": Document(
        "The usage of output ports by consumer, protocol and version of the contract.",
        ("usage",),
        _of(
            environment=TEXT,
            address=TEXT,
            since=MOMENT,
            until=MOMENT,
            only_own=TRUTH,
            usage=_list(
                _of(
                    port=TEXT,
                    consumer=TEXT,
                    protocol=TEXT,
                    contract_version=TEXT,
                    own=TRUTH,
                    requests=COUNT,
                    billable_requests=COUNT,
                    errors=_or_null(COUNT),
                    bytes_out=_or_null(COUNT),
                    rows=_or_null(COUNT),
                    rows_unknown=COUNT,
                    seconds=NUMBER,
                )
            ),
            unmetered=_map(TEXT),
            gaps=_list(_of(port=TEXT, since=_or_null(MOMENT), until=MOMENT, reason=TEXT)),
            readings=_list(_of(port=TEXT, source=TEXT, read_at=MOMENT)),
        ),
    ),
    "report": Document(
        "The result of reporting: ids of accepted, repeated and refused reports.",
        ("report",),
        _of(
            environment=TEXT,
            product=TEXT,
            accepted=_list(TEXT),
            repeated=_list(TEXT),
            refused=_list(_of(id=TEXT, reason=TEXT)),
            waiting=COUNT,
            reason=TEXT,
        ),
    ),
    "report-page": Document(
        "The written page of a product: its file, and the number of commitments with each verdict.",
        ("report --html",),
        _of(
            file=TEXT,
            environment=TEXT,
            product=TEXT,
            made_at=MOMENT,
            since=MOMENT,
            series=COUNT,
            verdicts=_map(COUNT),
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
    "bills": Document(
        "The bills of a product's output ports for a month. Decimals are texts: a number of JSON is not exact.",
        ("contract bill",),
        _of(
            environment=TEXT,
            product=TEXT,
            provider={**TRUTH, "description": "Whether all consumers are shown, or those that the user speaks for."},
            unmetered={**_map(TEXT), "description": "Port: the reason why its usage is not known."},
            bills=_list(
                _of(
                    id=TEXT,
                    environment=TEXT,
                    port=TEXT,
                    period=MONTH,
                    state=_one("draft", "final"),
                    since=MOMENT,
                    until=MOMENT,
                    closes_at={**MOMENT, "description": "The time from which the bill is final."},
                    totals=_map(DECIMAL),
                    lines=_list(
                        _of(
                            id=TEXT,
                            kind=_one("usage", "flat", "adjustment", "credit"),
                            consumer=TEXT,
                            port=TEXT,
                            contract_version=TEXT,
                            meter=TEXT,
                            quantity=DECIMAL,
                            unit=TEXT,
                            price=DECIMAL,
                            currency=TEXT,
                            per=TEXT,
                            amount=DECIMAL,
                            usage_period=MONTH,
                            since=MOMENT,
                            until=MOMENT,
                            adjusts={**TEXT, "description": "Id of the line that an adjustment corrects, or empty."},
                            note=TEXT,
                        )
                    ),
                    left_out={
                        **_list(_of(reason=TEXT, requests=COUNT)),
                        "description": "Requests that no line bills. Only the provider sees them.",
                    },
                    gaps={**_list(TEXT), "description": "Usage that was lost before it was read."},
                )
            ),
        ),
    ),
    "verifications": Document(
        "The verdicts of contracts: business tests that were run, and every commitment.",
        ("contract verify",),
        _of(
            products=_list(
                _of(
                    environment=TEXT,
                    product=TEXT,
                    verified_at=MOMENT,
                    ports=_list(
                        _of(
                            port=TEXT,
                            contract=TEXT,
                            tests=_list(
                                _of(
                                    test=TEXT,
                                    outcome=_one("passed", "failed", "unknown", "error", "not executable"),
                                    found=TEXT,
                                    expected=TEXT,
                                    reason=TEXT,
                                    severity=_one("info", "warning", "error"),
                                )
                            ),
                            commitments=_list(_verdict),
                        )
                    ),
                )
            )
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
    "maintenance": Document(
        "A maintenance that was announced or cancelled.",
        ("contract maintenance announce", "contract maintenance cancel"),
        _maintenance,
    ),
    "maintenances": Document(
        "Announced maintenance of output ports.",
        ("contract maintenance list",),
        _of(**WHERE, maintenance=_list(_maintenance)),
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
        secret=True,
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
    "incidents": Document(
        "Incidents of broken commitments: open ones first, then the newest; and notifications that wait.",
        ("incidents list",),
        _and(_of(**WHERE, incidents=_list(_incident), waiting=_list(_waiting))),
    ),
    "incident": Document(
        "An incident with its transitions, and with everything that people wrote about it.",
        ("incidents show", "incidents acknowledge", "incidents note", "incidents snooze"),
        {**_incident, "required": [*WHERE, *_incident["required"]], "properties": {**WHERE, **_incident["properties"]}},
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
        _shown_component,
        listed=True,
    ),
    "conformance": Document(
        "The rules that the components of a package break, each with its place, reason and fix.",
        ("components test",),
        _of(
            package=TEXT,
            components=_list(TEXT),
            cases=COUNT,
            deployed=_or_null(COUNT),
            findings=_list(
                _of(
                    rule=TEXT,
                    component=TEXT,
                    case=_or_null(TEXT),
                    file=_or_null(TEXT),
                    line=_or_null(COUNT),
                    what=TEXT,
                    why=TEXT,
                    fix=TEXT,
                )
            ),
        ),
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
    "components-upgrade": Document(
        "The components of a product that differ from its lock, and the preview with the installed ones.",
        ("components upgrade",),
        _of(
            environment=TEXT,
            lock=TEXT,
            components=_list(
                _of(component_type=TEXT, recorded=_or_null(_locked), found=_or_null(_locked), ports=_list(TEXT))
            ),
            preview=_or_null(_def("deployment")),
            written=TRUTH,
        ),
    ),
    "components-docs": Document(
        "The documentation of components in Markdown.",
        ("components docs",),
        _of(
            pages={**_map(TEXT), "description": "The pages, by the name of their file."},
            failures={
                **_list(_of(message=TEXT, hint=_or_null(TEXT))),
                "description": "The components that cannot be documented.",
            },
        ),
    ),
    "components-check": Document(
        "The faults of installed components.",
        ("components check",),
        _of(
            checked=_list(TEXT),
            findings=_list(
                _of(
                    component=TEXT,
                    package=TEXT,
                    check=TEXT,
                    message=TEXT,
                    hint=TEXT,
                    severity=_one("error", "warning"),
                )
            ),
        ),
    ),
    "checks": Document(
        "The checks of this machine.",
        ("doctor",),
        _list(_of(check=TEXT, passed=TRUTH, found=TEXT, hint=_or_null(TEXT))),
        named=False,
    ),
    "resumed": Document(
        "The processes of an environment on this machine that `resume` found or started.",
        ("resume",),
        _of(
            environment=TEXT,
            servers=_list(
                _of(
                    name=TEXT,
                    state=_one("started", "running", "failed"),
                    processes=_list(TEXT),
                    problem=_or_null(TEXT),
                    hint=_or_null(TEXT),
                )
            ),
        ),
    ),
}
