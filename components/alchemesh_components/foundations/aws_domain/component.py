"""The stack that the products of one domain depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi
from pulumi_aws_native import budgets, iam

from alchemesh_components.aws.access import Principal, Statement, allow, document, principals_of, role_arn
from alchemesh_components.aws.foundations import DEPLOYER, boundary_arn, boundary_name, budget_tags
from alchemesh_components.aws.names import POLICY, ROLE, product_resource_name
from alchemesh_components.aws.policies import OTHERS_POLICIES, aws_provider, inline_policy
from alchemesh_components.aws.settings import Budget, Settings
from alchemesh_components.aws.tags import tags_of
from alchemesh_components.foundations.aws_domain.models import Args
from alchemesh_components.foundations.aws_domain.rights import DomainNames, deployment, limit
from alchemesh_components.foundations.aws_domain.spec import SPEC
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

THRESHOLDS = (50, 90, 100)  # percent of the budget that trigger an alert


class AwsDomain(Component[Args, Settings]):
    """A role that deploys the domain's products, with its rights and actors, their limit, and the domain's budget."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create the limit, the role, its rights, its actors, and the domain's budget if the platform sets one."""
        self.options = pulumi.ResourceOptions(parent=self, provider=aws_provider(self, self.settings.aws))
        boundary = self.boundary()
        deployer = self.deployer()
        self.rights(deployer)
        self.actors(deployer)
        budget, domain = self.settings.aws.budget, self.wiring.domain
        if budget is not None and domain in budget.monthly:
            self.budget(budget, budget.monthly[domain])
        arn = role_arn(self.settings.aws, self.deployer_name)
        return {
            "deployer": deployer.role_name.apply(lambda _: arn),
            "boundary": boundary,
            "tags": budget_tags(self.settings.aws, self.wiring.environment, domain),
        }

    @property
    def names(self) -> DomainNames:
        """The names of the domain's resources."""
        return DomainNames(self.settings.aws, self.wiring.environment, self.wiring.domain)

    @property
    def deployer_name(self) -> str:
        """Name of the role that deploys. It is none of the domain's names, so the role cannot change itself."""
        return product_resource_name(ROLE, self.settings.aws, self.wiring.environment, DEPLOYER, self.wiring.domain)

    def boundary(self) -> pulumi.Output[str] | str:
        """The limit of the roles of the domain's products; returns its ARN. The platform file can name another one."""
        aws, place = self.settings.aws, self.wiring
        if aws.permissions_boundary is not None:
            return aws.permissions_boundary
        policy = iam.ManagedPolicy(
            f"{self.name}-boundary",
            managed_policy_name=boundary_name(aws, place.environment, place.domain),
            description=f"Limits the roles of products of {place.domain}",
            policy_document=document(limit(self.names)),
            opts=self.options,
        )
        arn = boundary_arn(aws, place.environment, place.domain)
        known: pulumi.Output[str] = policy.policy_document.apply(lambda _: arn)
        return known

    def deployer(self) -> iam.Role:
        """The role with which people and pipelines deploy. The actors' own policies let them act as it."""
        aws = self.settings.aws
        return iam.Role(
            f"{self.name}-deployer",
            role_name=self.deployer_name,
            description=f"Deploys the products of {self.wiring.domain}",
            assume_role_policy_document=document([*self.trust()]),
            tags=tags_of(aws, self.wiring),
            opts=pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(ignore_changes=OTHERS_POLICIES)),
        )

    def trust(self) -> Iterator[Statement]:
        """The account, whose policies decide, and the pipelines that the platform file names.

        Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
        """
        aws = self.settings.aws
        account = {"AWS": aws.arn("iam", "root", is_global=True)}
        yield {"Effect": "Allow", "Principal": account, "Action": "sts:AssumeRole"}
        for pipeline in aws.pipelines.get(self.wiring.domain, ()):
            issuer = pipeline.provider.partition("oidc-provider/")[2]
            yield {
                "Effect": "Allow",
                "Principal": {"Federated": pipeline.provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{issuer}:aud": pipeline.audience},
                    "StringLike": {f"{issuer}:sub": list(pipeline.subjects)},
                },
            }

    def rights(self, deployer: iam.Role) -> pulumi.Resource:
        """The rights of the role."""
        aws, place = self.settings.aws, self.wiring
        return inline_policy(
            f"{self.name}-rights",
            Principal("role", self.deployer_name),
            product_resource_name(POLICY, aws, place.environment, DEPLOYER, place.domain),
            [*deployment(self.names, self.args.state)],
            pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(depends_on=[deployer])),
        )

    def actors(self, deployer: iam.Role) -> list[pulumi.Resource]:
        """The right to act as the role, for the users who may operate products of the domain.

        These are the members of the domain's teams, and its owner.
        """
        place, aws = self.wiring, self.settings.aws
        owner = Consumer("", "user", self.args.owner, (self.args.owner,))
        teams = (
            Consumer("", "technical_team", f"{place.domain}/{team}", people, (f"{place.domain}/{team}",))
            for team, people in self.args.teams.items()
        )
        found = (one for each in (*teams, owner) for one in principals_of(each, aws, place.environment))
        arn = role_arn(aws, self.deployer_name)
        opts = pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(depends_on=[deployer]))
        policy = product_resource_name(POLICY, aws, place.environment, f"{DEPLOYER}.actor", place.domain)
        act = [allow(["sts:AssumeRole"], arn)]
        return [
            inline_policy(f"{self.name}-{principal.slug}", principal, policy, act, opts)
            for principal in dict.fromkeys(found)
        ]

    def budget(self, budget: Budget, amount: int) -> budgets.Budget:
        """A budget for all resources with the domain's tag. It alerts the owner and stops nothing.

        Source: https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-create-filters.html
        """
        aws, place = self.settings.aws, self.wiring
        [(key, value)] = budget_tags(aws, place.environment, place.domain).items()
        receiver = [{"subscription_type": "EMAIL", "address": self.args.owner}]
        return budgets.Budget(
            f"{self.name}-budget",
            budget={
                "budget_name": value,
                "budget_type": "COST",
                "time_unit": "MONTHLY",
                "budget_limit": {"amount": amount, "unit": budget.currency},
                "cost_filters": {"TagKeyValue": [f"user:{key}${value}"]},
            },
            notifications_with_subscribers=[
                {
                    "notification": {
                        "notification_type": "ACTUAL",
                        "comparison_operator": "GREATER_THAN",
                        "threshold": threshold,
                        "threshold_type": "PERCENTAGE",
                    },
                    "subscribers": receiver,
                }
                for threshold in THRESHOLDS
            ],
            opts=self.options,
        )
