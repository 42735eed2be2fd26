"""The program `alchemesh`, and ``python -m alchemesh_cli``.

Everything is imported inside of the function, so that an interrupt during the import is reported as one.
"""

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        from alchemesh_cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("error: stopped\n")
        sys.exit(1)
    run()


if __name__ == "__main__":
    main()
