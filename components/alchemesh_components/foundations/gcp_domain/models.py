"""Arguments and outputs of gcp-domain."""

from __future__ import annotations

from pydantic import Field

from alchemesh_platform.sdk.models import Email, Name, Strict


class Args(Strict):
    """The domain as the mesh knows it."""

    owner: Email = Field(description="Owner of the domain, who receives the budget alerts.")
    teams: dict[Name, tuple[Email, ...]] = Field(default_factory=dict, description="Team of the domain: its members.")


class DomainOutputs(Strict):
    """Outputs for products, people and pipelines."""

    deployer: str = Field(description="Email of the service account that deploys the domain's products.")
    labels: dict[str, str] = Field(
        description="Labels of all resources of the domain's products; the domain's budget counts by them."
    )
