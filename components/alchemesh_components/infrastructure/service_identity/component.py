"""A service account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_gcp import serviceaccount

from alchemesh_components.gcp.access import service_account_email
from alchemesh_components.gcp.names import SERVICE_ACCOUNT, resource_name
from alchemesh_components.gcp.settings import Settings
from alchemesh_components.infrastructure.service_identity.models import Args
from alchemesh_components.infrastructure.service_identity.spec import SPEC
from alchemesh_platform.clouds.gcp.identities import GOOGLE_SERVICE_ACCOUNT
from alchemesh_platform.sdk.code_identity import CodeIdentity
from alchemesh_platform.sdk.component import Component

DISPLAY_NAME_MAX = 100  # https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts


class ServiceIdentity(Component[Args, Settings]):
    """An account without rights or keys; who lets it in says so there."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One account."""
        self.account = self.service_account()
        return {"kind": "identity", "email": self.email}

    def service_account(self) -> serviceaccount.Account:
        """The account, named by its place; its full address is its display name, for the name may be cut."""
        gcp = self.settings.gcp
        return serviceaccount.Account(
            f"{self.name}-account",
            project=gcp.project,
            account_id=self.account_id,
            display_name=f"{self.wiring.address} {self.wiring.environment}"[:DISPLAY_NAME_MAX],
            description=self.args.description or f"Acts for {self.wiring.address}"[:256],
            opts=self.child_options,
        )

    @property
    def account_id(self) -> str:
        """The part of the email before the @."""
        return resource_name(SERVICE_ACCOUNT, self.settings.gcp, self.wiring)

    @property
    def email(self) -> pulumi.Output[str]:
        """The account's email. It follows from the name, so it is known in a preview; it waits for the account."""
        email = service_account_email(self.settings.gcp, self.account_id)
        known: pulumi.Output[str] = self.account.account_id.apply(lambda _: email)
        return known

    @property
    def member(self) -> pulumi.Output[str]:
        """The account as a member of IAM."""
        return self.email.apply("serviceAccount:{}".format)

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Let the code act as this account."""
        if identity.kind != GOOGLE_SERVICE_ACCOUNT:
            return ()
        return [
            serviceaccount.IAMMember(
                f"{self.name}-code",
                service_account_id=self.account.name,
                role="roles/iam.serviceAccountTokenCreator",
                member=pulumi.Output.concat("serviceAccount:", identity.name),
                opts=self.child_options,
            )
        ]
