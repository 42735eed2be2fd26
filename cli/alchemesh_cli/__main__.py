"""The program `alchemesh`, and ``python -m alchemesh_cli``.

Everything is imported inside of the function, so that an interrupt during the import is reported as one.
"""

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.disable()  # imported objects live until the process ends
    try:
        from alchemesh_cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("error: stopped\n")
        sys.exit(1)
    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
