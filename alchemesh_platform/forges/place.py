"""The merge request that a job is about, from the variables of the job and the event that started it.

Nothing here is read from an artifact: a fork may have written it.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/variables,
https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run, https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.forges.heal import Run

Forge = Literal["github", "gitlab"]
COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w-]*/(?!\.{1,2}$)[\w.-]+", re.ASCII)


class NoMergeRequest(Failure):
    """Raised when the environment names no merge request."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Place:
    """A merge request, and the run that comments on it.

    Args:
        forge: github or gitlab.
        api: Address of the API.
        project: ``owner/name`` on GitHub, the id of the project on GitLab.
        number: Number of the merge request; None if it must be looked up by its branch.
        run: The run.
        commit: The previewed commit, if known.
        branch: Owner and name of the branch, if the number must be looked up.
        graphql: Address of GitHub's GraphQL API.
        is_fork: Whether the document comes from a job that ran the code of a fork.
    """

    forge: Forge
    api: str
    project: str
    number: int | None
    run: Run
    commit: str | None = None
    branch: tuple[str, str] | None = None
    graphql: str = ""
    is_fork: bool = False


def event_of(environ: Mapping[str, str]) -> dict[str, Any]:
    """The event that started a workflow on GitHub; empty elsewhere."""
    with suppress(OSError, ValueError, KeyError):
        found = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def head_commit(environ: Mapping[str, str]) -> str | None:
    """The commit of the author. A job may have checked out its merge with the base branch instead."""
    event = event_of(environ)
    request, finished = _dict(event.get("pull_request")), _dict(event.get("workflow_run"))
    for found in (
        _dict(request.get("head")).get("sha"),
        finished.get("head_sha"),
        environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"),
        environ.get("CI_COMMIT_SHA"),
    ):
        if isinstance(found, str) and COMMIT.fullmatch(found):
            return found
    return None


def place_of(environ: Mapping[str, str] = os.environ, *, number: int | None = None) -> Place:
    """The merge request of this job.

    Args:
        environ: The variables of the job.
        number: Number of the merge request, if the caller knows it.

    Raises:
        NoMergeRequest: when the job is about none.
    """
    if environ.get("GITLAB_CI") or "CI_API_V4_URL" in environ:
        return _gitlab(environ, number)
    if environ.get("GITHUB_ACTIONS") or "GITHUB_REPOSITORY" in environ:
        return _github(environ, number)
    raise NoMergeRequest(
        "this is no job of GitHub or GitLab",
        hint="run it in a pipeline; it reads GITHUB_REPOSITORY and GITHUB_EVENT_PATH, or CI_API_V4_URL, CI_PROJECT_ID "
        "and CI_MERGE_REQUEST_IID",
    )


def _github(environ: Mapping[str, str], number: int | None) -> Place:
    project = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(project):
        raise NoMergeRequest("GITHUB_REPOSITORY names no repository", hint="GitHub sets it in every job")
    event = event_of(environ)
    finished = _dict(event.get("workflow_run"))
    run = Run(_number(environ.get("GITHUB_RUN_ID")), _number(environ.get("GITHUB_RUN_ATTEMPT")) or 1)
    branch = None
    if finished:  # the second step of two: the order is that of the first one
        run = Run(_number(finished.get("id")), _number(finished.get("run_attempt")) or 1)
        requests = finished.get("pull_requests")
        numbers = [_number(_dict(each).get("number")) for each in requests] if isinstance(requests, list) else []
        number = number or (numbers[0] if len(numbers) == 1 else None)
        owner = _dict(_dict(finished.get("head_repository")).get("owner")).get("login")
        if isinstance(owner, str) and isinstance(finished.get("head_branch"), str):
            branch = (owner, str(finished["head_branch"]))
    number = number or _number(_dict(event.get("pull_request")).get("number")) or None
    if number is None and branch is None:
        raise NoMergeRequest(
            "the event of this job is about no pull request",
            hint="start the workflow with `on: pull_request` or `on: workflow_run`, or use --number",
        )
    api = environ.get("GITHUB_API_URL", "https://api.github.com")
    graphql = environ.get("GITHUB_GRAPHQL_URL", f"{api}/graphql")
    is_fork = bool(finished) and _dict(finished.get("head_repository")).get("full_name") != project
    return Place("github", api, project, number, run, head_commit(environ), branch, graphql, is_fork)


def _gitlab(environ: Mapping[str, str], number: int | None) -> Place:
    number = number or _number(environ.get("CI_MERGE_REQUEST_IID")) or None
    api, project = environ.get("CI_API_V4_URL", ""), environ.get("CI_PROJECT_ID", "")
    # A merge request from a fork runs in the fork; the comment belongs to the project that it is for.
    project = environ.get("CI_MERGE_REQUEST_PROJECT_ID") or project
    if number is None or not api or not project:
        raise NoMergeRequest(
            "this job is about no merge request",
            hint="run it in a merge request pipeline, with `rules: - if: $CI_MERGE_REQUEST_IID`",
        )
    run = Run(_number(environ.get("CI_PIPELINE_ID")), _number(environ.get("CI_JOB_ID")) or 1)
    return Place("gitlab", api, project, number, run, head_commit(environ))


def _dict(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _number(found: Any) -> int:
    """A number of the environment or of an event; 0 if it is none."""
    if isinstance(found, int) and not isinstance(found, bool):
        return max(found, 0)
    return int(found) if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 20 else 0  # noqa: PLR2004
