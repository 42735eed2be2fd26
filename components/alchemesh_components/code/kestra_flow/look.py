"""Checks of kestra-flow, before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.code.checks import check_triggers, look_at_entrypoint, runs_elsewhere
from alchemesh_components.code.kestra_flow.models import Args
from alchemesh_components.code.kestra_flow.place import labels_of, namespace_of
from alchemesh_components.kestra.settings import Settings
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the triggers, and the length of the namespace."""
    from alchemesh_platform.systems.kestra.source import NAMESPACE_MAX

    yield from check_triggers(args, wiring)
    if args.on:
        yield Objection(
            "found `on`, expected a schedule",
            at="args",
            path=("on",),
            hint="set `schedule`: Kestra does not see changes of other products' data; `local-python` starts by them",
        )
    if len(name := namespace_of(settings, wiring)) > NAMESPACE_MAX:
        yield Objection(
            f"the namespace {name} has {len(name)} characters, and Kestra allows {NAMESPACE_MAX}",
            hint="shorten `namespace` in settings.kestra, or the names of the domain and the product",
        )


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the code or the flow's file exists, and that the file is a flow. Imports nothing."""
    root = Path(wiring.product_root)
    if args.entrypoint is not None:
        yield from look_at_entrypoint(args.entrypoint, root, elsewhere=runs_elsewhere(settings.local.python, args.env))
        return
    from alchemesh_platform.systems.kestra.source import Unusable, delivered

    file = root / (args.flow or "")
    if not file.resolve().is_relative_to(root.resolve()):
        yield Objection(f"{args.flow} is outside of the manifest's folder", at="args", path=("flow",))
        return
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "paths start from the manifest's folder"
        yield Objection(f"there is no file {args.flow}", at="args", path=("flow",), hint=hint)
        return
    except (OSError, UnicodeDecodeError) as error:
        yield Objection(f"{args.flow} cannot be read: {error}", at="args", path=("flow",))
        return
    try:
        delivered(text, namespace=namespace_of(settings, wiring), labels=labels_of(wiring), variables={VARIABLE: ""})
    except Unusable as error:
        for each in error.problems:
            hint = each.hint or "correct the file"
            yield Objection(f"{args.flow}:{each.line}: {each.reason}", at="args", path=("flow",), hint=hint)


VARIABLE = "alchemesh_connections"
