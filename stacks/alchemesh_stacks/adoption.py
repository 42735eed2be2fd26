"""Import of a product's kept resources: the engine imports them instead of creating them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi

from alchemesh_platform.compose.plan import Kept

# The engine refuses an import that differs from the program. The next run changes the differences.
EVERYTHING = ("*",)


def adoption(kept: Iterable[Kept]) -> pulumi.ResourceTransformation:
    """Have resources be imported that were kept, where they still go by the name that the program gives them.

    Without that a platform file whose names have changed would take in what has another name now, and replace it.
    """
    ids = {(one.type, one.name): one.id for one in kept}
    passed_over: set[str] = set()

    def adopt(resource: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        identity = ids.get((resource.type_, resource.name))
        if identity is None:
            return None
        parents = (identity[:end] for end, letter in enumerate(identity) if letter == "/")
        called = identity.rpartition("/")[2].partition("@")[0]  # an account's id ends with an address in its project
        if called not in _texts(resource.props) or any(one in passed_over for one in parents):
            passed_over.add(identity)
            return None
        taken = pulumi.ResourceOptions(import_=identity, ignore_changes=list(EVERYTHING))
        return pulumi.ResourceTransformationResult(resource.props, pulumi.ResourceOptions.merge(resource.opts, taken))

    return adopt


def _texts(props: object) -> set[str]:
    """The texts that a program gives a resource; a name is one of them, an output of another resource is none."""
    values = props.values() if isinstance(props, Mapping) else vars(props).values()
    return {value for value in values if isinstance(value, str)}
