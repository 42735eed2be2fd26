"""A real Apache NiFi, 1.18 or 2.3, on loopback, with substitute processors for Kafka and Cloud Storage.

with nifi(TWO) as server:
    print(server.url)      # http://127.0.0.1:PORT/nifi-api
    server.kill()
    server.start()         # on the same port, with the same dataflows and the same queued data

Maven Central has NiFi's framework and its standard processors (of 2.3 as a jar, without their bundle), but not its
Kafka and Google bundles. The bundle in ``files/nar`` replaces both: its types have the same properties, relationships
and attributes as those of the same version. It also provides the users and rights of a server with TLS and a login,
since NiFi's own provider of users is missing too.
"""

from __future__ import annotations

import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from alchemesh_platform.machine.servers.ports import free_port
from parts import cache
from parts.java import JAVA_LEAST, PartFailed, java_home, maven
from parts.server import Server

FILES = Path(__file__).parent / "files" / "nifi"
NAR_FILES = Path(__file__).parent / "files" / "nar"
NAR = "alchemesh-ingestion-nar"
ADMINISTRATOR, GUEST = "platform", "guest"
CERTIFICATE = "certificate.pem"
# The substitute of each NiFi class: the value of `substitutes` in the platform file's settings of nifi.
SUBSTITUTES = {
    "org.apache.nifi.processors.kafka.pubsub.ConsumeKafka_2_6": "alchemesh.nifi.ConsumeKafka",
    "org.apache.nifi.kafka.processors.ConsumeKafka": "alchemesh.nifi.kafka3.ConsumeKafka",
    "org.apache.nifi.kafka.service.Kafka3ConnectionService": "alchemesh.nifi.kafka3.Kafka3ConnectionService",
    "org.apache.nifi.processors.gcp.storage.PutGCSObject": "alchemesh.nifi.PutGCSObject",
    "org.apache.nifi.processors.gcp.credentials.service.GCPCredentialsControllerService": (
        "alchemesh.nifi.GCPCredentialsControllerService"
    ),
}

_SAID = 3000  # characters of a failed program's output
_JAVA = (
    "-Xms256m",
    "-Xmx768m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Djava.protocol.handler.pkgs=sun.net.www.protocol",
    "-Dnifi.properties.file.path=conf/nifi.properties",
)


@dataclass(frozen=True, slots=True)
class Release:
    """A release of NiFi.

    Args:
        name: Name of its part.
        version: Its version.
        major: Folder of its own files, beside those that all releases share.
        java: Oldest Java that it is tried with.
        classes: Version of Java of its bundle's classes.
        api: Jars of the server that its bundle's classes use.
        parent: Bundle whose libraries its own bundle uses.
        flow_file: File of its canvas, as the property names it.
        about: Path that it answers without a login.
    """

    name: str
    version: str
    major: str
    java: int
    classes: str
    api: tuple[str, ...]
    parent: str
    flow_file: str
    about: str

    @property
    def manifest(self) -> dict[str, str]:
        """What NiFi reads of a bundle."""
        return {
            "Nar-Group": "alchemesh",
            "Nar-Id": NAR,
            "Nar-Version": self.major,
            "Nar-Dependency-Group": "org.apache.nifi",
            "Nar-Dependency-Id": self.parent,
            "Nar-Dependency-Version": self.version,
        }

    @property
    def home(self) -> Path | None:
        """The folder of its Java; None if this machine has none that is new enough."""
        return java_home(self.java)

    def missing(self) -> str | None:
        """A sentence that names the missing one of Java and Maven; None if both are installed."""
        if self.home is None:
            return f"there is no Java {self.java} or newer, neither in JAVA_HOME, nor on PATH, nor beside other Javas"
        return None if shutil.which("mvn") else "there is no mvn on PATH; Maven is needed"

    def tool(self, name: str) -> str:
        """The path of a program of its Java.

        Raises:
            PartFailed: when this machine has none.
        """
        if self.home is None:
            raise PartFailed(self.missing() or "")
        return str(self.home / "bin" / name)


ONE = Release(
    name="nifi",
    version="1.18.0",
    major="1",
    java=JAVA_LEAST,
    classes="11",
    api=("nifi-api-1.18.0", "nifi-framework-api-1.18.0"),
    parent="nifi-standard-services-api-nar",
    flow_file="flow.xml.gz",  # it writes flow.json.gz beside it
    about="access/config",
)
TWO = Release(
    name="nifi2",
    version="2.3.0",
    major="2",
    java=25,
    classes="21",
    api=("nifi-api-2.0.0", "nifi-framework-api-2.3.0"),  # its API has versions of its own
    parent="nifi-standard-shared-nar",
    flow_file="flow.json.gz",
    about="authentication/configuration",
)


def prepare(release: Release) -> Path:
    """The folder of NiFi's libraries, the substitute bundle and the unpacked bundles.

    It is created if it is missing.

    Raises:
        PartFailed: when Maven, the compiler or the first start fails.
    """
    files = [file for file in _files(release) if file.is_file()]
    recipe: list[str | bytes] = [*(file.read_bytes() for file in files), *_JAVA, *release.manifest.values()]
    return cache.prepared(release.name, recipe, lambda folder: _make(folder, release))


def _files(release: Release) -> Iterator[Path]:
    """Files that determine the prepared folder of a release."""
    for folder in (FILES, NAR_FILES):
        for file in sorted(folder.rglob("*")):
            first = file.relative_to(folder).parts[0]
            if not first.isdigit() or first == release.major:
                yield file


@dataclass(slots=True)
class Nifi(Server):
    """A NiFi server.

    Args:
        release: Its release.
        port: Port of its interface, on 127.0.0.1.
        users: Password of each user; empty for a server over HTTP without a login.
    """

    name = "NiFi"
    start_seconds = 300.0  # 18 on an idle machine
    stop_seconds = 60.0

    release: Release
    port: int
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Address of its REST interface."""
        return f"{'https' if self.users else 'http'}://127.0.0.1:{self.port}/nifi-api"

    @property
    def certificate(self) -> Path:
        """The self-signed certificate of a server with users."""
        return self.folder / "conf" / CERTIFICATE

    def _launched(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        jars = ":".join(str(jar) for jar in sorted((self.parts / "libs").glob("*.jar")))
        # NiFi 2 also listens on a port for its own management, by default the same for each server of a machine.
        management = f"-Dorg.apache.nifi.management.server.address=127.0.0.1:{free_port('127.0.0.1')}"
        command = [self.release.tool("java"), *_JAVA, management, "-cp", f"conf:{jars}", "org.apache.nifi.NiFi"]
        return subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )

    def _answers(self) -> bool:
        try:
            trust = ssl.create_default_context(cafile=self.certificate) if self.users else None
            path = self.release.about if self.users else "flow/about"
            with urlopen(f"{self.url}/{path}", timeout=5, context=trust) as answer:  # noqa: S310 loopback
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


@contextmanager
def nifi(release: Release = ONE, *, secured: bool = False) -> Iterator[Nifi]:
    """A NiFi with an empty canvas. At the end, it is stopped and its data is removed.

    Args:
        release: ``ONE`` or ``TWO``.
        secured: Whether it uses TLS and requires a login: that of the ``ADMINISTRATOR``, with all rights, or that of
            the ``GUEST``, with the right to read the canvas only. Like any NiFi, it rejects logins until it has created
            its key, a few seconds after it first answers.

    Raises:
        PartFailed: when it cannot be prepared or does not start.
    """
    parts = prepare(release)
    with tempfile.TemporaryDirectory(prefix="alchemesh-nifi-", ignore_cleanup_errors=True) as folder:
        made = make_nifi(Path(folder), parts, release)
        if secured:
            secure(made)
        try:
            made.start()
            yield made
        finally:
            made.kill()  # its data is no longer needed


def make_nifi(folder: Path, parts: Path, release: Release) -> Nifi:
    """Write the configuration of a server into a folder. Does not start it."""
    port = free_port("127.0.0.1")
    shutil.copytree(FILES / "conf", folder / "conf", dirs_exist_ok=True)
    properties = folder / "conf" / "nifi.properties"
    text = Template(properties.read_text("utf-8"))
    values = {"port": port, "libs": parts / "libs", "flow": release.flow_file, "key": secrets.token_hex(16)}
    properties.write_text(text.substitute(values), "utf-8")
    shutil.copytree(parts / "extensions", folder / "extensions", copy_function=os.link)
    if (parts / "work").is_dir():  # unpacked once and linked, since NiFi removes unexpected files there
        shutil.copytree(parts / "work", folder / "work", copy_function=os.link)
    return Nifi(folder, parts, release, port)


def secure(server: Nifi) -> None:
    """Configure TLS and a login for a server that is not started yet."""
    conf = server.folder / "conf"
    server.users = {name: secrets.token_urlsafe(16) for name in (ADMINISTRATOR, GUEST)}
    password = secrets.token_hex(16)
    make_certificate(conf, password)
    plain = (conf / "nifi.properties").read_text("utf-8").replace("nifi.web.http.", "nifi.web.https.")
    replaced = [line for line in plain.splitlines() if not line.startswith("nifi.security.user.authorizer")]
    settings = Template((FILES / "secured.properties").read_text("utf-8")).substitute(password=password)
    (conf / "nifi.properties").write_text("\n".join([*replaced, settings]), "utf-8")
    passwords = "".join(f'<property name="{name}">{value}</property>' for name, value in server.users.items())
    (conf / "login-identity-providers.xml").write_text(
        "<loginIdentityProviders><provider><identifier>users</identifier><class>alchemesh.nifi.Users</class>"
        f"{passwords}</provider></loginIdentityProviders>",
        "utf-8",
    )
    (conf / "authorizers.xml").write_text(
        "<authorizers><authorizer><identifier>rights</identifier><class>alchemesh.nifi.Rights</class>"
        f'<property name="administrator">{ADMINISTRATOR}</property></authorizer></authorizers>',
        "utf-8",
    )


def make_certificate(folder: Path, password: str) -> Path:
    """Create key stores with a key for 127.0.0.1 and its self-signed certificate.

    Returns the file of the certificate.
    """

    def keytool(store: str, command: str, *options: str) -> None:
        where = ("-storetype", "PKCS12", "-keystore", str(folder / store), "-storepass", password)
        _run("keytool", command, "-alias", "nifi", *options, *where)

    made = folder / CERTIFICATE
    use = ("-ext", "bc=ca:true", "-ext", "ku=digitalSignature,keyEncipherment,keyCertSign", "-ext", "san=ip:127.0.0.1")
    keytool("keystore.p12", "-genkeypair", "-keyalg", "RSA", "-validity", "30", "-dname", "CN=127.0.0.1", *use)
    keytool("keystore.p12", "-exportcert", "-rfc", "-file", str(made))
    keytool("truststore.p12", "-importcert", "-noprompt", "-file", str(made))
    return made


def _make(folder: Path, release: Release) -> None:
    """Fill the cached folder: libraries, the substitute bundle, and the bundles that one start unpacks."""
    copy = "dependency:copy-dependencies"
    shutil.copy(FILES / release.major / "pom.xml", folder)
    maven(copy, "-DincludeScope=runtime", "-DoutputDirectory=libs", folder=folder)
    with tempfile.TemporaryDirectory(prefix="alchemesh-nar-") as scratch:
        shutil.copy(NAR_FILES / release.major / "pom.xml", scratch)
        maven(copy, "-DincludeScope=runtime", "-DoutputDirectory=bundled", folder=Path(scratch))
        _build_nar(Path(scratch), folder, release)
    with tempfile.TemporaryDirectory(prefix="alchemesh-nifi-") as first:
        made = make_nifi(Path(first), folder, release)
        try:
            made.start()
        finally:
            made.kill()
        (folder / "work").mkdir()
        shutil.move(Path(first) / "work" / "nar", folder / "work" / "nar")


def _build_nar(scratch: Path, folder: Path, release: Release) -> None:
    """Compile the substitute processors and pack them as a bundle: a jar of jars, with a manifest that NiFi reads."""
    bundled, compiled = scratch / "bundled", scratch / "classes"
    classes = ":".join(
        [*(str(folder / "libs" / f"{name}.jar") for name in release.api), *map(str, bundled.glob("*.jar"))]
    )
    places = (NAR_FILES / "src", NAR_FILES / release.major / "src")
    sources = [str(file) for place in places for file in sorted(place.rglob("*.java"))]
    options = ("--release", release.classes, "-nowarn", "-proc:none", "-cp", classes, "-d", str(compiled))
    _run(release.tool("javac"), *options, *sources)
    for place in (NAR_FILES, NAR_FILES / release.major):
        shutil.copytree(place / "META-INF", compiled / "META-INF", dirs_exist_ok=True)
    jar = (release.tool("jar"), "--create", "--file")
    _run(*jar, str(bundled / f"{NAR}.jar"), "-C", str(compiled), ".")
    manifest = scratch / "MANIFEST.MF"
    manifest.write_text("".join(f"{name}: {value}\n" for name, value in release.manifest.items()), "utf-8")
    content = scratch / "nar" / "META-INF" / "bundled-dependencies"
    content.mkdir(parents=True)
    others = {name for bundle in (folder / "libs").glob("nifi-standard-s*.nar") for name in _jars_of(bundle)}
    for library in bundled.glob("*.jar"):
        if library.name.startswith("nifi-standard-processors"):
            _unregister(library)
        if not library.name.startswith("slf4j") and library.name not in others:  # the server's own, or the parent's
            library.rename(content / library.name)
    (folder / "extensions").mkdir()
    # `jar`, since it writes entries for folders, without which NiFi does not unpack.
    nar = folder / "extensions" / f"{NAR}.nar"
    _run(*jar, str(nar), "--manifest", str(manifest), "-C", str(scratch / "nar"), ".")


def _unregister(library: Path) -> None:
    """Remove the list of a library's types. The bundle lists those that tests use: NiFi loads each listed one."""
    whole = library.with_suffix(".whole")
    library.rename(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(library, "w") as new:
        for entry in old.infolist():
            if not entry.filename.startswith("META-INF/services/org.apache.nifi."):
                new.writestr(entry, old.read(entry))


def _jars_of(bundle: Path) -> list[str]:
    with zipfile.ZipFile(bundle) as packed:
        return [Path(name).name for name in packed.namelist() if name.endswith(".jar")]


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PartFailed(f"`{command[0]}` left with {done.returncode}\n{(done.stdout + done.stderr)[-_SAID:]}")
