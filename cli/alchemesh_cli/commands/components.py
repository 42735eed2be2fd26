"""`alchemesh components`: the component catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from alchemesh_cli.context import json_option
from alchemesh_cli.documents import echo_json
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.sdk.spec import ComponentSpec


class UnknownComponent(Failure):
    """Raised when the catalogue has no component of a given name."""

    exit_code = ExitCode.USAGE


@click.group(short_help="Show the components of the catalogue.")
def command() -> None:
    """Show the components of the catalogue.

    A manifest names component types; the platform file selects the component that implements each type.

    \b
    Examples:
      alchemesh components list
      alchemesh components show columnar-table
    """


@command.command(name="list", short_help="List all components.")
@json_option
def list_components(as_json: bool) -> None:
    """List all components by component type.

    \b
    Examples:
      alchemesh components list
      alchemesh components list --json | jq '.[] | select(.stateful)'
    """
    from alchemesh_cli.render.table import table_lines, terminal_width
    from alchemesh_platform.catalog.discover import discover

    specs, broken = discover().loaded()
    specs.sort(key=lambda spec: (spec.component_type, spec.name))
    if as_json:
        echo_json("components", [_summary(spec) for spec in specs])
    else:
        heads = ("component type", "component", "roles", "maturity", "summary")
        rows = [(spec.component_type, spec.name, ", ".join(spec.roles), spec.maturity, spec.summary) for spec in specs]
        click.echo("\n".join(table_lines(heads, rows, terminal_width())))
    for failure in broken:
        click.echo(f"\nerror: {failure.message}\n\nhint: {failure.hint}", err=True)


@command.command(short_help="Show the arguments, settings and outputs of a component.")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the arguments, settings and outputs of a component.

    NAME is a component, or a component type: then every component of that type is shown.

    \b
    Examples:
      alchemesh components show delta-table
      alchemesh components show columnar-table --json
    """
    from alchemesh_platform.catalog.discover import discover

    specs = _named(discover(), name)
    if as_json:
        documents = [_document(spec) for spec in specs]
        echo_json("component", documents[0] if len(documents) == 1 else documents)
        return
    from alchemesh_cli.render.component import component_page

    click.echo("\n\n".join(component_page(spec) for spec in specs))


def _named(catalog: Catalog, name: str) -> list[ComponentSpec]:
    if name in catalog:
        return [catalog[name]]
    specs, _ = catalog.loaded()
    found = [spec for spec in specs if spec.component_type == name]
    if not found:
        from alchemesh_platform.base.problems import did_you_mean
        from alchemesh_platform.base.remedy import Command, remedy

        known = sorted({*catalog, *(spec.component_type for spec in specs)})
        raise UnknownComponent(
            f"no component or component type {name!r}",
            hint=did_you_mean(name, known, otherwise=remedy("{} shows all", Command(("components", "list")))),
        )
    return found


def _summary(spec: ComponentSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "component_type": spec.component_type,
        "roles": [role.value for role in spec.roles],
        "summary": spec.summary,
        "version": spec.version,
        "maturity": spec.maturity,
        "owner": spec.owner,
        "stateful": spec.stateful,
        "protocols": list(spec.protocols),
    }


def _document(spec: ComponentSpec) -> dict[str, Any]:
    from alchemesh_platform.documents.json_schema import WrittenSchema

    return {
        **_summary(spec),
        "args": spec.args_model().model_json_schema(schema_generator=WrittenSchema),
        "settings": spec.settings_model().model_json_schema(schema_generator=WrittenSchema),
        "outputs": spec.outputs_model().model_json_schema(mode="serialization"),
    }
