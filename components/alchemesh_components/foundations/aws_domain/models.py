"""Arguments and outputs of aws-domain."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Email, Name, Strict


class Args(Strict):
    """The domain as the mesh knows it."""

    owner: Email = Field(description="Owner of the domain, who receives the budget alerts.")
    teams: dict[Name, tuple[Email, ...]] = Field(default_factory=dict, description="Team of the domain: its members.")
    state: str = Field(default="", description="Location of the products' state; for s3://…, the role reaches it.")


class DomainOutputs(Strict):
    """Outputs for products, people and pipelines."""

    deployer: str = Field(description="ARN of the role that deploys the domain's products.")
    boundary: str = Field(description="ARN of the policy that limits the roles of the domain's products.")
    tags: dict[str, str] = Field(
        description="Tags of all resources of the domain's products; the domain's budget counts by them."
    )
