"""The package of a function: the product's code, its locked dependencies, and the program that runs it.

The same sources give the same bytes, wherever and whenever the package is built: entries are sorted, and have one time
and two modes. Files of wheels are copied as they are.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.aws.functions import runtime

UNPACKED_MAX = 250 * 1024 * 1024  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
RUNTIME_FILE = "alchemesh_function.py"
HANDLER = "alchemesh_function.handler"
_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can have
_COMPRESSION = 6  # of the product's own files; those of wheels are packed already
# Wheels of Amazon Linux 2023, whose glibc is 2.34: https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
_GLIBC = ("2_34", "2_31", "2_28", "2_27", "2_26", "2_24", "2_17")
_LEFT_OUT = ("RECORD", "RECORD.jws", "RECORD.p7s")  # a list for the installation
_HEADER = struct.Struct("<4s5H3L2H")  # of a file in a zip archive


class PackageFailed(Failure):
    """Raised when a package cannot be built, or is too big for Lambda."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a package.

    Args:
        root: The product's folder.
        include: Patterns of the files of the folder that belong to the code.
        requirements: The lock file of the dependencies, with versions and hashes; None for none.
        python: Version of Python: ``3.12``.
        architecture: ``x86_64`` or ``arm64``.
        texts: Texts of further files of the package, by name.
    """

    root: Path
    include: tuple[str, ...]
    requirements: Path | None
    python: str
    architecture: str
    texts: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """The files of the code, sorted. Hidden files and environments of Python are left out."""
        found = {path for pattern in self.include for path in self.root.glob(pattern) if path.is_file()}
        return sorted(path for path in found if not _foreign(path.relative_to(self.root), self.root))

    def digest(self) -> str:
        """A digest of the product's own part of the package. It installs nothing."""
        parts = [(path.relative_to(self.root).as_posix(), path.read_bytes()) for path in self.files()]
        parts += [(f"text {name}", text.encode()) for name, text in sorted(self.texts.items())]
        parts += [("lock", self.requirements.read_bytes())] if self.requirements is not None else []
        parts.append(("for", f"{self.python} {self.architecture}".encode()))
        return _digest(parts)


@dataclass(frozen=True, slots=True)
class Package:
    """A built package.

    Args:
        digest: Digest of its files.
        unpacked: Bytes of its files.
    """

    digest: str
    unpacked: int


def build(sources: Sources, target: Path) -> Package:
    """Build a package.

    Args:
        sources: Its sources.
        target: The zip file to write.

    Raises:
        PackageFailed: when a dependency cannot be installed, or the package is too big.
    """
    with tempfile.TemporaryDirectory(prefix="alchemesh-package-") as folder, ExitStack() as opened:
        wheels: list[Path] = []
        if sources.requirements is not None:
            _download(sources, Path(folder))
            wheels = sorted(Path(folder).glob("*.whl"))
        entries: dict[str, Entry] = {}
        for wheel in wheels:
            archive = opened.enter_context(zipfile.ZipFile(wheel))
            entries |= {
                name: InWheel(archive, entry) for entry in archive.infolist() if (name := _kept(entry.filename))
            }
        entries |= {path.relative_to(sources.root).as_posix(): path.read_bytes() for path in sources.files()}
        entries |= {name: text.encode() for name, text in sources.texts.items()}
        entries[RUNTIME_FILE] = _runtime()
        unpacked = sum(len(each) if isinstance(each, bytes) else each.entry.file_size for each in entries.values())
        if unpacked > UNPACKED_MAX:
            raise PackageFailed(
                f"the package has {unpacked / 1024**2:.0f} MB unpacked, expected at most {UNPACKED_MAX // 1024**2} MB",
                hint="remove dependencies from the lock file, give an `image`, or use another engine for the code",
            )
        _write(entries, target)
        own = ((name, each) for name, each in sorted(entries.items()) if isinstance(each, bytes))
        locked = ((wheel.name, wheel.read_bytes()) for wheel in wheels)
        return Package(_digest([*own, *locked]), unpacked)


@dataclass(frozen=True, slots=True)
class InWheel:
    """A file in a wheel, which is a zip file too."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo

    def packed(self) -> bytes:
        """Its bytes as the wheel has them: packing them again would take longer than their installation.

        Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7: the header of a file
        """
        file = self.archive.fp
        assert file is not None  # noqa: S101 - the archive is open
        file.seek(self.entry.header_offset)
        header = file.read(_HEADER.size)
        *_others, name, extra = _HEADER.unpack(header)
        file.seek(self.entry.header_offset + _HEADER.size + name + extra)
        return file.read(self.entry.compress_size)


Entry = bytes | InWheel


def _write(entries: Mapping[str, Entry], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        for name in sorted(entries):
            content = entries[name]
            made = zipfile.ZipInfo(name, _TIME)
            made.create_system = 3  # Unix
            runs = isinstance(content, InWheel) and content.entry.external_attr >> 16 & 0o111
            made.external_attr = (0o100755 if runs else 0o100644) << 16
            made.compress_type = zipfile.ZIP_DEFLATED
            if isinstance(content, bytes):
                archive.writestr(made, content)
            else:
                _copy(content, made, archive)


def _copy(content: InWheel, made: zipfile.ZipInfo, archive: zipfile.ZipFile) -> None:
    """Copy a packed file as it is."""
    packed, given = content.packed(), content.entry
    made.compress_type, made.CRC = given.compress_type, given.CRC
    made.file_size, made.compress_size = given.file_size, len(packed)
    file = archive.fp
    assert file is not None  # noqa: S101 - the archive is open
    made.header_offset = file.tell()
    file.write(made.FileHeader())
    file.write(packed)
    archive.filelist.append(made)
    archive.NameToInfo[made.filename] = made
    archive.start_dir = file.tell()


def _download(sources: Sources, target: Path) -> None:
    """Download the wheels of the lock file for Lambda's platform, which may be another one than this machine's."""
    machine = "x86_64" if sources.architecture == "x86_64" else "aarch64"
    platforms = [f"manylinux_{glibc}_{machine}" for glibc in _GLIBC] + [f"manylinux2014_{machine}"]
    command = [
        *(_python_with_pip(), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--require-hashes", "--only-binary=:all:", "--dest", str(target)),
        *("--python-version", sources.python, "--implementation", "cp"),
        *(part for platform in platforms for part in ("--platform", platform)),
        *("--requirement", str(sources.requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.startswith("ERROR:")]
        reason = said[0].removeprefix("ERROR: ") if said else "pip gives no reason"
        raise PackageFailed(
            f"the dependencies of {sources.requirements} cannot be installed for Python {sources.python} on "
            f"{sources.architecture}: {reason}",
            hint="lock versions that have wheels for manylinux, with hashes: `uv pip compile --generate-hashes`",
        )


def _python_with_pip() -> str:
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    from alchemesh_platform.machine.environments import ensure_environment, python_of

    with tempfile.TemporaryDirectory() as folder:
        nothing = Path(folder, "requirements.txt")
        nothing.write_text("")
        return str(python_of(ensure_environment("pip", nothing)))


def _kept(name: str) -> str | None:
    """The name of a wheel's file in the package; None for scripts and for what only an installation needs."""
    first, _, rest = name.partition("/")
    if first.endswith(".data"):
        scheme, _, inner = rest.partition("/")
        return inner if scheme in ("purelib", "platlib") and inner else None
    return None if name.endswith("/") or name.rpartition("/")[2] in _LEFT_OUT else name


def _foreign(path: Path, root: Path) -> bool:
    """Whether a file of the folder is not the product's own: hidden, compiled, or in an environment of Python."""
    if any(part.startswith(".") or part == "__pycache__" for part in path.parts):
        return True
    return any((root / parent / "pyvenv.cfg").is_file() for parent in path.parents)


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, content in parts:
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def runtime_digest() -> str:
    """A digest of the program that runs the code."""
    return hashlib.sha256(_runtime()).hexdigest()


def _runtime() -> bytes:
    return Path(runtime.__file__).read_bytes()


def code_sha256(file: Path) -> str:
    """SHA-256 of a file, as Lambda writes it: in base 64."""
    with file.open("rb") as opened:
        return base64.b64encode(hashlib.file_digest(opened, "sha256").digest()).decode()
