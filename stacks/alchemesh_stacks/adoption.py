"""Taking back in what was kept of a product: the engine imports it where it would have made it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi

from alchemesh_platform.compose.plan import Kept

# What is imported has to be as the program says, or the engine refuses it. What differs is changed by the next run.
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
