"""Merge requests of GitLab.

Source: https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/merge_requests/
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from alchemesh_platform.forges.client import Client, ForgeFailure, name_of_user
from alchemesh_platform.forges.heal import Comment

RIGHTS = "the token needs the scope `api` and the role Reporter; the token of a job may not write comments"


def gitlab_client(api: str, token: str, **options: Any) -> Client:
    """A client of GitLab's API.

    Args:
        api: Address of the API, version 4.
        token: A personal, group or project access token.
        options: Limits of the client.
    """
    return Client("GitLab", api.rstrip("/"), {"PRIVATE-TOKEN": token, "User-Agent": "alchemesh"}, RIGHTS, **options)


@dataclass(frozen=True, slots=True)
class GitLabMergeRequest:
    """A merge request.

    Args:
        client: The API.
        project: The id or the path of the project.
        number: Its number in the project.
    """

    client: Client = field(repr=False)
    project: str
    number: int

    @property
    def _path(self) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests/{self.number}"

    def address(self) -> str:
        """Its address for a person."""
        return f"{self.project}!{self.number}"

    def author(self) -> str:
        """The username of the token's user."""
        return name_of_user(self.client, self.client.get("/user"), "username")

    def head(self) -> str | None:
        """The newest commit of its branch."""
        found = self.client.get(self._path)
        return found.get("sha") if isinstance(found, dict) else None

    def comments(self) -> Iterator[Comment]:
        """All comments of people; not those that GitLab writes itself."""
        for each in self.client.pages(f"{self._path}/notes", sort="asc", order_by="created_at"):
            if not (isinstance(each, dict) and each.get("system")):
                yield _comment(each)

    def comment(self, number: int) -> Comment:
        """One comment, as it is now."""
        return _comment(self.client.get(f"{self._path}/notes/{number}"))

    def create(self, body: str) -> Comment:
        """Add a comment."""
        return _comment(self.client.send("POST", f"{self._path}/notes", body={"body": body}).json())

    def update(self, number: int, body: str) -> None:
        """Replace the text of a comment."""
        self.client.send("PUT", f"{self._path}/notes/{number}", body={"body": body})

    def delete(self, number: int) -> None:
        """Remove a comment."""
        self.client.send("DELETE", f"{self._path}/notes/{number}")


def _comment(found: Any) -> Comment:
    if not isinstance(found, dict) or not isinstance(found.get("id"), int):
        raise ForgeFailure("GitLab answers with something other than a comment")
    return Comment(found["id"], str((found.get("author") or {}).get("username", "")), found.get("body") or "")
