"""Checks of cloud-run-job before a deployment."""

from __future__ import annotations

from collections.abc import Iterator

from alchemesh_components.code.cloud_run_job.models import Args, need_of
from alchemesh_components.gcp.checks import image_in_reach, key_in_reach
from alchemesh_components.gcp.foundations import has_platform
from alchemesh_components.gcp.settings import Settings
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring

SECRET_TYPE = "secret"  # noqa: S105 - component type of the needs that hold one

# https://cloud.google.com/run/docs/configuring/services/memory-limits#cpu-minimum, in the units of the arguments
CPU_OF_MEMORY = {"8Gi": 2, "16Gi": 4, "32Gi": 8}


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the image, a need for each secret, enough processors for the memory, and the location of the key."""
    if args.image is None and settings.gcp.image_repository is None and not has_platform(wiring):
        yield Objection(
            "found no image, expected one with the product's code",
            at="args",
            hint="give `image`, or have the platform file name a `platform-foundation`, which makes a place for it",
        )
    yield from image_in_reach(args.image, at="args", path=("image",))
    if args.image is None:
        yield from image_in_reach(settings.gcp.image_repository, at="component")
    for variable, value in args.env.items():
        if isinstance(value, SecretRef) and wiring.needs.get(need := need_of(value)) != SECRET_TYPE:
            yield Objection(
                f"found the secret {value.secret}, and no need {need!r} of type {SECRET_TYPE} that holds it",
                at="args",
                path=("env", variable),
                hint=f"add `{{name: {need}, component: {SECRET_TYPE}}}` to the product's `infrastructure`",
            )
    needed = CPU_OF_MEMORY.get(args.memory, 1)
    if int(args.cpu) < needed:
        yield Objection(
            f"found {args.memory} with {args.cpu} cpu, expected at least {needed} cpu with that memory",
            at="args",
            path=("memory",),
            hint="Cloud Run gives so much memory with more processors only",
        )
    yield from key_in_reach(settings.gcp.encryption_keys.cloud_run, settings.gcp.region, "Cloud Run")
