"""Tags of products' resources on AWS."""

from __future__ import annotations

from alchemesh_components.aws.foundations import domain_tags
from alchemesh_components.aws.settings import AwsSettings
from alchemesh_platform.sdk.wiring import Wiring


def tags_of(settings: AwsSettings, wiring: Wiring) -> list[dict[str, str]]:
    """Tags of the resources of a port or need: the platform's, and those of the owner, which take precedence.

    IAM refuses keys that differ in case only: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html

    Costs, budgets and clean-ups use them, and the platform finds the owner of an object by them.
    """
    own = {
        "managed_by": "alchemesh",
        "environment": wiring.environment,
        "domain": wiring.domain,
        "product": wiring.product,
        "port": wiring.port,
        **domain_tags(settings, wiring),
    }
    tags = {key: value for key, value in settings.tags.items() if key.lower() not in own} | own
    return [{"key": key, "value": value} for key, value in tags.items()]
