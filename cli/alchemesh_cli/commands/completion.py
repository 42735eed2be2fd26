"""`alchemesh completion`: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    Examples:
      eval "$(alchemesh completion bash)"                          # this shell
      alchemesh completion fish > ~/.config/fish/completions/alchemesh.fish
    """
    from alchemesh_cli.main import alchemesh

    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(completion(alchemesh, {}, "alchemesh", "_ALCHEMESH_COMPLETE").source())
