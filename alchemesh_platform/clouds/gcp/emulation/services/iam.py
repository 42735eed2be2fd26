"""Grants: one member, one role, one resource. They are stored for assertions, and no emulator enforces them.

Source: https://cloud.google.com/iam/docs/reference/rest/v1/Policy
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.emulation.types.limits import iam_member
from alchemesh_platform.clouds.gcp.emulation.types.resource_type import Reference, ResourceType, Values
from alchemesh_platform.clouds.gcp.emulation.world import World

ACCOUNT = "gcp:serviceaccount/account:Account"
ACCOUNT_DOMAIN = "iam.gserviceaccount.com"
_ACCOUNT_MEMBER = "serviceAccount:"


def account_email(account: str, project: str) -> str:
    """Email of a service account.

    A project id with a domain (``example.com:name``) has the domain at its end in emails.
    """
    domain, _, name = project.rpartition(":")
    return f"{account}@{name}{'.' + domain if domain else ''}.{ACCOUNT_DOMAIN}"


def account_exists(world: World, email: str, project: str) -> bool:
    """Whether a project has an account. Accounts of other projects and Google's service agents count as existing."""
    if not email.endswith(account_email("", project)):
        return True
    return world.store.get(ACCOUNT, f"projects/{project}/serviceAccounts/{email}") is not None


@dataclass(frozen=True, kw_only=True)
class Grant(ResourceType):
    """A member's role on a resource. Every change replaces it."""

    only_replaced: bool = True
    repeatable: bool = True

    def identify(self, values: Values) -> str:
        condition = values.get("condition")
        when = f"/{condition['title']}/{_digest(condition)}" if isinstance(condition, Mapping) else ""
        on = self.references[0].identify(values) if self.references else None
        return f"{on or self.id.format_map(values)}/{values['role']}/{values['member']}{when}"

    def make(self, world: World, values: Values, *, recreating: bool) -> None:
        member = str(values["member"])
        email = member.removeprefix(_ACCOUNT_MEMBER)
        project = str(values.get("project") or world.project or "")
        if email != member and not account_exists(world, email, project):
            raise Refused(400, f"Service account {email} does not exist.")


def _digest(condition: Mapping[str, Any]) -> str:
    """The digest of a whole condition, which distinguishes bindings.

    A binding with a new end is created before the old one is deleted.
    """
    return hashlib.sha256(json.dumps(condition, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class AccountReference(Reference):
    """A service account by its email."""

    def identify(self, values: Values) -> str | None:
        email = self.given_id(values)
        project = str(values.get("project"))
        if email is None or not email.endswith(account_email("", project)):
            return None
        return f"projects/{project}/serviceAccounts/{email}"


def grant(type_: str, on: str, service: str, *references: Reference) -> Grant:
    """The grant of roles on one type of resource.

    Args:
        type_: Pulumi type.
        on: Start of its id: the resource that the role is on.
        service: The API.
        references: Resources that must exist; the first is the resource itself.
    """
    return Grant(
        type=type_,
        id=on,
        service=service,
        limits=(iam_member,),
        references=references,
        outputs={"etag": lambda values, world: "BwXemulated="},
    )
