"""Operations on a foundation, with their questions: shared by `alchemesh platform` and `alchemesh domain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alchemesh_cli.documents import echo_json
from alchemesh_cli.render.run.events import showing
from alchemesh_cli.terminal.asking import confirm, confirm_possible
from alchemesh_cli.terminal.interrupts import interruptible
from alchemesh_platform.app.foundations import destroy, preview, refresh, up
from alchemesh_platform.base.failure import ExitCode

if TYPE_CHECKING:
    from alchemesh_platform.app.foundations import FoundationStack
    from alchemesh_platform.app.where import Where
    from alchemesh_platform.foundations.outcome import FoundationOutcome
    from alchemesh_platform.identity.identity import Identity


def preview_shown(stack: FoundationStack, where: Where, *, as_json: bool) -> int:
    """Preview a foundation; returns the exit code."""
    with interruptible() as cancel, showing(where, "preview", as_json=as_json) as shown:
        return _exit_code(preview(stack, listen=shown, cancel=cancel))


def up_shown(stack: FoundationStack, where: Where, *, as_json: bool, confirmed: bool) -> int:
    """Deploy a foundation, after a preview and a question unless it is confirmed; returns the exit code."""
    if not confirmed:
        confirm_possible()
    with interruptible() as cancel, showing(where, "up", as_json=as_json) as shown:
        ask = None if confirmed else lambda _preview: confirm("Deploy this?", confirmed=False)
        done = up(stack, _actor(stack), confirm=ask, listen=shown, cancel=cancel)
    if as_json and done.operation == "preview":  # nothing to deploy, or the preview failed
        echo_json("foundation", done.as_json())
    return _exit_code(done)


def refresh_shown(stack: FoundationStack, where: Where, *, as_json: bool, confirmed: bool) -> int:
    """Refresh a foundation, after a question unless it is confirmed; returns the exit code."""
    if not confirmed:
        confirm_possible()
    question = f"Record the current state of {stack.foundation.title}?"
    with interruptible() as cancel, showing(where, "refresh", as_json=as_json) as shown:
        ask = None if confirmed else lambda: confirm(question, confirmed=False)
        return _exit_code(refresh(stack, _actor(stack), confirm=ask, listen=shown, cancel=cancel))


def destroy_shown(
    stack: FoundationStack, where: Where, *, as_json: bool, confirmed: bool, delete_protected: bool
) -> int:
    """Remove a foundation, after a question unless it is confirmed; returns the exit code."""
    if not confirmed:
        confirm_possible()
    protected = " and its protected resources" if delete_protected else ""
    question = f"Remove {stack.foundation.title}{protected}?"
    with interruptible() as cancel, showing(where, "destroy", as_json=as_json) as shown:
        ask = None if confirmed else lambda: confirm(question, confirmed=False)
        return _exit_code(
            destroy(stack, _actor(stack), confirm=ask, delete_protected=delete_protected, listen=shown, cancel=cancel)
        )


def _actor(stack: FoundationStack) -> Identity:
    from alchemesh_platform.identity.identify import identify

    return identify(stack.platform)


def _exit_code(outcome: FoundationOutcome | None) -> int:
    return outcome.exit_code() if outcome is not None else ExitCode.FAILED
