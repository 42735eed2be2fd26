"""Run a product's code once, and record the result."""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from filelock import FileLock, Timeout

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.reference import load_reference
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.data.running import RECEIPTS_VARIABLE, RUN_VARIABLE, read_receipts
from alchemesh_platform.deployment.connections import product_record, read_connections
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.registry.records import Deployment, ManifestRecord
from alchemesh_platform.sdk.code_run import CodeRun, RunCode
from alchemesh_platform.sdk.connections.job import JobConnection

if TYPE_CHECKING:
    from alchemesh_platform.catalog.discover import Catalog
    from alchemesh_platform.identity.identity import Identity
    from alchemesh_platform.registry.store import Registry


_POLL_SECONDS = 0.1


class NoCode(Failure):
    """Raised when a product has no code that can run on this machine."""


@contextmanager
def one_at_a_time(
    folder: Path, environment: str, product: str, report: Callable[[str], None] = lambda _line: None
) -> Iterator[None]:
    """Let one process of this machine run a product's code at a time; others wait. A killed process leaves no lock.

    Args:
        folder: The platform's home.
        environment: Name of the environment.
        product: ``domain/product``.
        report: Receives a line if it has to wait.

    Raises:
        StorageFailed: when the lock's file cannot be written.
    """
    file = folder / environment / "runs" / f"{product.replace('/', '.')}.lock"
    with storage_errors(f"lock {file}"):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(file, mode=0o600)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            report(f"another run of {product} in {environment} is not finished: this one waits for it")
            lock.acquire(poll_interval=_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


class HalfDeployed(Failure):
    """Raised when the first deployment of a product has not ended, or has failed: some of its ports are missing."""


def _check_whole(registry: Registry, environment: str, product: str) -> None:
    """Check that the deployment of a product once ended: the record of its manifest is written last.

    Older versions recorded no manifests, so a product whose last deployment succeeded is whole too.
    """
    if registry.get(ManifestRecord, environment, product) is not None:
        return
    last = next(iter(registry.deployments(product, environment, operations=("up", "refresh"), limit=1)), None)
    if last is None or last.outcome == "succeeded":
        return
    begun = "has not ended" if last.outcome == "running" else last.outcome
    raise HalfDeployed(
        f"{product} is not wholly deployed in environment {environment!r}: its first `up` {begun}",
        hint=remedy("wait until it ends, or {} deploys the rest", command("up", about_product=True)),
    )


def run_code(
    registry: Registry,
    catalog: Catalog,
    environment: str,
    product: str,
    arguments: tuple[str, ...],
    identity: Identity,
    on_output: Callable[[str], None],
    *,
    local_run: RunCode | None = None,
    variables: Mapping[str, str] | None = None,
    land: Callable[[], int] = lambda: 0,
) -> Deployment:
    """Run a product's code with its connections. The history contains the run from its start.

    Call it in :func:`one_at_a_time`.

    Args:
        arguments: Arguments for the code.
        identity: The acting user.
        on_output: Receives each line that the code prints, with secrets masked.
        local_run: Runs the code on this machine although its component would start it elsewhere.
        variables: Additional variables for the code.
        land: Lands new data of the input ports before the code runs; returns the number of landing areas.

    Returns:
        The finished run: outcome, exit status and the end of its output.

    Raises:
        NotDeployed: when the product is not deployed.
        HalfDeployed: when its first deployment has not ended, or has failed.
        NoCode: when the product has no code, or its code cannot be run from this machine.
    """
    record = product_record(registry, environment, product)
    if record.code is None:
        raise NoCode(
            f"{product} has no code",
            hint=remedy("add `code:` to the manifest, then {}", command("up", about_product=True)),
        )
    spec = catalog[record.code["component"]]
    run = cast("RunCode", load_reference(spec.run)) if spec.run is not None else local_run
    if run is None:
        raise NoCode(
            f"the code of {product} runs in {spec.name}, which starts it itself",
            hint=remedy(
                "see {}; in an emulated environment (--emulate) it runs here", command("components", "show", spec.name)
            ),
        )
    _check_whole(registry, environment, product)
    job = JobConnection.model_validate(record.code["connection"])
    connections = read_connections(registry, environment, product)
    registry.end_killed(environment, product, ("run",))
    entry = registry.start_deployment(
        environment=environment, product=product, operation="run", actor=identity.subject, version=record.version
    )
    try:
        land()
    except KeyboardInterrupt:
        registry.finish_deployment(entry.id, outcome="cancelled", problem="stopped by hand")
        raise
    except Exception as error:
        registry.finish_deployment(entry.id, outcome="failed", problem=f"new data could not be landed: {error}")
        raise
    with tempfile.TemporaryDirectory(prefix="alchemesh-run-") as kept:
        receipts = Path(kept, "written.jsonl")
        given = {**(variables or {}), RUN_VARIABLE: entry.id, RECEIPTS_VARIABLE: str(receipts)}
        try:
            options: Any = {"variables": given} if "variables" in inspect.signature(run).parameters else {}
            done = run(job, connections, arguments, on_output, environ={**os.environ, **given}, **options)
        except KeyboardInterrupt:
            written = read_receipts(receipts)
            registry.finish_deployment(entry.id, outcome="cancelled", problem="stopped by hand", written=written)
            raise
        except Exception as error:
            registry.finish_deployment(entry.id, outcome="failed", problem=f"the code could not be started: {error}")
            raise
        return registry.finish_deployment(
            entry.id,
            outcome="cancelled" if done.interrupted else "succeeded" if done.exit_status == 0 else "failed",
            problem=_problem(done),
            exit_status=done.exit_status,
            output=done.output,
            written=read_receipts(receipts),
        )


def _problem(done: CodeRun) -> str | None:
    if done.exit_status == 0:
        return None
    if done.interrupted:
        return "stopped by hand"
    if done.timed_out:
        return f"the code was stopped after {done.seconds:.0f} s, its time limit"
    if done.exit_status < 0:
        return f"the code was ended by signal {-done.exit_status}"
    return f"the code ended with exit status {done.exit_status}"
