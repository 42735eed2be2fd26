"""Spark's own Python environment, from the lock files next to this module: Spark by pip, Delta by Ivy."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from alchemesh_platform.machine.environments import EnvironmentFailed, Report, ensure_environment, python_of, run_in
from alchemesh_platform.systems.spark.java import find_java

LOCK = Path(__file__).with_name("requirements.txt")
IVY = Path(__file__).with_name("files") / "ivy.xml"
TITLE = "Spark"
# The jars of files/ivy.xml. They run with the rights of the code, so each has its digest, as each package has.
JARS = {
    "delta-kernel-api-4.3.1.jar": "b081b818d6f5686c7d6406588af72c9f8baf6765a41ada8197364aef90a260e8",
    "delta-kernel-defaults-4.3.1.jar": "27471cca7dd7a36289af2c8d52d2babb37e9e5a13cdaaea76730120f4c72e62f",
    "delta-kernel-unitycatalog-4.3.1.jar": "a288342b7e53da34a608a1a227c8109aa4681fcb582da499ed19347f2193362b",
    "delta-spark_4.1_2.13-4.3.1.jar": "ebf35a4383f0a653c3ee3c7882c0edcac2f846be31ac61af4b96ccfaaf36c171",
    "delta-storage-4.3.1.jar": "577c12c7e371be4c041714fb48e88ad86e3c3512beea2bdaffbe7a4debf79718",
    "unitycatalog-client-0.5.0.jar": "9de6812122b411e74ee06c831dac5ccd5f87d69002c29170a37a8bce5e503615",
    "unitycatalog-hadoop-0.5.0.jar": "baca7b2928afe2a1b1789b423ab817d5d4165218999a10ebeab4a8712683beb5",
}


def ensure_spark(report: Report = lambda _line: None, *, java_home: str | None = None) -> Path:
    """The folder of Spark with Delta, `SPARK_HOME`. It is installed if it is missing.

    Args:
        report: Called with a line of progress before the installation.
        java_home: Folder of Java, as :func:`alchemesh_platform.systems.spark.java.find_java` takes it.

    Raises:
        EnvironmentFailed: when it cannot be installed.
        NoJava: when it has to be installed, and there is no Java.
    """
    folder = ensure_environment("spark", LOCK, report, title=TITLE, finish=partial(_add_delta, java_home))
    return spark_home(folder)


def spark_home(folder: Path) -> Path:
    """The folder of Spark in its environment."""
    python = python_of(folder)
    return next((python.parent.parent / "lib").glob("python3.*")) / "site-packages" / "pyspark"


def _add_delta(java_home: str | None, folder: Path) -> None:
    """Add the jars of Delta, with the Ivy that Spark brings."""
    jars = spark_home(folder) / "jars"
    java = find_java(java_home) / "bin" / "java"
    ivy = ("-cp", f"{jars}/*", "org.apache.ivy.Main", "-ivy", str(IVY), "-cache", str(folder / "ivy"))
    run_in(TITLE, str(java), *ivy, "-m2compatible", "-retrieve", f"{jars}/[artifact]-[revision].[ext]")
    for name, expected in JARS.items():
        path = jars / name
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"
        if found != expected:
            path.unlink(missing_ok=True)
            raise EnvironmentFailed(
                f"{TITLE} cannot be installed: {name} has the digest {found}, expected {expected}",
                hint="check the repository of jars that Java reaches from this machine",
            )
