"""Rules of the arguments: they survive the way through JSON, and fit their JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from alchemesh_platform.documents.json_schema import WrittenSchema
from alchemesh_platform.sdk.spec import ComponentSpec
from alchemesh_platform.testing.cases import Case, in_folder
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.rules.spec import Report

if TYPE_CHECKING:
    from pydantic import BaseModel


def check_round_trip(spec: ComponentSpec, case: Case, folder: str, report: Report) -> Iterator[Finding]:
    """Arguments and settings of a case equal themselves after JSON, and fit their JSON Schemas in both forms."""
    for kind, model, given in (
        ("args", spec.args_model(), in_folder(case.args, folder)),
        ("settings", spec.settings_model(), in_folder(case.settings, folder)),
    ):
        yield from _check(kind, model, given, report)


def _check(kind: str, model: type[BaseModel], given: Any, report: Report) -> Iterator[Finding]:
    from pydantic import ValidationError
    from pydantic.errors import PydanticUserError

    try:
        value = model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, (kind, *first["loc"])))
        yield report("case-is-valid", f"{where}: {first['msg']}", fix=f"Correct `{kind}` of the case, or the model.")
        return
    try:
        schema = model.model_json_schema(by_alias=True, schema_generator=WrittenSchema)
    except PydanticUserError as error:
        yield report("arguments-round-trip", f"{model.__name__} has no JSON Schema: {error.message}")
        return
    try:
        written = value.model_dump(mode="json", by_alias=True)
        again = model.model_validate(written)
    except (ValidationError, ValueError, TypeError) as error:
        yield report("arguments-round-trip", f"{kind} cannot be read again after JSON: {str(error).splitlines()[0]}")
        return
    if again != value:
        names = [name for name in model.model_fields if getattr(again, name) != getattr(value, name)]
        yield report("arguments-round-trip", f"{kind} differ after JSON: {', '.join(names)}")
    yield from _fits(kind, "as the case has them", schema, given, report)
    yield from _fits(kind, "as JSON", schema, written, report)


def _fits(kind: str, form: str, schema: dict[str, Any], document: Any, report: Report) -> Iterator[Finding]:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema).iter_errors(document):
        where = ".".join(map(str, (kind, *error.absolute_path)))
        yield report("arguments-round-trip", f"{where}, {form}, does not fit the JSON Schema: {error.message}")
