"""Build the engine from its Go module. This needs only Go and a Go module proxy.

``go install …@version`` refuses the engine's module because it has ``replace`` directives. Go does not refuse our own
module that requires it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from alchemesh_platform.engine.install.go import run_go

MODULE = "github.com/pulumi/pulumi/pkg/v3"
COMMAND = f"{MODULE}/cmd/pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
VERSION_VARIABLE = f"{SDK}/go/common/version.Version"
GO_DIRECTIVE = "1.25"  # the version that the engine's own go.mod requires


def build_engine(version: str, target: Path, report: Callable[[str], None], environ: Mapping[str, str]) -> None:
    """Build the engine with the machine's Go.

    Args:
        version: ``3.259.0``.
        target: File to write the engine to. Its folder must exist; the build keeps its module there temporarily.
        report: Receives progress lines: a build takes minutes.
        environ: Environment to look `go` up in and to run it with.

    Raises:
        NotBuilt: when Go is missing or the build fails, with the end of Go's output.
    """
    module = target.with_name("module")
    module.mkdir()
    (module / "go.mod").write_text(f"module alchemesh.engine\n\ngo {GO_DIRECTIVE}\n", "utf-8")
    report(f"building Pulumi {version} from its Go module; this takes some minutes, once")
    steps = {
        "fetched": ["get", f"{COMMAND}@v{version}", f"{SDK}@v{version}"],
        "compiled": [
            *("build", "-v", "-trimpath", "-o", str(target)),
            *("-ldflags", f"-s -w -X {VERSION_VARIABLE}=v{version}", COMMAND),
        ],
    }
    run_go(steps, module, {**environ, "GOFLAGS": "-mod=mod"}, report)
