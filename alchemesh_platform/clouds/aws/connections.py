"""Roles: connections of needs on AWS. Secrets have the connection that all clouds share."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from alchemesh_platform.sdk.connections.base import Connection


class RoleConnection(Connection):
    """A role of IAM."""

    kind: Literal["aws-role"] = "aws-role"
    name: str = Field(description="Name of the role.")
    arn: str = Field(description="ARN of the role, to assume it: arn:aws:iam::ACCOUNT:role/NAME.")
