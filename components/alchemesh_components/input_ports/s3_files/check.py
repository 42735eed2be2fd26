"""Checks of s3-files before a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from alchemesh_components.aws.names import is_of_mesh
from alchemesh_components.aws.settings import Settings
from alchemesh_components.input_ports.s3_files.models import Args
from alchemesh_platform.sdk.objection import Objection
from alchemesh_platform.sdk.wiring import Wiring


def check(args: Args, settings: Settings, wiring: Wiring) -> Iterator[Objection]:
    """Check that the bucket is not one of the mesh. The port would read another product's data without a grant."""
    bucket = urlsplit(args.path).netloc
    if is_of_mesh(bucket, settings.aws):
        yield Objection(
            f"found {bucket}, a bucket of a product of this platform, expected one of another owner",
            at="args",
            path=("path",),
            hint="read its output port: `from` with its `data_product` and `output_port`, as a data-product-input",
        )
