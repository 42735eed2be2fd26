"""Pulumi's official release, checked against its official checksums.

Source: https://www.pulumi.com/docs/iac/download-install/ (manual installation). The checksums of a release are next to
its archives, as ``pulumi-VERSION-checksums.txt``.
"""

from __future__ import annotations

import hashlib
import http.client
import platform
import shutil
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import cast

OFFICIAL_RELEASES = "https://get.pulumi.com/releases/sdk"
PROGRAM_IN_ARCHIVE = "pulumi/pulumi"

ANSWER_SECONDS = 30.0
CHUNK_BYTES = 1 << 20
REPORT_EVERY_BYTES = 16 << 20

_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class NotDownloaded(Exception):
    """Raised when the release cannot be downloaded; gives the reason."""


def download_engine(
    version: str, target: Path, report: Callable[[str], None], *, releases: str = OFFICIAL_RELEASES
) -> None:
    """Download a release and extract the engine from it.

    Args:
        version: Version of the release: ``3.259.0``.
        target: File to write the engine to. Its folder must exist; the download keeps the archive there temporarily.
        report: Receives progress lines.
        releases: Address of the folder of releases.

    Raises:
        NotDownloaded: when the download fails, is incomplete or does not match its checksum.
    """
    name = f"pulumi-v{version}-{release_platform()}.tar.gz"
    expected = _checksum(f"{releases}/pulumi-{version}-checksums.txt", name)
    archive = target.with_name(name)
    report(f"downloading Pulumi {version} from {releases}")
    found = _fetch(f"{releases}/{name}", archive, report)
    if found != expected:
        raise NotDownloaded(f"{releases}/{name} has sha256 {found}, its checksums file says {expected}")
    try:
        with tarfile.open(archive) as tar:
            member = tar.extractfile(PROGRAM_IN_ARCHIVE)
            if member is None:
                raise NotDownloaded(f"{releases}/{name} holds no {PROGRAM_IN_ARCHIVE}")
            with member, target.open("wb") as program:
                shutil.copyfileobj(member, program, CHUNK_BYTES)
    except (KeyError, tarfile.TarError, EOFError) as error:
        raise NotDownloaded(f"{releases}/{name} cannot be unpacked: {error}") from error
    target.chmod(0o755)


def release_platform() -> str:
    """This machine's platform, as release names spell it: ``linux-x64``.

    Raises:
        NotDownloaded: when Pulumi publishes no release for this machine.
    """
    system, machine = _SYSTEMS.get(platform.system()), _MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise NotDownloaded(f"no release is known for {platform.system()} on {platform.machine()}")
    return f"{system}-{machine}"


def _checksum(address: str, name: str) -> str:
    for line in _read(address).decode("utf-8", "replace").splitlines():
        digest, _, file = line.strip().partition(" ")
        if file.strip().lstrip("*") == name:
            return digest.lower()
    raise NotDownloaded(f"{address} has no checksum of {name}")


def _read(address: str) -> bytes:
    try:
        with _open(address) as response:
            return bytes(response.read())
    except (OSError, http.client.HTTPException) as error:
        raise NotDownloaded(f"{address}: {_reason(error)}") from error


def _fetch(address: str, archive: Path, report: Callable[[str], None]) -> str:
    """Stream the archive into a file; returns the sha256 of the content."""
    digest, done, reported = hashlib.sha256(), 0, 0
    try:
        with _open(address) as response, archive.open("wb") as file:
            length = int(response.headers.get("Content-Length") or 0)
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                if done - reported >= REPORT_EVERY_BYTES:
                    reported = done
                    report(f"downloaded {done >> 20} of {length >> 20} MB" if length else f"downloaded {done >> 20} MB")
    except (OSError, http.client.HTTPException) as error:
        raise NotDownloaded(f"{address}: {_reason(error)}") from error
    if length and done != length:
        raise NotDownloaded(f"{address} stopped after {done} of {length} bytes")
    return digest.hexdigest()


def _open(address: str) -> http.client.HTTPResponse:
    if not address.startswith(("https://", "http://")):
        raise NotDownloaded(f"{address} is no web address")
    request = urllib.request.Request(address, headers={"User-Agent": "alchemesh"})  # noqa: S310 checked above
    return cast("http.client.HTTPResponse", urllib.request.urlopen(request, timeout=ANSWER_SECONDS))  # noqa: S310


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
