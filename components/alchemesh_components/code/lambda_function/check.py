"""Checks of lambda-function before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alchemesh_components.aws.settings import Settings
from alchemesh_components.code.checks import look_at_entrypoint
from alchemesh_components.code.lambda_function.models import Args, need_of
from alchemesh_platform.base.secrets import SecretRef
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring

SECRET_TYPE = "secret"  # noqa: S105 - component type of the needs that hold one
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
VARIABLES_MAX = 4 * 1024
RESERVED = ("AWS_", "LAMBDA_", "ALCHEMESH_", "_HANDLER", "_X_AMZN_TRACE_ID")
_HASH = "--hash="


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check the secrets, the size and the names of variables, and the region of the image."""
    for variable, value in args.env.items():
        if variable.startswith(RESERVED):
            yield Objection(
                f"found the variable {variable}, expected another name: Lambda or the platform sets it",
                at="args",
                path=("env", variable),
            )
        if isinstance(value, SecretRef) and wiring.needs.get(need := need_of(value)) != SECRET_TYPE:
            yield Objection(
                f"found the secret {value.secret}, and no need {need!r} of type {SECRET_TYPE} that holds it",
                at="args",
                path=("env", variable),
                hint=f"add `{{name: {need}, component: {SECRET_TYPE}}}` to the product's `infrastructure`",
            )
    size = sum(len(name) + len(value) for name, value in args.env.items() if isinstance(value, str))
    if size > VARIABLES_MAX // 2:
        yield Objection(
            f"found variables of {size} bytes, expected at most {VARIABLES_MAX // 2}: a function has 4 KB for all",
            at="args",
            path=("env",),
            hint="put large values into a file of the code",
        )
    if args.image is not None and (region := args.image.split(".")[3]) != settings.aws.region:
        yield Objection(
            f"found an image in {region}, expected one in {settings.aws.region}, where the function is",
            at="args",
            path=("image",),
            hint="replicate the repository: Lambda reads images of its own region only",
        )


def look(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the entrypoint and the lock file exist, in the product's folder. Imports nothing."""
    if args.image is not None:
        return
    root = Path(wiring.product_root)
    yield from look_at_entrypoint(args.entrypoint, root, elsewhere=args.requirements is not None)
    if args.requirements is None:
        return
    lock = root / args.requirements
    if not lock.is_file():
        yield Objection(f"there is no lock file {args.requirements} in {root}", at="args", path=("requirements",))
    elif _HASH not in (text := lock.read_text("utf-8")) and text.strip():
        yield Objection(
            f"found no hashes in {args.requirements}, expected a lock file with a hash for each package",
            at="args",
            path=("requirements",),
            hint="`uv pip compile --generate-hashes` writes one",
        )
