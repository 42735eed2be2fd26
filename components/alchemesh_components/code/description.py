"""The description of a job on this machine, which the launcher reads. Every engine's component declares one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from alchemesh_components.code.arguments import CodeArgs
from alchemesh_components.spark.arguments import SparkArgs
from alchemesh_platform.sdk.wiring import Wiring
from alchemesh_platform.systems.local.resources import Job


def describe_job(
    name: str,
    args: CodeArgs | SparkArgs,
    wiring: Wiring,
    *,
    run: str,
    python: str | None,
    opts: pulumi.ResourceOptions,
    options: Mapping[str, Any] | None = None,
) -> Job:
    """Declare the description of a job. The provider checks that its module or script exists.

    Args:
        name: Name of the resource.
        args: Arguments of the code.
        wiring: Place of the code.
        run: Folder of job descriptions, `local.run` of the settings.
        python: Python interpreter of the code; by default the one that runs alchemesh.
        opts: Options of the resource, with its parent.
        options: Options of the program that runs the code, if it is not plain Python.
    """
    fields = {"time_zone", "on", "catch_up", "retries"}
    # Defaults are not declared, so that the resources of earlier versions stay as they are.
    others: dict[str, Any] = {
        each: list(value) if isinstance(value, tuple) else value
        for each in sorted(fields)
        if (value := getattr(args, each)) != CodeArgs.model_fields[each].default
    }
    if args.retries:
        others["retry_delay_seconds"] = int(args.retry_delay.total_seconds())
    if options:
        others["options"] = dict(options)
    if (place := wiring.place) is not None:
        others["home"] = place.home
        if place.platform_file is not None:
            others["platform_file"] = place.platform_file
        if place.emulated:
            others["emulated"] = True
    return Job(
        name,
        directory=str(Path(run, wiring.domain, wiring.product)),
        owner=wiring.address,
        python=python or sys.executable,
        working_directory=wiring.product_root,
        entrypoint=args.entrypoint,
        env={key: value if isinstance(value, str) else value.model_dump() for key, value in args.env.items()},
        schedule=args.schedule,
        timeout_seconds=max(1, int(args.timeout.total_seconds())),
        opts=opts,
        **others,
    )
