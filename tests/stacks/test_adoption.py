"""Kept resources are imported while the program still gives them the name that their id stands for."""

from __future__ import annotations

import pulumi
import pytest

from alchemesh_platform.compose.plan import Kept
from alchemesh_stacks.adoption import adoption

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod--shop--sales--api-token-Ab12Cd"


@pytest.mark.parametrize(
    ("identity", "name", "is_imported"),
    [
        ("acme--sales", "acme--sales", True),
        ("acme--sales", "acme--orders", False),
        ("projects/acme/topics/sales", "sales", True),
        ("projects/acme/serviceAccounts/sales@acme.iam.gserviceaccount.com", "sales", True),
        (ARN, "prod--shop--sales--api-token", True),
        (ARN, "prod--shop--sales--api", False),
    ],
)
def test_a_kept_resource_is_imported_by_an_id_with_its_name(identity: str, name: str, is_imported: bool) -> None:
    adopt = adoption([Kept("some:type:Type", "thing", identity)])
    arguments = pulumi.ResourceTransformationArgs(
        resource=None,  # type: ignore[arg-type] # the transformation does not look at it
        type_="some:type:Type",
        name="thing",
        props={"name": name},
        opts=pulumi.ResourceOptions(),
    )
    adopted = adopt(arguments)
    assert (adopted.opts.import_ if adopted is not None else None) == (identity if is_imported else None)
