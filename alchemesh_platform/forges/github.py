"""Pull requests of GitHub.

Source: https://docs.github.com/en/rest/issues/comments, https://docs.github.com/en/rest/pulls/pulls
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from alchemesh_platform.forges.client import Client, ForgeFailure, NotThere, TokenRefused, name_of_user
from alchemesh_platform.forges.heal import Comment

RIGHTS = "the token needs the permission `pull-requests: write`"
BOT = "github-actions[bot]"  # the user of a job's own token
VERSION = "2022-11-28"


def github_client(api: str, token: str, **options: Any) -> Client:
    """A client of GitHub's API.

    Args:
        api: Address of the API.
        token: The token.
        options: Limits of the client.
    """
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": VERSION,
        "User-Agent": "alchemesh",
    }
    return Client("GitHub", api.rstrip("/"), headers, RIGHTS, **options)


@dataclass(frozen=True, slots=True)
class GitHubPullRequest:
    """A pull request.

    Args:
        client: The API.
        repository: ``owner/name``.
        number: Its number.
        graphql: Address of the GraphQL API, which also answers to the token of a job.
    """

    client: Client = field(repr=False)
    repository: str
    number: int
    graphql: str

    def address(self) -> str:
        """Its address for a person."""
        return f"{self.repository}#{self.number}"

    def author(self) -> str:
        """The login of the token's user. The token of a job may not ask for it in the REST API."""
        try:
            return name_of_user(self.client, self.client.get("/user"), "login")
        except TokenRefused as refused:
            if not refused.is_forbidden:
                raise
        try:
            answer = self.client.send("POST", self.graphql, body={"query": "{viewer{login}}"}).json()
        except NotThere:
            return BOT
        except TokenRefused as refused:
            if not refused.is_forbidden:
                raise
            return BOT
        data = answer.get("data") if isinstance(answer, dict) else None
        if isinstance(answer, dict) and answer.get("errors") and not data:
            return BOT  # GraphQL refuses with the status 200
        return name_of_user(self.client, data.get("viewer") if isinstance(data, dict) else None, "login")

    def head(self) -> str | None:
        """The newest commit of its branch."""
        found = self.client.get(f"/repos/{self.repository}/pulls/{self.number}")
        head = found.get("head") if isinstance(found, dict) else None
        return head.get("sha") if isinstance(head, dict) else None

    def comments(self) -> Iterator[Comment]:
        """All comments of its conversation."""
        for each in self.client.pages(f"/repos/{self.repository}/issues/{self.number}/comments"):
            yield _comment(each)

    def comment(self, number: int) -> Comment:
        """One comment, as it is now."""
        return _comment(self.client.get(f"/repos/{self.repository}/issues/comments/{number}"))

    def create(self, body: str) -> Comment:
        """Add a comment."""
        path = f"/repos/{self.repository}/issues/{self.number}/comments"
        return _comment(self.client.send("POST", path, body={"body": body}).json())

    def update(self, number: int, body: str) -> None:
        """Replace the text of a comment."""
        self.client.send("PATCH", f"/repos/{self.repository}/issues/comments/{number}", body={"body": body})

    def delete(self, number: int) -> None:
        """Remove a comment."""
        self.client.send("DELETE", f"/repos/{self.repository}/issues/comments/{number}")


def open_number(client: Client, repository: str, owner: str, branch: str, commit: str) -> int | None:
    """The number of the open pull request of a branch, possibly of a fork; None if it is closed.

    GitHub's event of a finished workflow has no number if the branch is in a fork.

    Args:
        client: The API.
        repository: ``owner/name`` of the repository that the request is for.
        owner: Owner of the repository with the branch.
        branch: The branch.
        commit: The commit; it selects one of several requests of the branch.
    """
    query = {"state": "open", "head": f"{owner}:{branch}"}
    found = [each for each in client.pages(f"/repos/{quote(repository)}/pulls", **query) if isinstance(each, dict)]
    exact = [each for each in found if (each.get("head") or {}).get("sha") == commit]
    chosen = exact or found
    return int(chosen[0]["number"]) if len(chosen) == 1 or exact else None


def _comment(found: Any) -> Comment:
    if not isinstance(found, dict) or not isinstance(found.get("id"), int):
        raise ForgeFailure("GitHub answers with something other than a comment")
    return Comment(found["id"], str((found.get("user") or {}).get("login", "")), found.get("body") or "")
