"""The entry point of the image: ``python -m alchemesh_platform.clouds.gcp.data_api``."""

from __future__ import annotations

import argparse
import os
import sys

from pydantic import ValidationError

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp.data_api.configuration import (
    HOST_VARIABLE,
    PORT_VARIABLE,
    VARIABLE,
    ConfigurationMissing,
    configuration_in,
)

DEFAULT_PORT = 8080  # https://cloud.google.com/run/docs/container-contract#port
DEFAULT_HOST = "0.0.0.0"  # noqa: S104 - the address of a container


def main() -> int:
    """Run an instance, or one part of it."""
    parser = argparse.ArgumentParser(prog="alchemesh-data-api", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        choices=("load", "web", "prepare"),
        help="One part; by default the whole instance. The build of the image runs `prepare`.",
    )
    part = parser.parse_args().part
    from alchemesh_platform.clouds.gcp.data_api import instance as instances
    from alchemesh_platform.systems.local.data_api.http.configuration import Address

    if part == instances.PREPARE:
        return instances.prepare_image()
    try:
        configuration = configuration_in(os.environ)
    except (ConfigurationMissing, ValidationError) as error:
        sys.stderr.write(f"error: {VARIABLE}: {error}\n")
        return 1
    instance = instances.Instance(configuration)
    try:
        if part == instances.LOAD:
            return instances.load(instance)
        if part == instances.WEB:
            port = int(os.environ.get(PORT_VARIABLE, DEFAULT_PORT))
            return instances.web(instance, Address(host=os.environ.get(HOST_VARIABLE, DEFAULT_HOST), port=port))
        return instances.run(instance)
    except (Failure, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
