"""The `alchemesh` command: finds a command by its name and turns failures into messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, cast

import click

from alchemesh_platform import __version__
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import ProblemsFound

DEBUG_VARIABLE = "ALCHEMESH_DEBUG"

# Command: what it does. Written here so that `alchemesh --help` imports no command; a test compares it with them.
COMMANDS = {
    "init": "Write a small data product that works.",
    "validate": "Report every problem of a manifest, each at its line.",
    "schema": "Print the JSON Schema of the manifest.",
    "plan": "Show what would be composed, offline and at once.",
    "preview": "Show what `up` would change.",
    "up": "Deploy the data product and record its assets.",
    "refresh": "Compare what is recorded with what stands.",
    "destroy": "Remove what was deployed; data stays unless told otherwise.",
    "run": "Run the product's code with its connections.",
    "env": "Print the product's connections for a shell.",
    "status": "Show what stands and how it is doing.",
    "contract": "Show what output ports promise, and what a change of it means.",
    "access": "Ask for access to output ports, and decide on it.",
    "mesh": "Show and apply what spans products.",
    "platform": "What all products stand on: services, state, registry, images.",
    "domain": "What the products of a domain stand on: identity, rights, budget.",
    "policy": "Show and test the policies of the mesh.",
    "components": "Show the components of the catalogue.",
    "whoami": "Show who you are to the mesh.",
    "login": "Sign in at the platform's identity provider.",
    "engine": "Find, get and show the Pulumi engine.",
    "unlock": "Release a stack that a killed run left locked.",
    "doctor": "Check that everything this machine needs is there.",
    "completion": "Print the completion script of a shell.",
}

EPILOG = """\b
Start here:
  alchemesh init my-product && cd my-product
  alchemesh up
  alchemesh run
"""


class LazyGroup(click.Group):
    """Imports a command's module when the command is used, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a product's life, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import ``alchemesh_cli.commands.<name>`` and take its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"alchemesh_cli.commands.{cmd_name}")
        return cast("click.Command", module.command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the closest command when there is none of that name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from alchemesh_platform.base.problems import did_you_mean

            ctx.fail(f"No such command {name!r}; {did_you_mean(name, list(COMMANDS))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; commands that an error names are completed while it is known what was typed."""
        try:
            return super().invoke(ctx)
        except (Failure, ProblemsFound) as error:
            from alchemesh_cli.context_options import complete_error

            complete_error(error)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="alchemesh")
def alchemesh() -> None:
    """From one manifest to a running data product."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command; returns its exit code. Failures are told on stderr, never as a traceback."""
    try:
        outcome: Any = alchemesh.main(args=arguments, prog_name="alchemesh", standalone_mode=False)
    except ProblemsFound as found:
        report_problems(found)
        return ExitCode.PROBLEMS
    except Failure as failure:
        report(failure.message, failure.hint)
        return failure.exit_code
    except click.exceptions.Abort:
        report("stopped")
        return ExitCode.FAILED
    except click.ClickException as usage:
        usage.show()
        return usage.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        report(
            f"something went wrong that alchemesh did not expect: {type(error).__name__}: {error}",
            f"{DEBUG_VARIABLE}=1 shows where; please report it with the command and the manifest",
        )
        return ExitCode.FAILED
    return outcome if isinstance(outcome, int) else ExitCode.DONE


def report(message: str, hint: str | None = None) -> None:
    """Tell a failure on stderr."""
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"\nhint: {hint}", err=True)


def report_problems(found: ProblemsFound) -> None:
    """Tell every problem on stderr, and how many there are."""
    for problem in found.problems:
        click.echo(f"{problem}\n", err=True)
    errors = sum(problem.severity == "error" for problem in found.problems)
    click.echo(f"{errors} {'problem' if errors == 1 else 'problems'}", err=True)
