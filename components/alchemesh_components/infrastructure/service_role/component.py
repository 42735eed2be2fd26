"""A role of IAM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws_native import iam

from alchemesh_components.aws.access import allow, document, product_role, role_arn
from alchemesh_components.aws.foundations import boundary_of
from alchemesh_components.aws.names import ROLE, resource_name
from alchemesh_components.aws.policies import OTHERS_POLICIES, admit_role, aws_provider
from alchemesh_components.aws.settings import Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.infrastructure.service_role.models import Args
from alchemesh_components.infrastructure.service_role.spec import SPEC
from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.component import Component


class ServiceRole(Component[Args, Settings]):
    """A role without rights. The owners of other resources grant it access."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """One role."""
        self.provider = aws_provider(self, self.settings.aws)
        self.options = pulumi.ResourceOptions(parent=self, provider=self.provider)
        self.role = self.service_role()
        name = self.role_name
        arn = role_arn(self.settings.aws, name)
        # Both follow from the name, so a preview knows them. They depend on the role.
        return {
            "kind": "aws-role",
            "name": self.role.role_name.apply(lambda _: name),
            "arn": self.role.role_name.apply(lambda _: arn),
        }

    @property
    def role_name(self) -> str:
        """The role's name, which follows from the need."""
        return resource_name(ROLE, self.settings.aws, self.wiring)

    def service_role(self) -> iam.Role:
        """The role. Only the product's code and the listed services can assume it."""
        aws = self.settings.aws
        return iam.Role(
            f"{self.name}-role",
            role_name=self.role_name,
            description=self.args.description or f"Acts for {self.wiring.address}"[:256],
            assume_role_policy_document=document(self.trust()),
            max_session_duration=self.args.session_seconds,
            permissions_boundary=boundary_of(aws, self.wiring),
            tags=tags_of(aws, self.wiring),
            opts=pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(ignore_changes=OTHERS_POLICIES)),
        )

    def trust(self) -> list[dict[str, Any]]:
        """The principals that can assume the role: the product's code, and the listed services for this account.

        The code's role is named in a condition: as a principal it would have to exist before, and IAM would replace its
        name with an id that a new role of that name does not have.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
        """
        aws = self.settings.aws
        code = role_arn(aws, product_role(aws, self.wiring.environment, f"{self.wiring.domain}/{self.wiring.product}"))
        account = aws.arn("iam", "root", is_global=True)
        statements: list[dict[str, Any]] = [
            {
                "Effect": "Allow",
                "Principal": {"AWS": account},
                "Action": "sts:AssumeRole",
                "Condition": {"ArnEquals": {"aws:PrincipalArn": code}},
            }
        ]
        if self.args.services:
            services = {"Service": list(self.args.services)}
            # Services that act for several accounts name the account. Others, such as EC2, name none.
            own = {"StringEqualsIfExists": {"aws:SourceAccount": aws.account}}
            statements.append({"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole", "Condition": own})
        return statements

    def admit(self, identity: CodeIdentity) -> Sequence[pulumi.Resource]:
        """Grant the code the right to act as this role."""
        arn = role_arn(self.settings.aws, self.role_name)
        return admit_role(self, self.settings.aws, identity, [allow(["sts:AssumeRole"], arn)], self.options)
