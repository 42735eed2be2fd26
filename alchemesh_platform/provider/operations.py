"""The provider's operations on every resource type: check, diff, create, read, update, delete.

The engine aborts a whole run if a check or a diff fails. An unreachable server must not cause that. The step that
follows reports it and fails on its own, and the rest of the run continues.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import with_hint
from alchemesh_platform.base.secrets import MASK
from alchemesh_platform.provider.difference import Kind, difference, top_level
from alchemesh_platform.provider.handler import Context, Handler, NotDone, Unfinished
from alchemesh_platform.provider.inputs import Read, Refusal, aliases, dump, read_properties, with_defaults
from alchemesh_platform.provider.loss import Loss
from alchemesh_platform.provider.values import UNKNOWN, Secret, has_secret, has_unknown, masked, reveal

_IN_PLAIN_TEXT = "this would store a secret in plain text: refer to it by its name, {secret: NAME}"

AnyHandler = Handler[Any, Any]
Tree = Mapping[str, Any]


class Recorded(Failure):
    """Raised when a creation failed and the state must record a partial resource.

    Args:
        failed: The reason of the failure.
        identity: The id of the resource.
        state: The state of the resource, as far as it is known.
    """

    def __init__(self, failed: Failure, identity: str, state: Tree) -> None:
        self.identity = identity
        self.state = state
        super().__init__(failed.message, hint=failed.hint)


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs with defaults, and their problems."""

    inputs: Tree
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The effect of changed inputs. ``drift`` is an output that differs from the deployed resource."""

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    drift: str | None = None
    delete_before_replace: bool = False
    stable: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether the resource must change."""
        return bool(self.kinds) or self.drift is not None


def check(handler: AnyHandler, old_tree: Tree, tree: Tree, context: Context) -> Checked:
    """Check inputs and fill in defaults."""
    inputs = with_defaults(handler.inputs, tree)
    read: Read[Any] = read_properties(handler.inputs, inputs)
    refusals = read.refusals
    if handler.refuses_secrets:
        refusals += tuple(Refusal(name, _IN_PLAIN_TEXT) for name, value in inputs.items() if has_secret(value))
    if refusals or read.values is None or not read.complete:
        return Checked(inputs, refusals)
    old = read_properties(handler.inputs, old_tree).values if old_tree else None
    try:
        refusals = tuple(handler.check(read.values, old, context))
        if not refusals and old is not None:
            refusals = tuple(_lost_by_replacement(handler, old, read.values, context))
    except Failure as failure:
        _leave_to_the_step(failure, context)
        return Checked(inputs)
    context.unasked.pop(context.urn, None)
    return Checked(inputs, refusals)


def diff(handler: AnyHandler, old_inputs: Tree, old_state: Tree, new_inputs: Tree, context: Context) -> Difference:
    """Compare inputs. If they are equal, compare the record with the deployed resource."""
    model: type[BaseModel] = handler.inputs
    computed: type[BaseModel] = handler.outputs
    kinds = difference(with_defaults(model, old_inputs), new_inputs, by_name=handler.by_name)
    names = aliases(model)
    replacing = {names[name] for name in handler.replace_on}
    replaces = frozenset(path for path in kinds if top_level(path) in replacing)
    if replaces:
        return Difference(kinds, replaces, delete_before_replace=handler.delete_before_replace)
    drift = None
    if not kinds and not has_unknown(new_inputs):
        try:
            found = handler.drift(_inputs(handler, new_inputs), _outputs(handler, old_state), context)
        except Failure as failure:
            _leave_to_the_step(failure, context)
            found = None
        if found is not None:
            context.drifted(found)
            drift = {**names, **aliases(computed)}[found.property]
        elif context.urn in context.unasked:
            drift = next(iter(aliases(computed).values()), None)
    return Difference(kinds, drift=drift, stable=tuple(sorted(replacing)))


def create(handler: AnyHandler, inputs: Tree, context: Context) -> tuple[str, Tree]:
    """Create a resource.

    Returns:
        The id and the state of the resource; in a preview, as far as they are known.

    Raises:
        Recorded: when the creation failed and left a partial resource.
    """
    if context.preview:
        _report_unasked(context)
        return "", _planned(handler, inputs, None, context)
    values = _inputs(handler, inputs)
    try:
        return handler.identify(values), _state(handler, inputs, handler.create(values, context))
    except Unfinished as error:
        raise Recorded(error, handler.identify(values), _state(handler, inputs, error.outputs)) from error


def read(handler: AnyHandler, inputs: Tree, state: Tree, context: Context) -> tuple[str, Tree, Tree] | None:
    """Read the current properties of a resource.

    Returns:
        The id, inputs and state of the resource; None if it no longer exists.
    """
    if not inputs:
        raise NotDone(
            f"resources of type {handler.pulumi_type} are not imported",
            hint="declare it: `up` adopts an existing resource of the same owner",
        )
    values = _inputs(handler, inputs)
    found = handler.read(values, _outputs(handler, state), context)
    if found is None:
        return None
    new_values, outputs = found
    kept = _keeping(inputs, values, new_values)
    return handler.identify(new_values), kept, _state(handler, kept, outputs)


def update(handler: AnyHandler, old_inputs: Tree, old_state: Tree, inputs: Tree, context: Context) -> Tree:
    """Update a resource.

    Returns:
        The new state of the resource; in a preview, as far as it is known.
    """
    outputs = _outputs(handler, old_state)
    if context.preview:
        _report_unasked(context)
        return _planned(handler, inputs, outputs, context)
    done = handler.update(_inputs(handler, inputs), _lenient(handler, old_inputs), outputs, context)
    return _state(handler, inputs, done)


def delete(handler: AnyHandler, inputs: Tree, state: Tree, context: Context) -> None:
    """Delete a resource.

    Raises:
        NotDone: when this deletes data without permission.
    """
    values = _lenient(handler, inputs or state)
    if not context.delete_data and not context.permission().removals:
        lost = handler.loss(values, _silent(context))
        if lost is not None:
            context.lose_with_removal(_sentence(handler, values), lost)
    handler.delete(values, _outputs(handler, state), context)


def loss(handler: AnyHandler, inputs: Tree, context: Context) -> Loss | None:
    """The data that a removal of a deployed resource deletes; None if it keeps its data, or has none."""
    if type(handler).loss is Handler.loss:
        return None
    return handler.loss(_lenient(handler, inputs), _silent(context))


def land(handler: AnyHandler, inputs: Tree, context: Context) -> str | None:
    """Take in new data of a deployed resource; returns a sentence if there was any."""
    return handler.land(_lenient(handler, inputs), context)


def expire(handler: AnyHandler, inputs: Tree, context: Context) -> str | None:
    """Remove what is older than the retention of a deployed resource; returns a sentence if anything was."""
    if type(handler).expire is Handler.expire:  # the state of others may hold secrets, which only the engine decrypts
        return None
    return handler.expire(_lenient(handler, inputs), context)


def _lost_by_replacement(handler: AnyHandler, old: BaseModel, new: BaseModel, context: Context) -> Iterator[Refusal]:
    changed = sorted(name for name in handler.replace_on if getattr(old, name) != getattr(new, name))
    lost = handler.loss(old, _silent(context)) if changed else None
    if lost is not None:
        model: type[BaseModel] = handler.inputs
        yield from context.lose(aliases(model)[changed[0]], _sentence(handler, old), lost)


def _sentence(handler: AnyHandler, inputs: BaseModel) -> str:
    return f"the data of {handler.identify(inputs)} is deleted: `keep_on_destroy: false` is deployed for it"


def _silent(context: Context) -> Context:
    return replace(context, report=lambda _severity, _message: None)


def _leave_to_the_step(failure: Failure, context: Context) -> None:
    if context.stop.is_set():
        raise failure
    context.unasked[context.urn] = failure


def _report_unasked(context: Context) -> None:
    """Raise the failure in a preview, which has no later step that would report it."""
    if (failure := context.unasked.get(context.urn)) is not None:
        raise failure


def _inputs(handler: AnyHandler, tree: Tree) -> BaseModel:
    shown = masked(tree, MASK) if handler.keeps_plain_text else tree
    found: Read[BaseModel] = read_properties(handler.inputs, shown)
    if found.values is None:
        reasons = "; ".join(f"{refusal.property} {refusal.reason}" for refusal in found.refusals)
        raise NotDone(f"the inputs do not fit {handler.pulumi_type}: {reasons}")
    if not found.complete:
        raise NotDone(f"an input of {handler.pulumi_type} is still unknown")
    return found.values


def _lenient(handler: AnyHandler, tree: Tree) -> BaseModel:
    """Inputs that an earlier version may have written; unknown properties are left out."""
    model: type[BaseModel] = handler.inputs
    known = set(aliases(model).values())
    return _inputs(handler, {name: value for name, value in tree.items() if name in known})


def _outputs(handler: AnyHandler, state: Tree) -> BaseModel:
    """Outputs that an earlier version may have written; unreadable values are left out."""
    model: type[BaseModel] = handler.outputs
    plain = {}
    for name, alias in aliases(model).items():
        value = state.get(alias)
        plain[name] = None if has_unknown(value) else reveal(value)
    try:
        return model.model_validate(plain, by_alias=False, by_name=True)
    except ValueError:
        return model.model_construct(**plain)


def _state(handler: AnyHandler, inputs: Tree, outputs: BaseModel | Mapping[str, Any]) -> Tree:
    model: type[BaseModel] = handler.outputs
    names = aliases(model)
    if isinstance(outputs, BaseModel):
        computed = dump(outputs)
    else:
        computed = {names[name]: value for name, value in outputs.items()}
    if handler.secret_outputs is not None:
        hidden = {names[name] for name in handler.secret_outputs}
    else:  # an output that is computed from a secret may reveal it
        hidden = set(computed) if has_secret(inputs) else set()
    shown = {name: Secret(value) if name in hidden and value is not None else value for name, value in computed.items()}
    return {**inputs, **shown}


def _planned(handler: AnyHandler, inputs: Tree, outputs: BaseModel | None, context: Context) -> Tree:
    shown = masked(inputs, MASK) if handler.keeps_plain_text else inputs
    found: Read[BaseModel] = read_properties(handler.inputs, shown)
    known = handler.plan(found.values, outputs, context) if found.values is not None else {}
    return _state(handler, inputs, {name: known.get(name, UNKNOWN) for name in handler.outputs.model_fields})


def _keeping(tree: Tree, old: BaseModel, new: BaseModel) -> Tree:
    """New inputs, with the old spelling of equal values: secrets remain secret, and defaults remain unset."""
    before, now = dump(old), dump(new)
    kept = {alias: _kept(tree.get(alias), before[alias], now[alias]) for alias in aliases(type(new)).values()}
    return {alias: value for alias, value in kept.items() if value is not None}


def _kept(declared: Any, before: Any, now: Any) -> Any:
    if before == now:
        return declared
    if isinstance(declared, Secret):
        return Secret(_kept(declared.value, before, now))
    if isinstance(declared, Mapping) and isinstance(before, Mapping) and isinstance(now, Mapping):
        new = {name: _kept(declared.get(name), before.get(name), value) for name, value in now.items()}
        return {name: value for name, value in new.items() if value is not None}
    if isinstance(declared, list) and isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [_kept(*parts) for parts in zip(declared, before, now, strict=True)]
    return now


def explain(error: Failure) -> str:
    """A failure in the form that the engine shows."""
    return with_hint(error.message, error.hint)
