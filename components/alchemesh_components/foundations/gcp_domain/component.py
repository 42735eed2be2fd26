"""The stack that the products of one domain depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pulumi_gcp import billing, monitoring, projects, serviceaccount

from alchemesh_components.cloud_names import member_name
from alchemesh_components.foundations.gcp_domain.models import Args
from alchemesh_components.foundations.gcp_domain.spec import SPEC
from alchemesh_components.gcp.access import members_of
from alchemesh_components.gcp.foundations import budget_labels
from alchemesh_components.gcp.settings import Budget, Settings
from alchemesh_components.infrastructure.service_identity.component import ServiceIdentity
from alchemesh_components.infrastructure.service_identity.models import Args as IdentityArgs
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.consumer import Consumer

# Roles for deploying the components for Google Cloud: https://cloud.google.com/iam/docs/roles-permissions
DEPLOYER_ROLES = (
    "roles/artifactregistry.writer",
    "roles/bigquery.admin",
    "roles/cloudscheduler.admin",
    "roles/cloudsql.client",
    "roles/datacatalog.viewer",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountUser",
    "roles/pubsub.admin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/storage.admin",
    "roles/storagetransfer.admin",
)
# The role for granting roles in the project, and the only roles that components grant. Without that limit the
# account could grant itself every role: https://cloud.google.com/iam/docs/setting-limits-on-granting-roles
GRANTING_ROLE = "roles/resourcemanager.projectIamAdmin"
GIVEN_ROLES = ("roles/bigquery.jobUser", "roles/bigquery.readSessionUser")
ACTING_ROLE = "roles/iam.serviceAccountTokenCreator"
# For identities of another issuer: https://cloud.google.com/iam/docs/workload-identity-federation#impersonation
PIPELINE_ROLE = "roles/iam.workloadIdentityUser"
DISPLAY_NAME_MAX = 60  # https://cloud.google.com/billing/docs/reference/budget/rest/v1/billingAccounts.budgets
THRESHOLDS = (0.5, 0.9, 1.0)  # shares of the budget that trigger an alert


class GcpDomain(Component[Args, Settings]):
    """An account that deploys the domain's products, with its rights and members, and the domain's budget."""

    spec = SPEC

    def build(self) -> Mapping[str, Any]:
        """Create the account, its rights, its members, and the domain's budget if the platform sets one."""
        self.deployer = self.deploying_identity()
        self.rights()
        self.actors()
        budget, domain = self.settings.gcp.budget, self.wiring.domain
        if budget is not None and domain in budget.monthly:
            self.budget(budget, budget.monthly[domain])
        return {"deployer": self.deployer.email, "labels": self.labels}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all resources of the domain's products."""
        return budget_labels(self.settings.gcp, self.wiring.environment, self.wiring.domain)

    def deploying_identity(self) -> ServiceIdentity:
        """The account with which the domain's pipelines deploy."""
        args = IdentityArgs(description=f"Deploys the products of {self.wiring.domain}")
        place = dataclasses.replace(self.wiring, port="deployer")
        return ServiceIdentity(f"{self.name}-deployer", args, self.settings, place, self.child_options)

    def rights(self) -> list[projects.IAMMember]:
        """The roles of the account in the project."""
        given = ", ".join(f"'{role}'" for role in GIVEN_ROLES)
        limit = projects.IAMMemberConditionArgs(
            title="alchemesh components",
            description="Gives and takes the roles that components give in a project",
            expression=f"api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([{given}])",
        )
        return [*(self.right(role) for role in DEPLOYER_ROLES), self.right(GRANTING_ROLE, limit)]

    def right(self, role: str, limit: projects.IAMMemberConditionArgs | None = None) -> projects.IAMMember:
        """One role of the account in the project."""
        return projects.IAMMember(
            f"{self.name}-{role.partition('/')[2].replace('.', '-').lower()}",
            project=self.settings.gcp.project,
            role=role,
            member=self.deployer.member,
            condition=limit,
            opts=self.child_options,
        )

    def actors(self) -> list[serviceaccount.IAMMember]:
        """The right to act as the account, for the users who may operate products of the domain. It has no keys.

        These are the members of the domain's teams, its owner, and the pipelines that the platform names.
        """
        domain, gcp = self.wiring.domain, self.settings.gcp
        owner = Consumer("", "user", self.args.owner, (self.args.owner,))
        teams = (
            Consumer("", "technical_team", f"{domain}/{team}", people, (f"{domain}/{team}",))
            for team, people in self.args.teams.items()
        )
        people = (member for each in (*teams, owner) for member in members_of(each, gcp, self.wiring.environment))
        roles = dict.fromkeys(people, ACTING_ROLE) | dict.fromkeys(gcp.pipelines.get(domain, ()), PIPELINE_ROLE)
        return [
            serviceaccount.IAMMember(
                f"{self.name}-{member_name(member)}",
                service_account_id=self.deployer.account.name,
                role=role,
                member=member,
                opts=self.child_options,
            )
            for member, role in roles.items()
        ]

    def budget(self, budget: Budget, amount: int) -> billing.Budget:
        """A budget for all resources with the domain's label in this project. It alerts the owner and stops nothing."""
        gcp, domain = self.settings.gcp, self.wiring.domain
        channel = monitoring.NotificationChannel(
            f"{self.name}-owner",
            project=gcp.project,
            display_name=f"Owner of {domain}",
            type="email",
            labels={"email_address": self.args.owner},
            user_labels={"managed_by": "alchemesh", "environment": self.wiring.environment, "domain": domain},
            opts=self.child_options,
        )
        return billing.Budget(
            f"{self.name}-budget",
            billing_account=budget.billing_account,
            display_name=f"{self.wiring.environment} {domain}"[:DISPLAY_NAME_MAX],
            amount=billing.BudgetAmountArgs(
                specified_amount=billing.BudgetAmountSpecifiedAmountArgs(
                    currency_code=budget.currency, units=str(amount)
                )
            ),
            # Use the project's number, since the service returns it. With the id, every run would report a diff.
            budget_filter=billing.BudgetBudgetFilterArgs(
                projects=[f"projects/{gcp.project_number}"], labels=self.labels
            ),
            threshold_rules=[billing.BudgetThresholdRuleArgs(threshold_percent=share) for share in THRESHOLDS],
            all_updates_rule=billing.BudgetAllUpdatesRuleArgs(monitoring_notification_channels=[channel.id]),
            opts=self.child_options,
        )
