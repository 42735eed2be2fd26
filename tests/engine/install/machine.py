"""A constructed machine to search for an engine."""

from __future__ import annotations

import shutil
from pathlib import Path

from alchemesh_platform.engine.install.cache import CACHE_VARIABLE
from alchemesh_platform.engine.install.find import RELEASES_VARIABLE, Engine, find_engine
from alchemesh_platform.engine.install.versions import PINNED_VERSION

NOWHERE = "http://127.0.0.1:9"  # the discard port: no process listens there


class Machine:
    """A constructed machine: a folder of programs, a cache, and the reported lines."""

    def __init__(self, root: Path) -> None:
        self.bin = root / "bin"
        self.cache = root / "cache" / "engine"
        self.starts = root / "starts"
        self.bin.mkdir()
        for tool in ("sh", "cat", "chmod", "sleep", "mkdir", "rm"):
            (self.bin / tool).symlink_to(str(shutil.which(tool)))
        self.environ = {
            "PATH": str(self.bin),
            CACHE_VARIABLE: str(root / "cache"),
            RELEASES_VARIABLE: NOWHERE,
            "HOME": str(root),
        }
        self.reported: list[str] = []

    def find(self, *, allow_install: bool = True) -> Engine:
        return find_engine(progress=self.reported.append, allow_install=allow_install, environ=self.environ)

    def engine(self, path: Path, version: str) -> Path:
        """A program that answers as an engine of that version."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$0" >> {self.starts}\necho v{version}\n', "utf-8")
        path.chmod(0o755)
        return path

    def go(self, script: str) -> None:
        """A `go` that runs the script; OUT is the file to build."""
        find_out = 'OUT=; while [ $# -gt 0 ]; do [ "$1" = -o ] && OUT="$2"; shift; done'
        (self.bin / "go").write_text(f'#!/bin/sh\nSTEP="$1"\n{find_out}\n{script}\n', "utf-8")
        (self.bin / "go").chmod(0o755)

    def builds(self, version: str = PINNED_VERSION) -> str:
        """Script of a build that works, and counts itself."""
        return (
            f'if [ "$STEP" = build ]; then echo build >> {self.starts}.go; '
            f'printf "#!/bin/sh\\necho v{version}\\n" > "$OUT"; chmod 755 "$OUT"; fi'
        )

    @property
    def left(self) -> list[str]:
        """Files in the cache other than engines, the memory and the lock."""
        if not self.cache.exists():
            return []
        return [path.name for path in self.cache.iterdir() if path.name.startswith(".")]

    @property
    def installed(self) -> Path:
        return self.cache / PINNED_VERSION / "pulumi"
