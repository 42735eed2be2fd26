"""Plans of the shared stacks: the platform stack, and the stack of a domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Location, Problem, ProblemsFound, did_you_mean
from alchemesh_platform.base.remedy import Command, command
from alchemesh_platform.catalog.discover import Catalog
from alchemesh_platform.compose.planned import FoundationRef
from alchemesh_platform.compose.resolve import extras_problems, read_settings
from alchemesh_platform.documents.document import quoted, written
from alchemesh_platform.sdk.spec import ComponentSpec, Role
from alchemesh_platform.sdk.wiring import Wiring

if TYPE_CHECKING:
    from alchemesh_platform.platform_file.models import Platform

PLATFORM_FOUNDATION = "platform-foundation"
DOMAIN_FOUNDATION = "domain-foundation"
# Names in the mesh have no underscore, so these projects never collide with the project of a product.
PLATFORM_PROJECT = "mesh_platform"
DOMAIN_PROJECT = "mesh_domain"


class NoFoundation(Failure):
    """Raised when the platform file names no component for a foundation."""

    exit_code = ExitCode.PROBLEMS


@dataclass(frozen=True, slots=True)
class Foundation:
    """One component of a shared stack, with validated arguments.

    Args:
        project: Pulumi project of its stack.
        title: Its title: ``platform prod``, ``domain aviation prod``.
        name: Name of its resource.
        path: The place in the platform file that names the component.
        location: The line and column of that place.
    """

    project: str
    title: str
    name: str
    spec: ComponentSpec
    args: Any
    settings: Any
    wiring: Wiring
    path: str = ""
    location: Location = field(default_factory=lambda: Location("platform.yaml"))

    @property
    def role(self) -> Role:
        """The role of the foundation: platform or domain."""
        return Role(self.name)

    def command(self, verb: str) -> Command:
        """The command with this verb for the foundation: ``alchemesh domain up aviation``."""
        name = (self.wiring.domain,) if self.role is Role.DOMAIN else ()
        return command(self.role.value, verb, *name, about_product=True)


def foundations_of(platform: Platform, domain: str) -> tuple[FoundationRef, ...]:
    """The shared stacks of a domain's products, from the platform file. It does not check that they are deployed."""
    named = {
        PLATFORM_FOUNDATION: FoundationRef(Role.PLATFORM, PLATFORM_PROJECT),
        DOMAIN_FOUNDATION: FoundationRef(Role.DOMAIN, domain_project(domain)),
    }
    return tuple(depends_on for component_type, depends_on in named.items() if component_type in platform.components)


def domain_project(domain: str) -> str:
    """Pulumi project of a domain's stack."""
    return f"{DOMAIN_PROJECT}.{domain}"


def platform_foundation(platform: Platform, catalog: Mapping[str, ComponentSpec]) -> Foundation:
    """The platform stack of an environment.

    The component's arguments are ``state`` and ``registry``, the addresses that the platform file gives.

    Raises:
        NoFoundation: when the platform file names no component for it.
        ProblemsFound: when the named component is not for a platform stack, or its settings are wrong.
    """
    args = _addresses(platform)
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
    """The stack of one domain.

    The component's arguments are ``owner``, an email, ``teams``, the members of each of the domain's teams, and, if it
    has one of that name, ``state``, the location of the products' state.

    Raises:
        NoFoundation, ProblemsFound: as for a platform.
    """
    members = {name: list(people) for name, people in teams.items()}
    args = {"owner": owner, "teams": members, **_addresses(platform)}
    place = Wiring(environment=platform.environment, domain=domain, product="domain", port="foundation")
    title = f"domain {domain} {platform.environment}"
    return _planned(platform, catalog, Role.DOMAIN, DOMAIN_FOUNDATION, domain_project(domain), title, args, place)


def _addresses(platform: Platform) -> dict[str, Any]:
    """The addresses of state and registry.

    Those of the file also apply if the environment is emulated, since the emulation creates the same resources.
    """
    declared = {key: node.text for key, node in platform.tree.keys.items() if key in ("state", "registry")}
    return {"state": platform.state, "registry": platform.registry, **declared}


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
    name = platform.components.get(component_type)
    if name is None:
        raise NoFoundation(
            f"environment {platform.environment!r} names no component that makes a {component_type}",
            hint=f"the platform file's `components` say which: `{component_type}: gcp-{role.value}` on Google Cloud, "
            f"`aws-{role.value}` on AWS",
        )
    place_in_file = ("components", component_type)
    location = platform.tree.locate(place_in_file)
    path = written(("environments", platform.environment, *place_in_file))
    spec = catalog.get(name)
    if spec is None or role not in spec.roles:
        known = [each.name for each in _loaded(catalog) if role in each.roles]
        found = f"found {quoted(name)}, expected a component that makes a {component_type}"
        raise ProblemsFound([Problem(location, path, found, did_you_mean(name, known))])
    settings, problems = read_settings(spec, platform, catalog)
    problems += extras_problems(spec, location, path)
    if settings is None or problems:
        raise ProblemsFound(problems)
    model = spec.args_model()
    checked = model.model_validate({key: value for key, value in args.items() if key in model.model_fields})
    return Foundation(project, title, role.value, spec, checked, settings, place, path, location)


def _loaded(catalog: Mapping[str, ComponentSpec]) -> list[ComponentSpec]:
    return catalog.loaded()[0] if isinstance(catalog, Catalog) else list(catalog.values())
