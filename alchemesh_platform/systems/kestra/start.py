"""The program that a task of a flow starts: ``python -m alchemesh_platform.systems.kestra.start DESCRIPTOR``.

It becomes the launcher. The details of the run come in variables, not in the command: a value that somebody gives an
execution in Kestra is then never part of a shell command.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

from alchemesh_platform.sdk.code.launch import launch_command

PREFIX = "ALCHEMESH_KESTRA_"
NAME = "kestra"


def command_of(descriptor: str, environ: Mapping[str, str]) -> list[str]:
    """The command of the launcher.

    Args:
        descriptor: Path of the job's description.
        environ: Variables of the task.
    """
    given = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX) and value}
    moments = given.get("FROM"), given.get("TO")
    return launch_command(
        descriptor,
        engine=NAME,
        engine_run=given["EXECUTION"],
        trigger=given.get("TRIGGER", "manual"),
        request=given.get("REQUEST"),
        interval=(moments[0], moments[1]) if moments[0] and moments[1] else None,
        arguments=[str(each) for each in json.loads(given.get("ARGUMENTS", "[]"))],
    )


def main() -> None:
    """Become the launcher, so that Kestra ends it when it ends the task."""
    command = command_of(sys.argv[1], os.environ)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    os.execve(command[0], command, environ)  # noqa: S606 - a list of arguments, without a shell


if __name__ == "__main__":
    main()
