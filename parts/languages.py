"""Programs in TypeScript and Go that use components through generated SDKs, built with the machine's Node and Go.

The SDKs come from the engine's own code generators: `pulumi package gen-sdk`, which users run, needs the language hosts
of Pulumi's release.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from parts import cache
from parts.java import PartFailed

FILES = Path(__file__).parent / "files" / "languages"
USED = ("delta-table", "postgresql-serving")  # the components that the programs use: a whole SDK takes Go a minute

_NODE = ("package.json", "package-lock.json")
_GO = ("go.mod", "go.sum", "sdkgen/main.go", "sdk/go.mod")
_TYPESCRIPT_OPTIONS = ("--target", "ES2022", "--module", "commonjs", "--strict", "--skipLibCheck", "--types", "node")


def missing() -> str | None:
    """A sentence that names the missing programs; None if all are installed."""
    absent = [program for program in ("go", "node", "npm") if shutil.which(program) is None]
    return f"there is no {' and no '.join(absent)} on PATH; Go and Node are needed" if absent else None


def prepare() -> Path:
    """The folder of the programs: ``typescript/program.js`` and ``go/program``. It is built if it is missing.

    Raises:
        PartFailed: when Go, npm or a compiler fails.
    """
    from alchemesh_platform.catalog.discover import discover
    from alchemesh_platform.provider.components.types import ComponentTypes
    from alchemesh_platform.provider.handler import Handlers
    from alchemesh_platform.provider.schema import package_schema_json

    tools = prepare_tools()
    schema = package_schema_json(Handlers(), ComponentTypes({name: discover()[name] for name in USED}))
    sources = [FILES / "typescript" / "program.ts", FILES / "go" / "program" / "main.go"]
    recipe = [str(tools), schema, *(source.read_bytes() for source in sources)]
    return cache.prepared("language-programs", recipe, lambda folder: _make_programs(folder, tools, schema))


def prepare_tools() -> Path:
    """The folder of the code generator, of its Go module and of Pulumi's SDK for Node.

    Raises:
        PartFailed: when Go or npm fails.
    """
    files = [*(FILES / "node" / name for name in _NODE), *(FILES / "go" / name for name in _GO)]
    return cache.prepared("language-tools", [file.read_bytes() for file in files], _make_tools)


def generate(schema: str, folder: Path) -> None:
    """Write the SDKs of a package schema to ``folder/nodejs`` and ``folder/go``.

    Raises:
        PartFailed: when the code generators refuse the schema; carries their message.
    """
    file = folder / "schema.json"
    file.write_text(schema, "utf-8")
    _run([str(prepare_tools() / "go" / "generate"), str(file), str(folder)], folder)


def _make_tools(folder: Path) -> None:
    shutil.copytree(FILES / "go", folder / "go")
    _go_build(folder / "go", "generate", "./sdkgen")
    node = folder / "node"
    shutil.copytree(FILES / "node", node)
    _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], node)


def _make_programs(folder: Path, tools: Path, schema: str) -> None:
    generate(schema, folder)
    _make_typescript(folder / "typescript", folder / "nodejs", tools / "node" / "node_modules")
    module = folder / "module"
    shutil.copytree(tools / "go", module, ignore=shutil.ignore_patterns("generate"))
    shutil.copytree(FILES / "go" / "program", module / "program", dirs_exist_ok=True)
    shutil.copytree(folder / "go", module / "sdk", dirs_exist_ok=True)
    _go_build(module, str(folder / "go-program"), "./program")


def _make_typescript(folder: Path, sdk: Path, modules: Path) -> None:
    """Compile the SDK, and the program with the types of the SDK."""
    packages = folder / "node_modules"
    packages.mkdir(parents=True)
    for package in modules.iterdir():
        (packages / package.name).symlink_to(package)
    place = packages / "@alchemesh" / "alchemesh"
    shutil.copytree(sdk, place)
    compiler = str(modules / "typescript" / "bin" / "tsc")
    _run(["node", compiler, "--preserveSymlinks"], place)
    shutil.copy(place / "package.json", place / "bin")
    shutil.copy(FILES / "typescript" / "program.ts", folder)
    _run(["node", compiler, "--preserveSymlinks", *_TYPESCRIPT_OPTIONS, "program.ts"], folder)


def _go_build(module: Path, target: str, package: str) -> None:
    """Build with the options of the engine's build, so that both share what they compile."""
    environ = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
    _run(["go", "build", "-trimpath", "-o", target, package], module, environ)


def _run(command: list[str], folder: Path, environ: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **(environ or {})}
    )
    if done.returncode != 0:
        raise PartFailed(f"`{' '.join(command)}` exited with {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}")
