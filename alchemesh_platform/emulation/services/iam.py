"""Grants: one member, one role, one resource. Kept and asserted on: no emulator enforces them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alchemesh_platform.emulation.errors import Refused
from alchemesh_platform.emulation.limits import iam_member
from alchemesh_platform.emulation.resource_type import Reference, ResourceType, Values
from alchemesh_platform.emulation.world import World

SERVICE_ACCOUNT = "gcp:serviceaccount/account:Account"
_MEMBER_PREFIX = "serviceAccount:"
_ACCOUNT_DOMAIN = ".iam.gserviceaccount.com"


@dataclass(frozen=True, kw_only=True)
class Grant(ResourceType):
    """A member's role on a resource; every change makes another one.

    Source: https://cloud.google.com/iam/docs/reference/rest/v1/Policy
    """

    only_replaced: bool = True
    repeatable: bool = True

    def identify(self, values: Values) -> str:
        condition = values.get("condition")
        title = f"/{condition['title']}" if isinstance(condition, Mapping) else ""
        # The provider writes members in its ids as the service gives them back: kinds and emails in their own case.
        return f"{self.id.format_map(values)}/{values['role']}/{values['member']}{title}"

    def make(self, world: World, values: Values, *, again: bool) -> None:
        email = str(values["member"]).removeprefix(_MEMBER_PREFIX)
        _, _, domain = email.partition("@")
        project = domain.removesuffix(_ACCOUNT_DOMAIN)
        ours = email != values["member"] and domain.endswith(_ACCOUNT_DOMAIN) and project == values.get("project")
        # Accounts of other projects, and Google's own service agents, are not known here and taken as they are.
        if ours and world.store.get(SERVICE_ACCOUNT, f"projects/{project}/serviceAccounts/{email}") is None:
            raise Refused(400, f"Service account {email} does not exist.")


def grant(type_: str, on: str, service: str, *references: Reference) -> Grant:
    """The grant of roles on one type of resource.

    Args:
        type_: Pulumi type.
        on: Start of its id: the resource that the role is on.
        service: The API.
        references: What has to be there.
    """
    return Grant(
        type=type_, id=on, service=service, limits=(iam_member,), references=references, outputs={"etag": "BwX"}
    )
