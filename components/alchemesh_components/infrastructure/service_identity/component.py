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
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component

DISPLAY_NAME_MAX = 100  # https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts


class ServiceIdentity(Component[Args, Settings]):
    """An account without rights or keys. The owners of other resources grant it access."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One account."""
        self.account = self.service_account()
        return {"kind": "identity", "email": self.email}

    def service_account(self) -> serviceaccount.Account:
        """The account. Its name follows from its port and may be cut, so its display name is the full address."""
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
        """The account's email. It follows from the name, so a preview knows it. It depends on the account."""
        email = service_account_email(self.settings.gcp, self.account_id)
        known: pulumi.Output[str] = self.account.account_id.apply(lambda _: email)
        return known

    @property
    def member(self) -> pulumi.Output[str]:
        """The account as a member of IAM."""
        return self.email.apply("serviceAccount:{}".format)

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code the right to act as this account."""
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
