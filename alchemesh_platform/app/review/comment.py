"""Post the comment of a merge request, and heal what earlier runs left."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import ExitCode, Failure

if TYPE_CHECKING:
    from alchemesh_platform.forges.client import Client
    from alchemesh_platform.forges.heal import Posted
    from alchemesh_platform.forges.place import Forge, Place

TOKENS: Mapping[Forge, str] = {"github": "GITHUB_TOKEN", "gitlab": "GITLAB_TOKEN"}


class TokenMissing(Failure):
    """Raised when the job has no token, or one that no header of a request can hold."""

    exit_code = ExitCode.USAGE


def post_comment(
    place: Place,
    text: str,
    *,
    key: str = "preview",
    only_replace: bool = False,
    longest: float | None = None,
    environ: Mapping[str, str] = os.environ,
    cancel: threading.Event | None = None,
) -> Posted:
    """Post a text as the one comment of a merge request.

    Args:
        place: The merge request and the run.
        text: The comment.
        key: Name of the comment; a merge request has one for each.
        only_replace: Whether a comment is replaced only, and none is created.
        longest: Maximum number of seconds to wait for the forge.
        environ: The variables of the job. The token comes from here only.
        cancel: Set it to stop.

    Returns:
        The act. It is ``nothing`` if the merge request is closed.

    Raises:
        TokenMissing: when the job has no token, or one with other characters than printable ASCII.
        CommentsExtraMissing: when the libraries are not installed.
        ForgeFailure: when the forge refuses it, or does not answer in time.
    """
    from alchemesh_platform.forges.client import LONGEST, check_installed, waiting
    from alchemesh_platform.forges.github import GitHubPullRequest, github_client, open_number
    from alchemesh_platform.forges.gitlab import GitLabMergeRequest, gitlab_client
    from alchemesh_platform.forges.heal import MergeRequest, Posted, heal

    name = TOKENS[place.forge]
    token = environ.get(name, "").strip()  # a secret from a file may end with a line feed
    if not token:
        raise TokenMissing(f"{name} is not set", hint=_token_hint(place.forge))
    if not (token.isascii() and token.isprintable()):
        raise TokenMissing(
            f"{name} has characters that no token has", hint="copy the token again, without other characters"
        )
    check_installed()
    limit = LONGEST if longest is None else longest
    pause = waiting(cancel or threading.Event())
    make = github_client if place.forge == "github" else gitlab_client
    client: Client = make(place.api, token, longest=limit, wait=pause)
    try:
        if place.number is None and place.branch is not None:
            owner, branch = place.branch
            place = replace(place, number=open_number(client, place.project, owner, branch, place.commit or ""))
        if place.number is None:
            return Posted("nothing")
        request: MergeRequest = (
            GitHubPullRequest(client, place.project, place.number, place.graphql)
            if place.forge == "github"
            else GitLabMergeRequest(client, place.project, place.number)
        )
        return heal(request, text, place.run, key=key, commit=place.commit, only_replace=only_replace, wait=pause)
    finally:
        client.close()


def _token_hint(forge: Forge) -> str:
    if forge == "github":
        return "give the step `env: GITHUB_TOKEN: ${{ github.token }}` and the job `permissions: pull-requests: write`"
    return "set a masked variable GITLAB_TOKEN with a project access token of the scope `api` and the role Reporter"
