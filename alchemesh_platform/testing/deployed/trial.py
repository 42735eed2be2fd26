"""A deployment that kills its own process at the first creation, as a machine that fails.

``python -m alchemesh_platform.testing.deployed.trial`` reads the job from standard input, and prints the ids of its
engine's processes before it ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import cast


def main() -> None:
    """Deploy the case until its first creation."""
    import psutil

    from alchemesh_platform.base.packages.reference import load_reference
    from alchemesh_platform.engine.install.find import find_engine
    from alchemesh_platform.engine.run.events import PROVIDER_TYPE_PREFIX, EngineEvent, ResourcePre
    from alchemesh_platform.sdk.spec import ComponentSpec
    from alchemesh_platform.testing.cases import Case
    from alchemesh_platform.testing.deployed.stack import ComponentStack, program_of

    job = json.load(sys.stdin)
    spec = cast("ComponentSpec", load_reference(job["reference"]))

    def end(event: EngineEvent) -> None:
        if isinstance(event, ResourcePre) and event.op == "create" and event.custom:
            if event.type.startswith(PROVIDER_TYPE_PREFIX):
                return
            engines = [child.pid for child in psutil.Process().children(recursive=True)]
            os.write(1, json.dumps(engines).encode())
            os.kill(os.getpid(), signal.SIGKILL)

    stack = ComponentStack(spec, Path(job["home"]), find_engine())
    ran = stack.run("up", program_of(spec, Case.model_validate(job["case"]), job["folder"]), on_event=end)
    sys.stderr.write(ran.reasons)


if __name__ == "__main__":
    main()
