"""Write the pipeline of a repository: previews of merge requests, deployments, and a daily look for drift."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform import __version__
from alchemesh_platform.app.review.repository import NoRepository, Repository
from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.scaffold.pipelines.render import Forge

Consent = Callable[[Sequence[str]], None]
FORGES = {"github": "GitHub", "gitlab": "GitLab"}


class PipelineNotWritten(Failure):
    """Raised when a file of the pipeline cannot be written."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class WrittenPipeline:
    """The files of a pipeline.

    Args:
        written: Paths of the files that were written.
        unchanged: Paths of the files that were the same before.
        to_add: Lines that the repository's own pipeline must contain, by its path. It was left as it is.
    """

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    to_add: tuple[tuple[str, str], ...] = ()


def write_pipeline(
    forge: Forge,
    root: Path,
    environments: Sequence[str],
    *,
    branch: str,
    extras: str,
    audience: str,
    verify: bool,
    consent: Consent,
) -> WrittenPipeline:
    """Write the files of a pipeline into a repository.

    Args:
        forge: The service that runs it.
        root: The root of the repository.
        environments: Names of the environments, in the order of their deployment.
        branch: The default branch, which is deployed.
        extras: Extras of the package, separated by commas.
        audience: Audience of the identity token of deployments.
        verify: Whether this version has `contract verify`.
        consent: Receives the paths of existing files that would change. It raises if they must stay.

    Raises:
        BadAnswer: for an answer that cannot be part of a pipeline.
        PipelineNotWritten: when the folder is below the root of its git repository, or a file cannot be written or is
            outside of the repository.
    """
    from alchemesh_platform.scaffold.pipelines.render import COMPONENT, OWN_PIPELINE, Answers, pipeline

    answers = Answers(tuple(environments), branch, extras, audience, __version__, verify=verify)
    files = pipeline(forge, answers)
    _check_root(forge, root)
    for path in files:
        _check_target(root, path)
    before = {path: _text(root, path) for path in files}
    to_add = []
    own = before.get(OWN_PIPELINE)
    if own is not None:  # the jobs of others are in it
        text = files.pop(OWN_PIPELINE)
        if _lacks(own, COMPONENT, environments):
            to_add.append((OWN_PIPELINE, text))
    changed = {path: text for path, text in files.items() if before[path] != text}
    if existing := [path for path in changed if before[path] is not None]:
        consent(existing)
    _write(root, changed)
    shown = {path for path, _lines in to_add}
    unchanged = tuple(path for path in before if path not in changed and path not in shown)
    return WrittenPipeline(tuple(changed), unchanged, tuple(to_add))


def check_extras(extras: str) -> None:
    """Check that the package has each extra.

    Raises:
        BadAnswer: for one that it does not have.
    """
    from importlib.metadata import metadata

    from alchemesh_platform.base.problems import did_you_mean
    from alchemesh_platform.scaffold.pipelines.render import BadAnswer

    known = metadata("alchemesh-platform").get_all("Provides-Extra") or []
    for name in filter(None, extras.split(",")):
        if name not in known:
            raise BadAnswer(f"found {name!r}, expected an extra of the package", hint=did_you_mean(name, known))


def _check_root(forge: Forge, folder: Path) -> None:
    """Check that a folder is not below the root of its git repository: a forge reads pipelines at the root only."""
    try:
        root = Repository.of(folder).root
    except NoRepository:
        return  # it becomes one later
    if not root.samefile(folder):
        where = Path(os.path.relpath(root, Path.cwd().resolve())).as_posix()
        raise PipelineNotWritten(
            f"{folder.absolute().name} is a folder inside of a git repository, expected the root of the repository",
            hint=f"add `-C {where}` to the command: {FORGES[forge]} reads its pipeline at the root only",
        )


def _check_target(root: Path, path: str) -> None:
    """Check that a file can be written, before the first one is."""
    places = [Path(path), *Path(path).parents][-2::-1]  # without the root itself, from above
    for place in places:
        is_file, found = place == places[-1], root / place
        kind = "file" if is_file else "folder"
        if found.is_symlink() and not found.exists():
            raise PipelineNotWritten(
                f"{place} is a link to a missing {kind}", hint=f"create the {kind}, or remove the link"
            )
        if found.exists() and found.is_dir() == is_file:
            raise PipelineNotWritten(
                f"{place} is a {'folder' if is_file else 'file'}, expected a {kind}", hint="move it to another place"
            )
        if found.exists() and not os.access(found, os.W_OK):
            raise PipelineNotWritten(
                f"{place} cannot be written: its permissions forbid it", hint=f"run `chmod u+w {place}`"
            )


def _write(root: Path, files: Mapping[str, str]) -> None:
    written: list[str] = []
    for path, text in files.items():
        file = root / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        except OSError as error:
            done = ", ".join(written) or "no file"
            raise PipelineNotWritten(
                f"{path} cannot be written: {error.strerror}",
                hint=f"the command wrote {done}: fix the cause, then run it again",
            ) from error
        written.append(path)


def _lacks(own: str, component: str, environments: Sequence[str]) -> bool:
    """Whether the repository's own pipeline lacks an environment as an input of the component."""
    included = [re.split(r"\n(?=[^\s#-])", text)[0] for text in own.split(component)[1:]]  # up to the next key
    given = {name for text in included for name in re.findall(r"\benvironment:\s*[\"']?([\w-]+)", text)}
    return not given.issuperset(environments)


def _text(root: Path, path: str) -> str | None:
    """The text of an existing file of the repository; None if there is none."""
    file = root / path
    if not file.resolve().is_relative_to(root.resolve()):
        raise PipelineNotWritten(f"{path} is a link to a place outside of the repository", hint="remove the link")
    try:
        return file.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PipelineNotWritten(f"{path} cannot be read: {error.strerror}") from error
