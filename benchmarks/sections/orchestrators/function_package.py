"""The reproducible package of a Lambda function, against `pip install --target` of the same wheels, offline."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Measured, Ratio, against, measure

RUNS = 5
FLAGS = ("--no-compile", "--no-deps", "--require-hashes", "-r")  # a package has no compiled files either
LIMIT = 1.5
PACKAGES = ("numpy", "pyarrow")  # 60 MB of wheels; Lambda takes 250 MB unpacked
BUILD = """\
import sys
from pathlib import Path
from alchemesh_platform.clouds.aws.functions.package import Sources, build
root, lock, target = map(Path, sys.argv[1:4])
build(Sources(root, ("**/*.py",), lock, sys.argv[4], "x86_64"), target)
"""


def ratios() -> Iterator[Ratio]:
    """Both start from the same wheels and the same lock file, in turns. Each pair has folders of its own."""
    with tempfile.TemporaryDirectory(prefix="alchemesh-packages-") as temporary:
        folder = Path(temporary)
        wheels, product = folder / "wheels", folder / "product"
        product.mkdir()
        (product / "job.py").write_text("def main():\n    pass\n", "utf-8")
        lock = _locked(wheels, folder / "requirements.txt")
        environ = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels)}
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        install = [sys.executable, "-m", "pip", "install", "--quiet", *FLAGS, str(lock)]
        ours: list[Measured] = []
        theirs: list[Measured] = []
        for number in range(RUNS + 1):  # the first fills the caches of files
            target = str(folder / f"{number}.zip")
            built = measure([sys.executable, "-c", BUILD, str(product), str(lock), target, python], environ=environ)
            installed = measure([*install, "--target", str(folder / f"installed-{number}")], environ=environ)
            ours += [built] if number else []
            theirs += [installed] if number else []
    what, floor = "the package of a function with two dependencies", "`pip install --target --no-compile`"
    yield against(what, ours, floor, theirs, limit=LIMIT)


def _locked(wheels: Path, lock: Path) -> Path:
    """A lock file of some wheels, which pip downloads once."""
    wanted = [f"{name}=={version(name)}" for name in PACKAGES]
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*download, "--dest", str(wheels), *wanted], check=True)
    lines = []
    for name, pinned in zip(PACKAGES, wanted, strict=True):
        (wheel,) = wheels.glob(f"{name}-*.whl")
        lines.append(f"{pinned} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}")
    lock.write_text("\n".join(lines) + "\n", "utf-8")
    return lock
