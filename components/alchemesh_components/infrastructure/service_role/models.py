"""Arguments of service-role."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from alchemesh_platform.sdk.models import Strict

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
SERVICE_PATTERN = r"^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$"
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
DESCRIPTION_PATTERN = r"^[\t\n\r\x20-\x7e\xa1-\xff]*$"
SECONDS = (3600, 43_200)  # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html


class Args(Strict):
    """Arguments of a service identity."""

    description: str = Field(
        default="", max_length=256, pattern=DESCRIPTION_PATTERN, description="Workload that uses it."
    )
    services: tuple[Annotated[str, StringConstraints(pattern=SERVICE_PATTERN)], ...] = Field(
        default=(),
        description="Services of AWS that may act as it, such as ec2.amazonaws.com; the product's code always may.",
    )
    session_seconds: int = Field(
        default=SECONDS[0], ge=SECONDS[0], le=SECONDS[1], description="Longest session, in seconds: 1 to 12 hours."
    )
