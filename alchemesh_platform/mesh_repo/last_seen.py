"""The last cached rules of a mesh on this machine, for offline checks.

`validate` and `plan` work offline. The commands that open the registry of an environment (`mesh apply`, `preview`,
`up`) cache its policies and the types of its domains here. The cache stays small in a large mesh.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alchemesh_platform.base.files.writing import write_private
from alchemesh_platform.policies.models import Policy

if TYPE_CHECKING:
    from alchemesh_platform.compose.plan import Plan
    from alchemesh_platform.manifest.load import LoadedManifest
    from alchemesh_platform.platform_file.models import Platform
    from alchemesh_platform.policies.results import PolicyResult
    from alchemesh_platform.registry.store import Registry

FILE = "mesh-last-seen.json"


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The cached rules of a mesh.

    Args:
        policies: Policies of the mesh repo, without the shipped ones.
        domains: Type by domain.
    """

    policies: tuple[Policy, ...] = ()
    domains: Mapping[str, str] | None = None

    def domain_type(self, domain: str) -> str | None:
        """Type of a domain, if known."""
        return (self.domains or {}).get(domain)


def last_seen(platform: Platform) -> LastSeen:
    """The rules of an environment that this machine last cached; empty if it never cached any."""
    try:
        kept = json.loads(_file(platform).read_bytes())
        if kept["registry"] != platform.registry:
            return LastSeen()
        return LastSeen(tuple(Policy.model_validate(each) for each in kept["policies"]), dict(kept["domains"]))
    except (OSError, ValueError, KeyError, TypeError):
        return LastSeen()


def policies_as_last_seen(manifest: LoadedManifest, platform: Platform, plan: Plan | None = None) -> list[PolicyResult]:
    """The results of an environment's cached policies for a product."""
    from alchemesh_platform.policies.evaluate import policies_for
    from alchemesh_platform.policies.load import with_shipped

    mesh = last_seen(platform)
    return policies_for(
        manifest,
        with_shipped(mesh.policies),
        plan=plan,
        environment=platform.environment,
        domain_type=mesh.domain_type(manifest.product.domain),
    )


def remember_mesh(platform: Platform, registry: Registry) -> None:
    """Cache the rules of an environment's mesh. A full disk prevents the cache but stops no command."""
    from alchemesh_platform.registry.records import DomainRecord, PolicyRecord

    document = {
        "registry": platform.registry,
        "policies": [policy.document for policy in registry.all(PolicyRecord, platform.environment)],
        "domains": {domain.address: domain.type for domain in registry.all(DomainRecord, platform.environment)},
    }
    text = json.dumps(document, indent=1)
    file = _file(platform)
    with suppress(OSError):
        if not file.is_file() or file.read_text("utf-8") != text:
            write_private(file, text)


def _file(platform: Platform) -> Path:
    return Path(platform.home, platform.environment, FILE)
