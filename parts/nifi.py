"""A real Apache NiFi 1.18 on loopback, with substitute processors for Kafka and Cloud Storage.

with nifi() as server:
    print(server.url)      # http://127.0.0.1:PORT/nifi-api
    server.kill()
    server.start()         # on the same port, with the same dataflows and the same queued data

Maven Central has NiFi's framework and its standard processors, but not its Kafka and Google bundles. The bundle in
``files/nar`` replaces both: its processors have the same properties, relationships and attributes. It also provides the
users and rights of a server with TLS and a login, since NiFi's own provider of users is missing too.
"""

from __future__ import annotations

import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
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
from parts.java import PartFailed, maven
from parts.server import Server

FILES = Path(__file__).parent / "files" / "nifi"
NAR_FILES = Path(__file__).parent / "files" / "nar"
VERSION = "1.18.0"
NAR = "alchemesh-ingestion-nar"
ADMINISTRATOR, GUEST = "platform", "guest"
CERTIFICATE = "certificate.pem"
# The substitute of each NiFi class: the value of `substitutes` in the platform file's settings of nifi.
SUBSTITUTES = {
    "org.apache.nifi.processors.kafka.pubsub.ConsumeKafka_2_6": "alchemesh.nifi.ConsumeKafka",
    "org.apache.nifi.processors.gcp.storage.PutGCSObject": "alchemesh.nifi.PutGCSObject",
    "org.apache.nifi.processors.gcp.credentials.service.GCPCredentialsControllerService": (
        "alchemesh.nifi.GCPCredentialsControllerService"
    ),
}

_SAID = 3000  # characters of a failed program's output
_MANIFEST = {
    "Nar-Group": "alchemesh",
    "Nar-Id": NAR,
    "Nar-Version": "1",
    "Nar-Dependency-Group": "org.apache.nifi",
    "Nar-Dependency-Id": "nifi-standard-services-api-nar",
    "Nar-Dependency-Version": VERSION,
}
_JAVA = (
    "java",
    "-Xms256m",
    "-Xmx768m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Djava.protocol.handler.pkgs=sun.net.www.protocol",
    "-Dnifi.properties.file.path=conf/nifi.properties",
)


def prepare() -> Path:
    """The folder of NiFi's libraries, the substitute bundle and the unpacked bundles.

    It is created if it is missing.

    Raises:
        PartFailed: when Maven, the compiler or the first start fails.
    """
    files = [file for folder in (FILES, NAR_FILES) for file in sorted(folder.rglob("*")) if file.is_file()]
    recipe: list[str | bytes] = [*(file.read_bytes() for file in files), *_JAVA, *_MANIFEST.values()]
    return cache.prepared("nifi", recipe, _make)


@dataclass(slots=True)
class Nifi(Server):
    """A NiFi server.

    Args:
        port: Port of its interface, on 127.0.0.1.
        users: Password of each user; empty for a server over HTTP without a login.
    """

    name = "NiFi"
    start_seconds = 300.0  # 18 on an idle machine
    stop_seconds = 60.0

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
        command = [*_JAVA, "-cp", f"conf:{jars}", "org.apache.nifi.NiFi"]
        return subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )

    def _answers(self) -> bool:
        try:
            trust = ssl.create_default_context(cafile=self.certificate) if self.users else None
            path = "access/config" if self.users else "flow/about"
            with urlopen(f"{self.url}/{path}", timeout=5, context=trust) as answer:  # noqa: S310 loopback
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


@contextmanager
def nifi(*, secured: bool = False) -> Iterator[Nifi]:
    """A NiFi with an empty canvas. At the end, it is stopped and its data is removed.

    Args:
        secured: Whether it uses TLS and requires a login: that of the ``ADMINISTRATOR``, with all rights, or that of
            the ``GUEST``, with the right to read the canvas only. Like any NiFi, it rejects logins until it has created
            its key, a few seconds after it first answers.

    Raises:
        PartFailed: when it cannot be prepared or does not start.
    """
    parts = prepare()
    with tempfile.TemporaryDirectory(prefix="alchemesh-nifi-", ignore_cleanup_errors=True) as folder:
        made = make_nifi(Path(folder), parts)
        if secured:
            secure(made)
        try:
            made.start()
            yield made
        finally:
            made.kill()  # its data is no longer needed


def make_nifi(folder: Path, parts: Path) -> Nifi:
    """Write the configuration of a server into a folder. Does not start it."""
    port = free_port("127.0.0.1")
    shutil.copytree(FILES / "conf", folder / "conf", dirs_exist_ok=True)
    properties = folder / "conf" / "nifi.properties"
    text = Template(properties.read_text("utf-8"))
    properties.write_text(text.substitute(port=port, libs=parts / "libs", key=secrets.token_hex(16)), "utf-8")
    shutil.copytree(parts / "extensions", folder / "extensions", copy_function=os.link)
    if (parts / "work").is_dir():  # unpacked once and linked, since NiFi removes unexpected files there
        shutil.copytree(parts / "work", folder / "work", copy_function=os.link)
    return Nifi(folder, parts, port)


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


def _make(folder: Path) -> None:
    """Fill the cached folder: libraries, the substitute bundle, and the bundles that one start unpacks."""
    copy = "dependency:copy-dependencies"
    shutil.copy(FILES / "pom.xml", folder)
    maven(copy, "-DincludeScope=runtime", "-DoutputDirectory=libs", folder=folder)
    with tempfile.TemporaryDirectory(prefix="alchemesh-nar-") as scratch:
        shutil.copy(NAR_FILES / "pom.xml", scratch)
        maven(copy, "-DincludeScope=runtime", "-DoutputDirectory=bundled", folder=Path(scratch))
        _build_nar(Path(scratch), folder)
    with tempfile.TemporaryDirectory(prefix="alchemesh-nifi-") as first:
        made = make_nifi(Path(first), folder)
        try:
            made.start()
        finally:
            made.kill()
        (folder / "work").mkdir()
        shutil.move(Path(first) / "work" / "nar", folder / "work" / "nar")


def _build_nar(scratch: Path, folder: Path) -> None:
    """Compile the substitute processors and pack them as a bundle: a jar of jars, with a manifest that NiFi reads."""
    bundled = scratch / "bundled"
    apis = [folder / "libs" / f"{name}-{VERSION}.jar" for name in ("nifi-api", "nifi-framework-api")]
    classes = ":".join(str(jar) for jar in (*apis, *bundled.glob("*.jar")))
    sources = [str(file) for file in sorted((NAR_FILES / "src").rglob("*.java"))]
    _run("javac", "--release", "11", "-nowarn", "-cp", classes, "-d", str(scratch / "classes"), *sources)
    shutil.copytree(NAR_FILES / "META-INF", scratch / "classes" / "META-INF")
    _run("jar", "--create", "--file", str(bundled / f"{NAR}.jar"), "-C", str(scratch / "classes"), ".")
    manifest = scratch / "MANIFEST.MF"
    manifest.write_text("".join(f"{name}: {value}\n" for name, value in _MANIFEST.items()), "utf-8")
    content = scratch / "nar" / "META-INF" / "bundled-dependencies"
    content.mkdir(parents=True)
    for jar in bundled.glob("*.jar"):
        if not jar.name.startswith("slf4j"):  # the server's own
            jar.rename(content / jar.name)
    (folder / "extensions").mkdir()
    nar = folder / "extensions" / f"{NAR}.nar"
    # `jar`, since it writes entries for folders, without which NiFi does not unpack.
    _run("jar", "--create", "--file", str(nar), "--manifest", str(manifest), "-C", str(scratch / "nar"), ".")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PartFailed(f"`{command[0]}` left with {done.returncode}\n{(done.stdout + done.stderr)[-_SAID:]}")
