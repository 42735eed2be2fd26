"""Renders the template of a package, as Copier does, and writes the result in one step.

The template follows Copier's rules: questions in ``copier.yml``, placeholders in names of files and folders, the
suffix ``.jinja``, and no file where a name is empty. So `copier update` merges later changes of the template into a
package.

Source: https://copier.readthedocs.io/en/stable/configuring/
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.scaffold.templates import sandbox

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

HERE = Path(__file__).parent
QUESTIONS = HERE / "copier.yml"
SUFFIX = ".jinja"


class FolderTaken(Failure):
    """Raised instead of writing into a folder that has files."""

    exit_code = ExitCode.USAGE


class NotWritten(Failure):
    """Raised when the package cannot be written. Nothing is left behind."""


def render(answers: Mapping[str, str], *, source: str, commit: str) -> dict[str, bytes]:
    """The files of a package: the content by path, relative to its folder.

    Args:
        answers: Answers by the names of the questions.
        source: Address of the template's repository, from which Copier updates the package.
        commit: The tag of the template in that repository.
    """
    asked = yaml.safe_load(QUESTIONS.read_text("utf-8"))
    environment = _environment()
    values: dict[str, Any] = dict(answers)
    for name, question in asked.items():
        if not name.startswith("_") and name not in values:
            values[name] = environment.from_string(question["default"]).render(values)
    hidden = {name for name, question in asked.items() if isinstance(question, dict) and question.get("when") is False}
    remembered = {name: value for name, value in values.items() if name not in hidden}
    context = {
        **values,
        "_copier_answers": {"_src_path": source, "_commit": commit, **remembered},
        "_copier_conf": {"answers_file": asked["_answers_file"]},
    }
    template = HERE / asked["_subdirectory"]
    return dict(sorted(_rendered(template, environment, context)))


def write_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with files in one step: it has all of them, or does not exist.

    Raises:
        FolderTaken: when there is a file or a folder with files already.
        NotWritten: when the folder cannot be written.
    """
    if target.is_symlink() or target.exists():
        _refuse_taken(target)
    made: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        for path, content in files.items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        made.chmod(0o777 & ~_umask())
        _refuse_taken(target)  # somebody may have made it in the meantime; rename replaces only an empty folder
        made.rename(target)
    except OSError as error:
        raise NotWritten(
            f"{target} cannot be written: {error.strerror}", hint="name another folder by `--into`; nothing was written"
        ) from error
    finally:
        if made is not None and made.exists():
            shutil.rmtree(made, ignore_errors=True)


def _refuse_taken(target: Path) -> None:
    if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
        raise FolderTaken(
            f"{target} exists already, and is not overwritten",
            hint="use another name, or name another folder by `--into`",
        )


def _umask() -> int:
    before = os.umask(0)
    os.umask(before)
    return before


def _environment() -> SandboxedEnvironment:
    made = sandbox("testing")
    made.filters["to_nice_yaml"] = _nice_yaml
    return made


def _nice_yaml(value: Any) -> str:
    return yaml.safe_dump(value, indent=4, allow_unicode=True, default_flow_style=False)


def _rendered(
    template: Path, environment: SandboxedEnvironment, context: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    for folder, folders, names in os.walk(template):
        folders.sort()
        inside = Path(folder).relative_to(template)
        for name in sorted(names):
            parts = [*inside.parts, name.removesuffix(SUFFIX)]
            shown = [environment.from_string(part).render(context) for part in parts]
            if not all(shown) or "__pycache__" in shown:
                continue
            content = Path(folder, name).read_bytes()
            if name.endswith(SUFFIX):
                content = environment.from_string(content.decode()).render(context).encode()
            yield "/".join(shown), content
