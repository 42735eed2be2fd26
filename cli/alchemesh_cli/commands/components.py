"""`alchemesh components`: the component catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from alchemesh_cli.components.check import command as check
from alchemesh_cli.components.docs import command as docs
from alchemesh_cli.components.new import command as new
from alchemesh_cli.components.test import command as test
from alchemesh_cli.components.upgrade import command as upgrade
from alchemesh_cli.context import json_option
from alchemesh_cli.documents import echo_json

T = TypeVar("T")

if TYPE_CHECKING:
    from collections.abc import Callable

    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.sdk.spec import ComponentSpec


@click.group(short_help="Show, check and document the components of the catalogue.")
def command() -> None:
    """Show, check and document the components of the catalogue.

    A manifest names component types; the platform file selects the component that implements each type.

    \b
    Examples:
      alchemesh components list
      alchemesh components show columnar-table
      alchemesh components check
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
    from alchemesh_cli.render.text.table import table_lines, terminal_width
    from alchemesh_platform.catalog.discover import discover

    catalog = discover()
    specs, broken = catalog.loaded()
    specs.sort(key=lambda spec: (spec.component_type, spec.name))
    if as_json:
        echo_json("components", [_summary(catalog, spec) for spec in specs])
    else:
        heads: tuple[str, ...] = ("component type", "component", "version", "roles", "maturity", "summary")
        rows: list[tuple[str, ...]] = [
            (spec.component_type, spec.name, spec.version, ", ".join(spec.roles), spec.maturity, spec.summary)
            for spec in specs
        ]
        packages = [catalog.package(spec.name) for spec in specs]
        if len(set(packages)) > 1:  # those of the platform alone are all in its own package
            heads = (*heads[:3], "package", *heads[3:])
            rows = [(*row[:3], package, *row[3:]) for row, package in zip(rows, packages, strict=True)]
        click.echo("\n".join(table_lines(heads, rows, terminal_width())))
    for failure in broken:
        click.echo(f"\nerror: {failure.message}\n\nhint: {failure.hint}", err=True)
    for remark in catalog.remarks():
        click.echo(f"\nwarning: {remark.message}\n\nhint: {remark.hint}", err=True)


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

    catalog = discover()
    specs = _named(catalog, name)
    if as_json:
        documents = [_readable(catalog, spec, lambda spec: _document(catalog, spec)) for spec in specs]
        echo_json("component", documents[0] if len(documents) == 1 else documents)
        return
    from alchemesh_cli.render.component import component_page

    def page(spec: ComponentSpec) -> str:
        return component_page(spec, catalog.package(spec.name))

    click.echo("\n\n".join(_readable(catalog, spec, page) for spec in specs))


def _readable(catalog: Catalog, spec: ComponentSpec, read: Callable[[ComponentSpec], T]) -> T:
    """The result of reading the models of a component.

    Raises:
        BrokenComponent: when a module of its package fails; names the package.
    """
    from alchemesh_platform.catalog.discover import broken

    try:
        return read(spec)
    except Exception as error:
        raise broken(catalog, spec, error) from error


def _named(catalog: Catalog, name: str) -> list[ComponentSpec]:
    if name in catalog:
        return [catalog[name]]
    specs, _ = catalog.loaded()
    found = [spec for spec in specs if spec.component_type == name]
    if not found:
        from alchemesh_platform.app.components.catalogue import unknown_component

        raise unknown_component(name, {*catalog, *(spec.component_type for spec in specs)})
    return found


def _summary(catalog: Catalog, spec: ComponentSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "package": catalog.package(spec.name),
        "component_type": spec.component_type,
        "roles": [role.value for role in spec.roles],
        "summary": spec.summary,
        "version": spec.version,
        "maturity": spec.maturity,
        "owner": spec.owner,
        "stateful": spec.stateful,
        "protocols": list(spec.protocols),
        "extras": list(spec.extras),
    }


def _document(catalog: Catalog, spec: ComponentSpec) -> dict[str, Any]:
    from alchemesh_platform.documents.json_schema import WrittenSchema

    return {
        **_summary(catalog, spec),
        "permissions": [each._asdict() for each in spec.permissions],
        "args": spec.args_model().model_json_schema(schema_generator=WrittenSchema),
        "settings": spec.settings_model().model_json_schema(schema_generator=WrittenSchema),
        "outputs": spec.outputs_model().model_json_schema(mode="serialization"),
    }


command.add_command(check)
command.add_command(docs)
command.add_command(new)
command.add_command(test)
command.add_command(upgrade)
