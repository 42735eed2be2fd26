"""`alchemesh init`: create a small, working data product."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.names import NAME_MAX, NAME_PATTERN
from alchemesh_platform.base.remedy import Command, remedy

DEFAULT_NAME = "my-product"
FOLLOWING = (Command(("up",)), Command(("run",)))


class NotWritten(Failure):
    """Raised when a file cannot be written."""


class AlreadyThere(Failure):
    """Raised instead of overwriting existing files."""

    exit_code = ExitCode.USAGE


class NoName(Failure):
    """Raised when a product's name is not valid."""

    exit_code = ExitCode.USAGE


@click.command(short_help="Create a small, working data product.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--name", help="Name of the product.  [default: the folder's name]")
@click.option("--domain", default="retail", show_default=True, help="Data domain of the product.")
def command(directory: Path, name: str | None, domain: str) -> None:
    """Create a small, working data product: a manifest with comments, a few rows of data, and code
    that cleans them.

    Creates DIRECTORY if it does not exist; by default, uses this folder. Existing files are not overwritten.

    \b
    Examples:
      alchemesh init my-product && cd my-product && alchemesh up
      alchemesh init . --name orders --domain sales
    """
    from alchemesh_platform.manifest.starter import MANIFEST_NAME, SCHEMA_PATH, starter_files

    product = _name("--name", name) if name is not None else _from_folder(directory)
    files = starter_files(product, _name("--domain", domain))
    own = [path for path in files if not path.startswith(".")]
    there = [path for path in own if (directory / path).exists()]
    if there:
        raise AlreadyThere(
            f"{', '.join(str(directory / path) for path in there)}: already exists, and is not overwritten",
            hint=remedy("give another folder: {}", Command(("init", "my-product"))),
        )
    for path, text in {**files, SCHEMA_PATH: _schema()}.items():
        _write(directory / path, text)
    shown = directory if directory.parts else Path()
    click.echo(f"{shown / MANIFEST_NAME}: data product {domain}/{product}")
    click.echo(f"\nnext: {'' if shown == Path() else f'cd {shown} && '}{' && '.join(each.line for each in FOLLOWING)}")


def _from_folder(directory: Path) -> str:
    from alchemesh_platform.documents.patterns import corrected

    folder = directory.absolute().name
    name = folder if _is_name(folder) else corrected(NAME_PATTERN, folder)
    return name if name is not None and _is_name(name) else DEFAULT_NAME


def _name(option: str, name: str) -> str:
    if _is_name(name):
        return name
    from alchemesh_platform.documents.document import quoted
    from alchemesh_platform.documents.patterns import RULES, corrected

    better = corrected(NAME_PATTERN, name)
    raise NoName(
        f"{option}: found {quoted(name)}, expected {RULES[NAME_PATTERN].words}, of at most {NAME_MAX} characters",
        hint=f"did you mean {better!r}?" if better else f"for example {RULES[NAME_PATTERN].example}",
    )


def _is_name(text: str) -> bool:
    return re.fullmatch(NAME_PATTERN, text) is not None and len(text) <= NAME_MAX


def _schema() -> str:
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.catalog.manifest_schema import manifest_schema
    from alchemesh_platform.platform_file.builtin import LOCAL_COMPONENTS

    specs = [spec for spec in discover().loaded()[0] if spec.name in LOCAL_COMPONENTS.values()]
    return json.dumps(manifest_schema(specs), indent=2, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file, unless it exists."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return  # an existing .gitignore or schema is kept
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror}", hint="nothing was overwritten") from error
