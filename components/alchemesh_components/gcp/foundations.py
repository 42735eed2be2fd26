"""References of products on Google Cloud to their shared stacks: the outputs of gcp-platform and gcp-domain.

If an output is missing (in a preview before the stack is deployed, or for a component on its own), the functions return
the name that the stack will use. Names follow from the platform file.
"""

from __future__ import annotations

from typing import Any

from alchemesh_components.gcp.names import BUDGET_LABEL, REPOSITORY, name_of, product_resource_name
from alchemesh_components.gcp.settings import GcpSettings
from alchemesh_platform import __version__
from alchemesh_platform.clouds.gcp.data_api import image
from alchemesh_platform.sdk.spec import Role
from alchemesh_platform.sdk.wiring import Wiring

PRODUCTS, MIRROR = "products", "mirror"  # repositories of gcp-platform
DATA_API = f"{image.NAME}:{__version__}"  # the image that answers REST and GraphQL
BUDGET = "budget"


def has_platform(wiring: Wiring) -> bool:
    """Whether the environment has a platform foundation, deployed or not."""
    return Role.PLATFORM.value in wiring.foundations


def image_repository(settings: GcpSettings, wiring: Wiring) -> str:
    """The repository of products' images: from the platform file, otherwise from the platform stack."""
    given = settings.image_repository or _output(wiring, Role.PLATFORM, "image_repository")
    return given or repository_address(settings, wiring.environment, PRODUCTS)


def data_api_image(settings: GcpSettings, wiring: Wiring) -> str:
    """The image that answers REST and GraphQL: from the platform file, otherwise of this version, beside the products.

    An image of roapi, which former versions named, is not used.
    """
    given = settings.data_api_image or _output(wiring, Role.PLATFORM, "data_api_image")
    return given if given and not image.is_former(given) else f"{image_repository(settings, wiring)}/{DATA_API}"


def former_image(settings: GcpSettings, wiring: Wiring) -> str | None:
    """The image of roapi that the platform file or the platform stack names; None if neither does."""
    given: str | None = settings.data_api_image or _output(wiring, Role.PLATFORM, "data_api_image")
    return given if given and image.is_former(given) else None


def observer_of(wiring: Wiring) -> str | None:
    """The account of the job that observes all products; None if the platform's stack has none."""
    found: str | None = _output(wiring, Role.PLATFORM, "observer")
    return found


def has_data_api_image(settings: GcpSettings, wiring: Wiring) -> bool:
    """Whether the platform file says where the image is."""
    given = settings.data_api_image
    named = given is not None and not image.is_former(given)
    return named or settings.image_repository is not None or has_platform(wiring)


def domain_labels(settings: GcpSettings, wiring: Wiring) -> dict[str, str]:
    """Labels by which the domain's budget counts the costs of a product, if domains have stacks."""
    if Role.DOMAIN.value not in wiring.foundations:
        return {}
    given: dict[str, str] | None = _output(wiring, Role.DOMAIN, "labels")
    return given if given is not None else budget_labels(settings, wiring.environment, wiring.domain)


def budget_labels(settings: GcpSettings, environment: str, domain: str) -> dict[str, str]:
    """The label of a domain's budget.

    It is specific to an environment, even if several environments share a project.
    """
    return {BUDGET: name_of(BUDGET_LABEL, (settings.name_prefix, environment, domain))}


def repository_address(settings: GcpSettings, environment: str, name: str) -> str:
    """The address for pushing and pulling images of one of the platform's repositories."""
    return f"{registry_host(settings)}/{product_resource_name(REPOSITORY, settings, environment, name)}"


def registry_host(settings: GcpSettings) -> str:
    """The part of an image's name that all repositories of the project share.

    Source: https://cloud.google.com/artifact-registry/docs/docker/names
    """
    return f"{settings.region}-docker.pkg.dev/{settings.project.replace(':', '/')}"


def _output(wiring: Wiring, role: Role, name: str) -> Any:
    return wiring.foundations.get(role.value, {}).get(name)
