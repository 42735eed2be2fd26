"""A real Kestra 2 engine on loopback, with a front in the shape of its REST API.

with kestra(secret_values={"API_TOKEN": "a token"}) as server:
    print(server.url)      # http://127.0.0.1:PORT, the `address` of the platform file's settings of kestra
    server.kill()
    server.start()         # on the same port, with the same flows and executions

Maven Central has Kestra's core, executor, scheduler, worker and indexer, but not its web server, its page and its
plugins for scripts. ``files/kestra`` has a main class that starts the engine and answers the part of the API that the
platform calls, and a task under the name of Kestra's own task for shell commands, over Kestra's own classes. The engine
has no page.
"""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from alchemesh_platform.machine.servers.ports import free_port
from parts import cache
from parts.java import PartFailed, java_home, maven
from parts.server import Server
from parts.tools.class_archive import class_archive_options, create_class_archive

FILES = Path(__file__).parent / "files" / "kestra"
VERSION = "2.0.0"
JAVA_LEAST = 25  # the version of Kestra's classes
USER = "platform@example.org"
_SAID = 3000  # characters of the compiler's output
_SERVICES = "META-INF/services/io.kestra.core.models.Plugin"
_TASK = "io.kestra.plugin.scripts.shell.Commands"
_JAVA = ("-Xms128m", "-Xmx640m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_FRONT = "alchemesh.kestra.Front"


def missing() -> str | None:
    """A sentence that names the missing program of this machine; None if Java and Maven are installed."""
    if java_home(JAVA_LEAST) is None:
        return f"there is no Java {JAVA_LEAST} or newer, neither in JAVA_HOME, nor on PATH, nor beside other Javas"
    return None if shutil.which("mvn") else "there is no mvn on PATH; Maven is needed"


def prepare() -> Path:
    """The folder of Kestra's libraries and of the front. It is created if it is missing.

    Raises:
        PartFailed: when Maven, the compiler or the first start fails.
    """
    files = [file for file in sorted(FILES.rglob("*")) if file.is_file()]
    release = (_java_home() / "release").read_bytes()  # the archive of classes fits one Java only
    return cache.prepared("kestra", [*(file.read_bytes() for file in files), release, *_JAVA], _make)


@dataclass(slots=True)
class Kestra(Server):
    """A Kestra engine.

    Args:
        port: Port of its REST API, on 127.0.0.1.
        environ: Variables of the engine, beside those of this process: secrets, as ``SECRET_NAME`` in base64.
        password: Password of ``USER``; None if the API needs no login.
        version: The version that it reports, instead of its own.
    """

    name = "Kestra"
    start_seconds = 300.0  # 8 on an idle machine
    stop_seconds = 60.0

    port: int
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    password: str | None = field(default=None, repr=False)
    version: str | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def _launched(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        environ = {**os.environ, **self.environ}
        if self.password is not None:
            environ |= {"FRONT_USER": USER, "FRONT_PASSWORD": self.password}
        if self.version is not None:
            environ["FRONT_VERSION"] = self.version
        command = [*_command(self.parts, self.folder), _FRONT, str(self.port)]
        return subprocess.Popen(
            command, cwd=self.folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/api/v1/configs", timeout=5) as answer:  # noqa: S310 loopback
                return bool(answer.status == 200)
        except HTTPError as error:
            return error.code == 401
        except (URLError, OSError):
            return False


@contextmanager
def kestra(*, secret_values: Mapping[str, str] | None = None) -> Iterator[Kestra]:
    """A Kestra without flows. At the end, it is stopped and its data is removed.

    Args:
        secret_values: Name and value of each secret that flows can refer to.

    Raises:
        PartFailed: when it cannot be prepared or does not start.
    """
    parts = prepare()
    with tempfile.TemporaryDirectory(prefix="alchemesh-kestra-", ignore_cleanup_errors=True) as folder:
        made = make_kestra(Path(folder), parts, secret_values or {})
        try:
            made.start()
            yield made
        finally:
            made.kill()  # its data is no longer needed


def make_kestra(folder: Path, parts: Path, secret_values: Mapping[str, str]) -> Kestra:
    """Write the configuration of an engine into a folder. Does not start it."""
    port, controller_port = free_port("127.0.0.1"), free_port("127.0.0.1")
    text = Template((FILES / "application.yml").read_text("utf-8"))
    (folder / "application.yml").write_text(text.substitute(folder=folder, controller_port=controller_port), "utf-8")
    (folder / "tmp").mkdir(exist_ok=True)
    environ = {f"SECRET_{name}": base64.b64encode(value.encode()).decode() for name, value in secret_values.items()}
    return Kestra(folder, parts, port, environ)


def locked(server: Kestra) -> str:
    """Require a login from the next start on; returns the password of ``USER``."""
    server.password = secrets.token_urlsafe(16)
    return server.password


def _make(folder: Path) -> None:
    """Fill the cached folder: libraries, the compiled front, and the archive of classes that one start creates."""
    shutil.copy(FILES / "pom.xml", folder)
    maven("dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs", folder=folder)
    classes = folder / "front"
    sources = [str(file) for file in sorted((FILES / "src").rglob("*.java"))]
    options = ("-nowarn", "-Xlint:none", "-cp", _libraries(folder), "-d", str(classes))
    done = subprocess.run(
        [str(_java_home() / "bin" / "javac"), *options, *sources], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PartFailed(f"`javac` exited with {done.returncode}\n{(done.stdout + done.stderr)[-_SAID:]}")
    (classes / _SERVICES).parent.mkdir(parents=True)
    (classes / _SERVICES).write_text(f"{_TASK}\n", "utf-8")
    jar = [str(_java_home() / "bin" / "jar"), "--create", "--file", str(folder / "libs" / "a-front.jar"), "-C"]
    subprocess.run([*jar, str(classes), "."], check=True)  # a jar, since an archive of classes takes no folders
    shutil.rmtree(classes)
    with tempfile.TemporaryDirectory(prefix="alchemesh-kestra-", ignore_cleanup_errors=True) as first:
        create_class_archive(make_kestra(Path(first), folder, {}))


def _command(parts: Path, folder: Path) -> list[str]:
    settings = (
        f"-Dlogback.configurationFile={FILES / 'logback.xml'}",
        f"-Dmicronaut.config.files={folder / 'application.yml'}",
    )
    return [
        str(_java_home() / "bin" / "java"),
        *_JAVA,
        *class_archive_options(parts),
        *settings,
        "-cp",
        _libraries(parts),
    ]


def _libraries(parts: Path) -> str:
    return ":".join(str(jar) for jar in sorted((parts / "libs").glob("*.jar")))


def _java_home() -> Path:
    found = java_home(JAVA_LEAST)
    if found is None:
        raise PartFailed(missing() or "")
    return found
