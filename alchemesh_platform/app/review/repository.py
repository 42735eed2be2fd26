"""A git repository: the files that a branch changes, and files as its base has them.

All output of git is read with NUL between names, so names with spaces, quotes or line breaks stay whole. Git runs no
program that the repository's attributes or a branch name.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.printable import one_line

LONGEST_SECONDS = 120
# Nothing of a branch decides which programs git runs: its attributes may name drivers, which need configuration.
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false")
_AS_THEY_ARE = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
_NOTHING = re.compile(r"0{40}|0{64}")
_EXAMPLE = "for example origin/main"
_ALL = "fetch-depth: 0 for actions/checkout, GIT_DEPTH: 0 for GitLab"


class NoRepository(Failure):
    """Raised when a folder is in no git repository, or git cannot read it."""

    exit_code = ExitCode.USAGE


class BaseMissing(Failure):
    """Raised when the base of a branch is not in this clone."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a branch changes. Paths are relative to the root of the repository, with slashes.

    Args:
        path: Its path; the former one of a removed file.
        formerly: The path that it was renamed from.
        is_removed: Whether the branch removes it.
    """

    path: str
    formerly: str | None = None
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class Base:
    """The commit that a branch is compared with.

    Args:
        commit: The last common commit of the branch and its base.
        note: A fact for the user; empty if there is none.
    """

    commit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with a work tree."""

    root: Path

    @classmethod
    def of(cls, folder: Path) -> Repository:
        """The repository of a folder.

        Raises:
            NoRepository: when there is none.
        """
        try:
            found = _git(folder, "rev-parse", "--show-toplevel")
        except _Refused as refused:
            raise NoRepository(
                f"git cannot read the repository of {folder}: {refused.reason}",
                hint="--affected-by compares files with git: run it in a clone of the repository",
            ) from refused
        return cls(Path(os.fsdecode(found).rstrip("\n")))

    def base(self, name: str) -> Base:
        """The commit to compare with: the last common one of this branch and its base.

        Args:
            name: A branch, tag or commit: ``origin/main``.

        Raises:
            BaseMissing: when this clone does not have it, or not the commits in between.
        """
        if _NOTHING.fullmatch(name):  # a forge names it as the commit before the first one of a branch
            return Base(
                self._line("hash-object", "-t", "tree", os.devnull), "there is no earlier commit to compare with"
            )
        if not name or name.startswith("-"):
            raise BaseMissing(f"found {name!r}, expected a branch, tag or commit", hint=_EXAMPLE)
        shown = one_line(name)
        if ".." in name:
            raise BaseMissing(f"{shown} is a range, expected one branch, tag or commit", hint=_EXAMPLE)
        try:
            commit = self._line("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        except _Refused as refused:
            if (kind := self._kind(name)) is not None:
                raise BaseMissing(f"{shown} is a {kind}, expected a branch, tag or commit", hint=_EXAMPLE) from refused
            raise BaseMissing(f"{shown} is not in this clone", hint=self._how_to_fetch(shown)) from refused
        try:
            return Base(self._line("merge-base", commit, "HEAD"))
        except _Refused as refused:
            if self._line("rev-parse", "--is-shallow-repository") == "true":
                raise BaseMissing(
                    f"this clone is shallow: it lacks the common commit of {shown} and this branch",
                    hint=f"run `git fetch --unshallow`; in a pipeline set {_ALL}",
                ) from refused
            return Base(commit, f"this branch and {shown} have no common commit: every difference counts as a change")

    def changes(self, commit: str) -> list[ChangedFile]:
        """The files that differ from a commit, with those that git does not track yet."""
        compared = self._git("diff", "--name-status", "-z", "--find-renames", *_AS_THEY_ARE, commit, "--")
        new = self._git("ls-files", "-z", "--others", "--exclude-standard", "--full-name", ":/")
        return [*_changed_files(compared), *(ChangedFile(path) for path in _names(new))]

    def files_named(self, name: str) -> list[str]:
        """Paths of the files with a name, in folders that are not hidden, and in submodules that are checked out."""
        pattern = f":(top,glob)**/{name}"
        found = _names(
            self._git("ls-files", "-z", "--full-name", "--cached", "--others", "--exclude-standard", pattern)
        )
        if (self.root / ".gitmodules").is_file():
            found += _names(self._git("ls-files", "-z", "--full-name", "--cached", "--recurse-submodules", pattern))
        return sorted(
            path
            for path in set(found)
            if not any(part.startswith(".") for part in path.split("/")) and (self.root / path).is_file()
        )

    def files_at(self, commit: str, folder: str = ".") -> list[str]:
        """Paths of the files in a folder of a commit, and in the folders below."""
        below = () if folder == "." else ("--", f"{folder}/")
        return _names(self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, *below))

    def texts_at(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """The texts of files in a commit, by path. One that the commit lacks is left out."""
        found: dict[str, str] = {}
        asked = [path for path in paths if "\n" not in path]  # git reads one name from each line
        answer = self._git("cat-file", "--batch", given=b"".join(os.fsencode(f"{commit}:{path}\n") for path in asked))
        for path in asked:
            head, _, rest = answer.partition(b"\n")
            if head.endswith(b" missing") or not head.rpartition(b" ")[2].isdigit():
                answer = rest
                continue
            size = int(head.rpartition(b" ")[2])
            found[path] = rest[:size].decode("utf-8", "replace")
            answer = rest[size + 1 :]
        return found

    def relative(self, path: Path) -> str | None:
        """A path relative to the root; None for a path outside."""
        for root, each in ((self.root, path.absolute()), (self.root.resolve(), path.resolve())):
            if each.is_relative_to(root):
                return each.relative_to(root).as_posix()
        return None

    def _kind(self, name: str) -> str | None:
        """The kind of an object that is no commit; None if this clone has none of the name."""
        try:
            kind = self._line("cat-file", "-t", name)
        except _Refused:
            return None
        return {"blob": "file", "tag": "tag of something other than a commit"}.get(kind, kind)

    def _how_to_fetch(self, name: str) -> str:
        remote, _, branch = name.partition("/")
        remotes = self._git("remote").decode("utf-8", "replace").split()
        fetch = f"git fetch {remote} {branch}:refs/remotes/{name}" if branch and remote in remotes else "git fetch"
        return f"run `{fetch}`; in a pipeline set {_ALL}"

    def _line(self, *arguments: str) -> str:
        return os.fsdecode(self._git(*arguments)).strip()

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        return _git(self.root, *arguments, given=given)


class _Refused(Exception):
    """Raised when git ends with a failure."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """The output of git.

    Args:
        given: Its input.

    Raises:
        _Refused: when it fails.
        NoRepository: when there is no git, or it does not end.
    """
    environ = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    where = folder.parent if folder.is_file() else folder
    try:
        done = subprocess.run(
            ["git", *_SAFE, *arguments],
            cwd=where,
            env=environ,
            input=given,
            capture_output=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        if not where.is_dir():
            raise NoRepository(f"no such folder {where}") from error
        raise NoRepository("git is not installed", hint="install git: --affected-by compares files with it") from error
    except subprocess.TimeoutExpired as error:
        raise NoRepository(f"git did not end within {LONGEST_SECONDS} seconds in {folder}") from error
    if done.returncode != 0:
        raise _Refused(_reason(done.stderr))
    return done.stdout


def _reason(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else "it gave no reason"


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _changed_files(output: bytes) -> Iterator[ChangedFile]:
    """The files of ``git diff --name-status -z``: a status, and one path, or two of a renamed or copied file."""
    words = iter(_names(output))
    for status in words:
        path = next(words, "")
        if status.startswith("R"):
            yield ChangedFile(next(words, ""), formerly=path)
        elif status.startswith("C"):
            yield ChangedFile(next(words, ""))
        else:
            yield ChangedFile(path, is_removed=status == "D")
