"""What products stand on, planned: the platform's own infrastructure, and that of a domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alchemesh_platform.catalog.spec import ComponentSpec, Role
from alchemesh_platform.catalog.wiring import Wiring
from alchemesh_platform.compose.resolve import read_settings
from alchemesh_platform.failure import ExitCode, Failure
from alchemesh_platform.problems import ProblemsFound

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

PLATFORM_FOUNDATION = "platform-foundation"
DOMAIN_FOUNDATION = "domain-foundation"
# A name of the mesh has no underscore: no domain's or product's project is called like these.
PLATFORM_PROJECT = "mesh_platform"
DOMAIN_PROJECT = "mesh_domain"


class NoFoundation(Failure):
    """Raised when the platform file names nothing that makes a foundation."""

    exit_code = ExitCode.PROBLEMS


@dataclass(frozen=True, slots=True)
class Foundation:
    """One component that products stand on, with validated arguments.

    Args:
        project: Pulumi project of its stack.
        title: What it is, for a person: ``platform prod``, ``domain aviation prod``.
        name: Name of its resource.
    """

    project: str
    title: str
    name: str
    spec: ComponentSpec
    args: Any
    settings: Any
    wiring: Wiring


def platform_foundation(platform: Platform, catalog: Mapping[str, ComponentSpec]) -> Foundation:
    """What all products of an environment stand on.

    The component's arguments are ``state`` and ``registry``, the addresses that the platform file gives.

    Raises:
        NoFoundation: when the platform file names no component for it.
        ProblemsFound: when its settings are wrong.
    """
    args = {"state": platform.state, "registry": platform.registry}
    place = Wiring(environment=platform.environment, domain="mesh", product="platform", port="foundation")
    title = f"platform {platform.environment}"
    return _planned(platform, catalog, Role.PLATFORM, PLATFORM_FOUNDATION, PLATFORM_PROJECT, title, args, place)


def domain_foundation(
    platform: Platform,
    catalog: Mapping[str, ComponentSpec],
    domain: str,
    owner: str,
    teams: Mapping[str, tuple[str, ...]],
) -> Foundation:
    """What the products of one domain stand on.

    The component's arguments are ``owner``, an email, and ``teams``, the members of each of the domain's teams.

    Raises:
        NoFoundation, ProblemsFound: as for a platform.
    """
    args = {"owner": owner, "teams": {name: list(members) for name, members in teams.items()}}
    place = Wiring(environment=platform.environment, domain=domain, product="domain", port="foundation")
    project = f"{DOMAIN_PROJECT}.{domain}"
    title = f"domain {domain} {platform.environment}"
    return _planned(platform, catalog, Role.DOMAIN, DOMAIN_FOUNDATION, project, title, args, place)


def _planned(
    platform: Platform,
    catalog: Mapping[str, ComponentSpec],
    role: Role,
    component_type: str,
    project: str,
    title: str,
    args: Mapping[str, Any],
    place: Wiring,
) -> Foundation:
    name = platform.components.get(component_type, "")
    spec = catalog.get(name)
    if spec is None or role not in spec.roles:
        raise NoFoundation(
            f"environment {platform.environment!r} names no component that makes a {component_type}",
            hint=f"the platform file's `components` say which: `{component_type}: gcp-{role.value}` on Google Cloud",
        )
    settings, problems = read_settings(spec, platform)
    if settings is None:
        raise ProblemsFound(problems)
    return Foundation(project, title, role.value, spec, spec.args_model().model_validate(args), settings, place)
