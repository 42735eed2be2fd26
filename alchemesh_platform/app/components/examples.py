"""Check the example products of a package: they compose without problems, and can be deployed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from alchemesh_platform.app.manifest.validate import DEFAULT, validate
from alchemesh_platform.app.where import Where, read_product
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.base.names import MANIFEST
from alchemesh_platform.base.problems import ProblemsFound, errors_of
from alchemesh_platform.catalog.discover import discover
from alchemesh_platform.documents.yaml_source import shown
from alchemesh_platform.testing.finding import Finding
from alchemesh_platform.testing.package import Package

FOLDERS = ("example", "examples")
INSTALL = "Run `python -m pip install --editable .` in the folder of the package."


def examples_of(folder: Path) -> list[Path]:
    """The manifests of the examples of a package: in ``example`` or ``examples``, or in a folder of these."""
    patterns = (MANIFEST, f"*/{MANIFEST}")
    return sorted(path for name in FOLDERS for pattern in patterns for path in (folder / name).glob(pattern))


def check_examples(package: Package, *, engine: bool = False) -> Iterator[Finding]:
    """The problems of the examples.

    Args:
        package: The package; the examples are checked if the whole package is.
        engine: Whether each example without problems is deployed, previewed again and destroyed, in a home of its own.
    """
    if {component.name for component in package.components} != package.registered:
        return
    examples = examples_of(package.folder)
    if examples and not package.registered <= set(discover()):
        what = f"the examples cannot be checked: {package.name} is not installed here"
        yield Finding("example-is-valid", package.name, what, shown(examples[0]), 1, "", INSTALL)
        return
    for manifest in examples:
        problems = errors_of(validate([manifest]).problems)
        for problem in problems:
            place = f"{problem.path}: " if problem.path else ""
            file, line = problem.location.file, problem.location.line
            what = f"{place}{problem.message}"
            yield Finding("example-is-valid", package.name, what, file, line, "", str(problem.hint or ""))
        if engine and not problems:
            yield from _deployed(package.name, manifest)


def _deployed(package: str, manifest: Path) -> Iterator[Finding]:
    from alchemesh_platform.testing.run.declared import environment

    with TemporaryDirectory(prefix="conformance-example-", ignore_cleanup_errors=True) as name:
        copy = Path(name, "product")
        shutil.copytree(manifest.parent, copy)
        with environment({HOME_VARIABLE: str(Path(name, "home"))}):
            try:
                for what in _life(Where(copy, DEFAULT)):
                    yield Finding("example-deploys", package, what, shown(manifest), 1)
            except ProblemsFound as found:
                yield Finding("example-deploys", package, str(found.problems[0].message), shown(manifest), 1)
            except Failure as failure:
                hint = str(failure.hint or "")
                yield Finding("example-deploys", package, failure.message, shown(manifest), 1, "", hint)


def _life(where: Where) -> Iterator[str]:
    """Deploy an example, preview it again and destroy it; the problems on the way."""
    from alchemesh_platform.app.product.deploy import destroy, preview, up
    from alchemesh_platform.identity.identify import identify

    product = read_product(where, look=True)
    actor = identify(product.platform)
    try:
        done = up(product, actor)
        if not done.succeeded:
            yield f"`up` failed: {'; '.join(problem.message for problem in done.problems) or done.outcome}"
            return
        again = preview(read_product(where, look=True))
        if again.progress.has_changes:
            changed = [change.name for change in again.progress.changes() if change.operation not in ("same", "read")]
            yield f"a second preview changes {', '.join(changed)}"
    finally:
        removed = destroy(product, actor, delete_data=True)
    if not removed.succeeded:
        yield f"`destroy` failed: {'; '.join(problem.message for problem in removed.problems) or removed.outcome}"
