"""Chromium without a window, which draws the pages of this project in the tests.

npm's package has the program and its libraries in archives compressed by Brotli, which Node reads. Puppeteer controls
it, since this build takes no pictures by itself.
Source: https://github.com/Sparticuz/chromium
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

from parts import cache
from parts.java import PartFailed

FILES = Path(__file__).parent.parent / "files" / "chromium"
_COPIED = ("package.json", "package-lock.json", "shot.mjs")
PROGRAM = "chromium"
INSTALLED = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 300
_LIBRARIES, _FONTS = "al2023", "fonts"
_DECOMPRESS = "process.stdin.pipe(require('node:zlib').createBrotliDecompress()).pipe(process.stdout)"


def missing() -> str | None:
    """A sentence that names the missing programs; None if all are installed."""
    absent = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"there is no {' and no '.join(absent)} on PATH; Chromium needs Node" if absent else None


def prepare() -> Path:
    """The folder of the program. It is created if it is missing.

    Raises:
        PartFailed: when npm fails.
    """
    return cache.prepared("chromium", [(FILES / name).read_bytes() for name in _COPIED], _make)


def draw(
    page: Path, picture: Path, scheme: Literal["light", "dark"], *, width: int = 500, height: int = 900
) -> list[str]:
    """Draw a page as a PNG, in full.

    Args:
        page: The file of the page.
        picture: The file to write.
        scheme: The colours that the reader prefers.
        width: Of the window, in pixels.
        height: Of the window, in pixels; the picture is as high as the page, if that is more.

    Returns:
        Complaints: messages of the console, errors, and each address that the page loads.

    Raises:
        PartFailed: when Chromium fails.
    """
    folder = prepare()
    script = folder / "npm" / "shot.mjs"
    command = ["node", str(script), str(folder / PROGRAM), page.as_uri(), str(picture), scheme, str(width), str(height)]
    libraries = {"LD_LIBRARY_PATH": str(folder / _LIBRARIES / "lib"), "FONTCONFIG_PATH": str(folder / _FONTS)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **libraries}, timeout=SECONDS
    )
    if done.returncode != 0:
        raise PartFailed(f"Chromium exited with {done.returncode}\n{done.stderr[-2000:]}")
    complaints: list[str] = json.loads(done.stdout)
    return complaints


def installed() -> str | None:
    """The Chromium of this machine; None without one."""
    return next((found for name in INSTALLED if (found := shutil.which(name)) is not None), None)


def visit(program: str, address: str, picture: Path, user: str = "", password: str = "") -> str:
    """Draw the page of a server as a PNG. Signs in where it asks for a password.

    Args:
        program: A Chromium of this machine: pages of applications stay empty in the one of :func:`prepare`.
        address: Address of the page.
        picture: The file to write.
        user: Name to sign in with.
        password: Its password.

    Returns:
        The title of the page.

    Raises:
        PartFailed: when Chromium fails.
    """
    command = ["node", "--input-type=module", "-", program, address, str(picture), "1400", "900"]
    done = subprocess.run(
        [*command, *([user, password] if password else [])],
        cwd=prepare() / "npm",  # where the script finds its packages
        input=(FILES / "visit.mjs").read_text("utf-8"),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode != 0:
        raise PartFailed(f"Chromium exited with {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout.strip()


def _make(folder: Path) -> None:
    npm = folder / "npm"
    npm.mkdir()
    for name in _COPIED:
        shutil.copy(FILES / name, npm)
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=npm, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise PartFailed(f"`npm ci` of Chromium exited with {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}")
    archives = npm / "node_modules" / "@sparticuz" / "chromium" / "bin"
    program = folder / PROGRAM
    _decompress(archives / "chromium.br", program)
    program.chmod(0o755)
    for name in (_LIBRARIES, _FONTS):
        archive = folder / f"{name}.tar"
        _decompress(archives / f"{name}.tar.br", archive)
        with tarfile.open(archive) as packed:
            packed.extractall(folder / name, filter="data")
        archive.unlink()
    shutil.rmtree(archives)
    # The package's own file names the folder in which its makers unpack it.
    fonts = escape(str(folder / _FONTS))
    (folder / _FONTS / "fonts.conf").write_text(f"<fontconfig><dir>{fonts}</dir></fontconfig>\n", "utf-8")


def _decompress(packed: Path, file: Path) -> None:
    with packed.open("rb") as read, file.open("wb") as written:
        done = subprocess.run(["node", "-e", _DECOMPRESS], stdin=read, stdout=written, check=False)
    if done.returncode != 0:
        raise PartFailed(f"{packed.name} cannot be decompressed")
