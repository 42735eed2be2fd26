"""The program `alchemesh`, and ``python -m alchemesh_cli``.

Nothing is imported before an interrupt would be told as one: loading the command line takes a moment, too.
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
