"""A client of Dagster's GraphQL interface, for a Dagster of this machine, of a platform team, or Dagster+.

Source: https://docs.dagster.io/api/graphql; the queries use fields that Dagster has had since 1.9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command

OLDEST, TOO_NEW = (1, 9), (2, 0)
TOKEN_HEADER = "Dagster-Cloud-Api-Token"  # noqa: S105 - the header's name, https://docs.dagster.io/dagster-plus
ANSWER_SECONDS = 15.0
_WAIT_SECONDS = 1.0  # before the second try, then twice as long each time
RELOAD_SECONDS = 120.0  # an unreachable location of another team holds a reload for 60 s
_UNREACHABLE = "see that Dagster's webserver runs and that this machine reaches it, then run the command again"

_VERSION = "query { version }"
_LOCATIONS = """query { workspaceOrError { __typename
  ... on Workspace { locationEntries { name loadStatus updatedTimestamp
    locationOrLoadError { __typename ... on RepositoryLocation { name repositories { name } }
      ... on PythonError { message stack } } } }
  ... on PythonError { message stack } } }"""
_RELOAD = """mutation { reloadWorkspace { __typename ... on UnauthorizedError { message }
  ... on PythonError { message } } }"""
_RELOAD_LOCATION = """mutation($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename
  ... on WorkspaceLocationEntry { loadStatus locationOrLoadError { __typename ... on PythonError { message stack } } }
  ... on ReloadNotSupported { message } ... on RepositoryLocationNotFound { message }
  ... on UnauthorizedError { message } ... on PythonError { message stack } } }"""
_RUNNING = "query($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results { runId } } } }"


class DagsterFailed(Failure):
    """Raised when Dagster does not answer, or refuses. The message has its words."""


@dataclass(frozen=True, slots=True)
class Location:
    """A code location, as Dagster sees it.

    Args:
        name: Its name.
        repositories: Names of its repositories; empty if it cannot be loaded.
        problem: The error of its code server; None if it is loaded.
    """

    name: str
    repositories: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Dagster:
    """One Dagster.

    Args:
        address: Address of its webserver; for Dagster+ with the name of the deployment: https://acme.dagster.cloud/prod
        token: Token of a user of Dagster+.
    """

    address: str
    token: str | None = None

    def version(self) -> str:
        """Its version.

        Raises:
            DagsterFailed: when it does not answer, or is too old or too new.
        """
        found = str(self.ask(_VERSION)["version"])
        numbers = tuple(int(part) for part in re.findall(r"\d+", found)[:2])
        if not OLDEST <= numbers < TOO_NEW:
            raise DagsterFailed(
                f"Dagster at {self.address} has version {found}, expected {'.'.join(map(str, OLDEST))} or newer, "
                f"and older than {'.'.join(map(str, TOO_NEW))}",
                hint="set `settings.dagster.address` to a Dagster of such a version",
            )
        return found

    def locations(self) -> dict[str, Location]:
        """All code locations, by name."""
        found = self.ask(_LOCATIONS, seconds=RELOAD_SECONDS)["workspaceOrError"]
        if found["__typename"] != "Workspace":
            raise DagsterFailed(f"Dagster at {self.address} cannot read its workspace: {found.get('message', '')}")
        return {entry["name"]: _location(entry) for entry in found["locationEntries"]}

    def reload(self) -> None:
        """Read the workspace again: locations are added and removed."""
        _done(self, self.ask(_RELOAD, seconds=RELOAD_SECONDS)["reloadWorkspace"], "Workspace")

    def reload_location(self, name: str) -> None:
        """Load one location again."""
        answer = self.ask(_RELOAD_LOCATION, {"name": name}, seconds=RELOAD_SECONDS)["reloadRepositoryLocation"]
        _done(self, answer, "WorkspaceLocationEntry")

    def running(self, location: str) -> list[str]:
        """The ids of the runs of a location that are in progress."""
        statuses = ["STARTING", "STARTED", "CANCELING"]
        found = []
        for repository in (self.locations().get(location) or Location(location)).repositories:
            tags = [{"key": ".dagster/repository", "value": f"{repository}@{location}"}]
            answer = self.ask(_RUNNING, {"filter": {"statuses": statuses, "tags": tags}})["runsOrError"]
            found += [each["runId"] for each in answer.get("results") or ()]
        return found

    def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        *,
        seconds: float = ANSWER_SECONDS,
        tries: int = 1,
    ) -> dict[str, Any]:
        """The data of an answer.

        Args:
            query: A query of GraphQL, or a mutation, which is sent once.
            variables: Its variables.
            seconds: Time limit of a try.
            tries: How often a query is sent while no server answers.

        Raises:
            DagsterFailed: when there is none.
        """
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise DagsterFailed(
                "the client of Dagster is not installed", hint=install_command("alchemesh-platform[orchestrators]")
            ) from error
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

        headers = {TOKEN_HEADER: self.token} if self.token else {}
        retrying = Retrying(
            retry=retry_if_exception_type(httpx.TransportError),
            stop=stop_after_attempt(tries),
            wait=wait_exponential(multiplier=_WAIT_SECONDS, max=8),
            reraise=True,
        )
        try:
            answer = retrying(
                httpx.post,
                f"{self.address.rstrip('/')}/graphql",
                json={"query": query, "variables": dict(variables or {})},
                headers=headers,
                timeout=seconds,
                trust_env=not self.address.startswith("http://127.0.0.1"),
            )
        except httpx.TimeoutException as error:
            raise DagsterFailed(
                f"Dagster at {self.address} did not answer within {seconds:.0f} s", hint=_UNREACHABLE
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DagsterFailed(f"Dagster at {self.address} does not answer: {error}", hint=_UNREACHABLE) from error
        if answer.status_code in (401, 403):
            raise DagsterFailed(
                f"Dagster at {self.address} refuses the token (HTTP {answer.status_code})",
                hint="set `settings.dagster.token` to the token of a user with the right to launch runs",
            )
        try:
            document = answer.json()
        except ValueError as error:
            raise DagsterFailed(
                f"{self.address} is no Dagster: it answered HTTP {answer.status_code} without JSON",
                hint="set `settings.dagster.address` to the address of Dagster's webserver",
            ) from error
        errors = document.get("errors") if isinstance(document, dict) else None
        if errors or not isinstance(document, dict) or not isinstance(document.get("data"), dict):
            said = "; ".join(str(each.get("message", each)) for each in errors or ()) or f"HTTP {answer.status_code}"
            raise DagsterFailed(f"Dagster at {self.address} refuses a query: {said}")
        data: dict[str, Any] = document["data"]
        return data


def _done(dagster: Dagster, answer: Mapping[str, Any], wanted: str) -> None:
    if answer["__typename"] != wanted:
        raise DagsterFailed(f"Dagster at {dagster.address} refuses: {answer.get('message') or answer['__typename']}")


def _location(entry: Mapping[str, Any]) -> Location:
    loaded = entry.get("locationOrLoadError") or {}
    if loaded.get("__typename") == "RepositoryLocation":
        return Location(entry["name"], tuple(each["name"] for each in loaded["repositories"]))
    message = str(loaded.get("message") or f"it is {str(entry.get('loadStatus', 'not loaded')).lower()}")
    return Location(entry["name"], problem="\n".join([message, *loaded.get("stack", ())]).strip())
