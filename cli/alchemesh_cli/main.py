"""The `alchemesh` command: finds a subcommand by its name and turns failures into messages and exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, cast

import click

from alchemesh_cli.brief import leave
from alchemesh_cli.options import DEBUG_VARIABLE
from alchemesh_platform import __version__
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.files.private import NEW_FILES
from alchemesh_platform.base.packages.conduct import described
from alchemesh_platform.base.problems import ProblemsFound

# Command: its summary. Written here so that `alchemesh --help` imports no command; a test compares them.
COMMANDS = {
    "init": "Create a small, working data product.",
    "validate": "Report every problem of a manifest, each at its line.",
    "schema": "Print the JSON Schema of the manifest.",
    "plan": "Show the components and assets of a manifest, offline.",
    "preview": "Show the changes that `up` would make.",
    "up": "Deploy the data product and record its assets.",
    "refresh": "Update the recorded state from the deployed resources.",
    "destroy": "Remove the deployed resources; keep their data.",
    "run": "Run the product's code with its connections.",
    "resume": "Start the servers and the clock again after a reboot.",
    "runs": "Show the runs of products' code, and cancel them.",
    "env": "Print the product's connections as shell variables.",
    "status": "Show deployed products and their health.",
    "observe": "Probe a product's ports, and measure its data.",
    "incidents": "Show the incidents of broken commitments, and act on them.",
    "usage": "Show the usage of output ports by consumer.",
    "report": "Report the state of a product, or the quality of its data.",
    "server": "Serve the HTTP API of an environment, which takes reports.",
    "inbox": "Show the decisions, notices and ends of access that concern you.",
    "data": "Erase rows; list and delete data of removed products and ports.",
    "ports": "Propose the schema of an input port.",
    "contract": "Show, compare, verify, bill, export and import contracts of output ports.",
    "access": "Request access to output ports, and decide on requests.",
    "mesh": "Apply the mesh repo, and show the mesh and its audit log.",
    "platform": "Deploy the platform stack that all products depend on.",
    "domain": "Deploy the stack that the products of a domain depend on.",
    "ci": "Write pipelines, and comment on merge requests.",
    "policy": "Show and test the policies of the mesh.",
    "components": "Show, check and document the components of the catalogue.",
    "whoami": "Show your identity, personas and teams in the mesh.",
    "login": "Sign in to the platform's identity provider.",
    "engine": "Find, install and show the Pulumi engine.",
    "unlock": "Remove the lock that a killed run left on a stack.",
    "doctor": "Check that this machine has everything that it needs.",
    "completion": "Print the completion script of a shell.",
}

# Commands that write into the product's repo, with the rights that the user chose. Files of others are private.
WRITE_REPO = {"init", "ci", "schema", "contract", "components", "completion"}

# Commands whose result is what they print. All others change something, and their exit code says whether they did.
ONLY_PRINT = frozenset(
    {
        "validate", "schema", "plan", "preview", "env", "status", "inbox", "whoami", "doctor",
        "completion", "ci affected",
        "components list", "components show", "components check", "components docs", "components test",
        "contract show", "contract diff", "contract notices", "contract export", "contract import",
        "access list", "access show", "access credential",
        "incidents list", "incidents show", "runs list", "runs show", "runs logs",
        "data list", "mesh show", "mesh audit", "policy list", "policy show", "policy test", "engine",
    }
)  # fmt: skip

EPILOG = """\b
Start here:
  alchemesh init my-product && cd my-product
  alchemesh up
  alchemesh run
"""


class LazyGroup(click.Group):
    """Imports a command's module when the command is used, and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a product's life."""
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
        """Suggest the closest command for an unknown name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from alchemesh_platform.base.problems import did_you_mean

            ctx.fail(f"No such command {name!r}; {did_you_mean(name, list(COMMANDS))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; complete the commands of an error while the typed options are known."""
        try:
            return super().invoke(ctx)
        except (Failure, ProblemsFound) as error:
            from alchemesh_cli.context_options import complete_error, wants_json

            complete_error(error)
            if isinstance(error, ProblemsFound) and wants_json(ctx):
                report_problems_as_json(error)
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
    """Deploy data products, each from one manifest."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    if not {*sys.argv[1:2]} & WRITE_REPO:
        os.umask(NEW_FILES)
    from alchemesh_cli.terminal.printing import keep_stdout
    from alchemesh_cli.terminal.waited import age_of_process

    keep_stdout()
    leave(invoke(sys.argv[1:], age=age_of_process()))


def invoke(arguments: list[str], *, age: float = 0.0) -> int:
    """Run one command and return its exit code. Failures are reported on stderr, without a traceback.

    A display that fails is no failure of the command. Only a command whose output is its whole result fails then.

    Args:
        age: Seconds that the person has waited for this call.
    """
    from alchemesh_cli.terminal import waited
    from alchemesh_cli.terminal.printing import is_lost, protected

    waited.begin(age)
    with protected():
        code = _run(arguments)
        return ExitCode.FAILED if code == ExitCode.DONE and is_lost() and _only_prints(arguments) else code


def _only_prints(arguments: list[str]) -> bool:
    words = [word for word in arguments if not word.startswith("-")]
    return bool(words) and (words[0] in ONLY_PRINT or " ".join(words[:2]) in ONLY_PRINT)


def _is_text(argument: str) -> bool:
    return argument.encode(errors="ignore").decode() == argument


def _run(arguments: list[str]) -> int:
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
    except OSError as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        report(*file_system_report(error))
        return ExitCode.FAILED
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an exit in the middle of a command is no success
        if os.environ.get(DEBUG_VARIABLE):
            raise
        from alchemesh_platform.base.secrecy.recognise import without_secrets

        if isinstance(error, UnicodeEncodeError) and not all(map(_is_text, arguments)):
            report("an argument is no text in UTF-8", "write all arguments in UTF-8")
            return ExitCode.USAGE
        report(
            without_secrets(f"unexpected error: {described(error)}"),
            f"{DEBUG_VARIABLE}=1 shows the traceback; please report it with the command and the manifest",
        )
        return ExitCode.FAILED
    return outcome if isinstance(outcome, int) else ExitCode.DONE


def file_system_report(error: OSError) -> tuple[str, str | None]:
    """The message and the hint for an error of the operating system that no use case has explained."""
    from alchemesh_platform.machine.files import storage_failure

    failure = storage_failure(f"use {error.filename}" if error.filename else "continue", error)
    return failure.message, failure.hint or f"{DEBUG_VARIABLE}=1 shows the traceback"


def report(message: str, hint: str | None = None) -> None:
    """Report a failure on stderr."""
    click.echo(f"error: {message}", err=True)
    if hint:
        click.echo(f"\nhint: {hint}", err=True)


def report_problems_as_json(found: ProblemsFound) -> None:
    """Print every problem on stdout, in the document of a command that found them instead of a result."""
    from alchemesh_cli.documents import echo_json

    echo_json("problems", {"problems": [problem.as_json() for problem in found.problems]})


def report_problems(found: ProblemsFound) -> None:
    """Report every problem on stderr, then their number."""
    from alchemesh_cli.terminal.seen import in_short, was_seen

    for problem in found.problems:
        known = problem.severity == "warning" and was_seen(problem)
        click.echo(in_short(problem) if known else f"{problem}\n", err=True)
    errors = sum(problem.severity == "error" for problem in found.problems)
    click.echo(f"{errors} {'problem' if errors == 1 else 'problems'}", err=True)
