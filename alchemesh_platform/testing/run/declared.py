"""The resources and outputs that a component declares, without an engine."""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs, set_mocks
from pulumi.runtime.stack import run_pulumi_func

from alchemesh_platform.sdk.code.identity import CodeIdentity
from alchemesh_platform.sdk.consumer import Consumer
from alchemesh_platform.testing.cases import Case, CaseConsumer, CaseIdentity, in_folder
from alchemesh_platform.testing.run.wiring import wiring_of

if TYPE_CHECKING:
    from alchemesh_platform.sdk.component import Component
    from alchemesh_platform.sdk.spec import ComponentSpec

RUN_SECONDS = 60.0  # for all code of a component in one run
PROJECT, STACK = "conformance", "local"
SECRET_KEY = rpc._special_sig_key
SECRET = rpc._special_secret_sig
KNOWN_KEYS = frozenset({"kind", "format", "broker"})  # of a storage: words, which no provider computes


@dataclass(frozen=True, slots=True)
class DeclaredResource:
    """A resource that was declared.

    Args:
        type: Pulumi type.
        name: Its name.
        inputs: Its inputs; a secret is a mapping with Pulumi's mark.
        urn: Its URN.
        parent: URN of its parent; empty if it has none.
        retained: Whether its removal keeps the object.
        protected: Whether Pulumi refuses to delete it.
        ignored: Inputs whose changes are ignored.
        secret_outputs: Outputs that are marked as secret.
        dependencies: URNs of the resources that it depends on.
        aliases: Type and name of former resources that it continues; an empty type is the same one.
    """

    type: str
    name: str
    inputs: Mapping[str, Any]
    urn: str
    parent: str
    retained: bool = False
    protected: bool = False
    ignored: tuple[str, ...] = ()
    secret_outputs: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """Type and name."""
        return self.type, self.name

    @property
    def is_kept(self) -> bool:
        """Whether its object stays when the resource is removed."""
        return self.retained or self.protected or any(self.inputs.get(key) is True for key in KEPT_INPUTS)


KEPT_INPUTS = ("keepOnDelete", "keepOnDestroy", "deletionProtection", "deletionProtectionEnabled", "skipDestroy")


@dataclass(slots=True)
class Declared:
    """Everything that a component declared in one run.

    Args:
        urn: URN of the component.
        resources: All resources, without groups.
        groups: URN: parent, of each group (component resource).
        outputs: Values of the outputs.
        secret: Whether the outputs are marked as secret, by name.
    """

    urn: str = ""
    resources: list[DeclaredResource] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret: dict[str, bool] = field(default_factory=dict)
    returned: int = 0

    def by_key(self) -> dict[tuple[str, str], DeclaredResource]:
        """The resources by type and name."""
        return {resource.key: resource for resource in self.resources}

    def is_below(self, resource: DeclaredResource) -> bool:
        """Whether a resource is below the component."""
        parents = {each.urn: each.parent for each in self.resources} | self.groups
        urn, seen = resource.parent, set[str]()
        while urn and urn != self.urn and urn not in seen:
            seen.add(urn)
            urn = parents.get(urn, "")
        return urn == self.urn


def declare(
    spec: ComponentSpec,
    case: Case,
    folder: str,
    *,
    args: Mapping[str, Any] | None = None,
    admit: Sequence[CodeIdentity] = (),
    grants: Sequence[Consumer] = (),
    preview: bool = False,
) -> Declared:
    """Run the code of a component for a case, with stand-ins for the engine and the providers.

    Args:
        spec: The component.
        case: The case.
        folder: The folder of the case.
        args: Other arguments than those of the case.
        admit: Identities that get access by ``admit``.
        grants: Consumers that get access by ``grant``, in this order.
        preview: Whether this is a first preview: values that providers compute are unknown.

    Raises:
        Exception: whatever the code of the component raises.
    """
    declared = Declared()
    monitor = _Monitor(case, declared, folder, preview=preview)

    def program() -> pulumi.Output[None]:
        component = build(spec, case, folder, args=args, preview=preview)
        for identity in admit:
            component.admit(_unknown_name(identity) if preview else identity)
        for consumer in grants:
            declared.returned += len(list(component.grant(consumer)))
            list(component.principals(consumer))
        if (own := component.identity) is not None and not isinstance(own, CodeIdentity):
            raise TypeError(f"identity is a {type(own).__name__}, expected a CodeIdentity")
        for name, value in component.outputs.items():
            output = pulumi.Output.from_input(value)
            _keep(declared, name, output)
        return pulumi.Output.from_input(None)

    with environment(case.secrets.environment):
        _run(monitor, program, preview=preview)
    return declared


def build(
    spec: ComponentSpec,
    case: Case,
    folder: str,
    *,
    args: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    storage: Mapping[str, Any] | None = None,
    preview: bool = False,
) -> Component[Any, Any]:
    """The component of a case; call it inside a Pulumi program."""
    given = in_folder(case.wiring.storage if storage is None else storage, folder)
    return spec.component_class()(
        case.resource_name,
        spec.args_model().model_validate(in_folder(case.args if args is None else args, folder)),
        spec.settings_model().model_validate(in_folder(case.settings if settings is None else settings, folder)),
        wiring_of(case.wiring, folder, storage=_unknown(given) if preview else given),
    )


def identity_of(declared: CaseIdentity) -> CodeIdentity:
    """The identity of a case."""
    return CodeIdentity(declared.kind, declared.name, frozenset(declared.granted_needs))


def consumer_of(declared: CaseConsumer) -> Consumer:
    """The consumer of a case."""
    values = {name: getattr(declared, name) for name in type(declared).model_fields}
    identity = declared.identity
    return Consumer(**{**values, "identity": identity_of(identity) if identity is not None else None})


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables while the block runs."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_secret(value: object) -> bool:
    """Whether a value has Pulumi's mark of a secret."""
    return isinstance(value, Mapping) and value.get(SECRET_KEY) == SECRET


class _Monitor(MockMonitor):
    """Stands in for the engine: keeps each declared resource, and answers with the outputs of the case."""

    def __init__(self, case: Case, declared: Declared, folder: str, *, preview: bool) -> None:
        super().__init__(_NoMocks())
        self.case, self.declared, self.folder, self.preview = case, declared, folder, preview
        self._lock = threading.Lock()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        if parent and "pulumi:pulumi:Stack" not in parent:
            type_ = f"{parent.split('::')[2]}${type_}"
        return f"urn:pulumi:{STACK}::{PROJECT}::{type_}::{name}"

    def RegisterResource(self, request: Any) -> Any:
        from pulumi.runtime.proto import resource_pb2
        from pulumi.runtime.sync_await import _sync_await

        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        _loop_of_thread()
        inputs = rpc.deserialize_properties(request.object, keep_unknowns=False)
        inputs = {name: value for name, value in inputs.items() if value is not None}
        with self._lock:
            if request.custom:
                self.declared.resources.append(
                    DeclaredResource(
                        request.type,
                        request.name,
                        inputs,
                        urn,
                        request.parent,
                        retained=bool(request.retainOnDelete),
                        protected=bool(request.protect),
                        ignored=tuple(request.ignoreChanges),
                        secret_outputs=tuple(request.additionalSecretOutputs),
                        dependencies=tuple(request.dependencies),
                        aliases=tuple(_alias(each, request) for each in request.aliases),
                    )
                )
            else:
                self.declared.groups[urn] = request.parent
                self.declared.urn = self.declared.urn or urn  # the component registers itself first
        state = {**inputs, **({} if self.preview else self._computed(request.type))}
        answer = _sync_await(rpc.serialize_properties(state, {}))
        id_ = "" if self.preview or not request.custom else f"{request.name}-id"
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=answer)

    def Invoke(self, request: Any) -> Any:
        from pulumi.runtime.proto import resource_pb2

        return resource_pb2.ResourceInvokeResponse()

    def _computed(self, type_: str) -> dict[str, Any]:
        secret = self.case.secrets.outputs.get(type_, ())
        return {
            name: {SECRET_KEY: SECRET, "value": value} if name in secret else value
            for name, value in in_folder(self.case.computed.get(type_, {}), self.folder).items()
        }


def _alias(alias: Any, request: Any) -> tuple[str, str]:
    """Type and name of an alias, which names a URN, or only the parts that differ."""
    if alias.urn:
        *_, types, name = alias.urn.split("::")
        return types.rpartition("$")[2], name
    return alias.spec.type or request.type, alias.spec.name or request.name


class _NoMocks(pulumi.runtime.Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: Any) -> tuple[dict[str, Any], None]:
        return {}, None


def _keep(declared: Declared, name: str, output: pulumi.Output[Any]) -> None:
    async def kept() -> None:
        if await output.is_known():
            declared.outputs[name] = await output.future()
        declared.secret[name] = await output.is_secret()

    task = asyncio.ensure_future(kept())
    pulumi.runtime.settings.SETTINGS.outputs.add(task)


def _run(monitor: MockMonitor, program: Any, *, preview: bool) -> None:
    """Run a Pulumi program in a context and a thread of its own: nothing of a failed run reaches the next one."""
    failed: list[BaseException] = []

    def work() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(lambda _loop, _context: None)
        try:
            set_mocks(monitor.mocks, PROJECT, STACK, preview, monitor=monitor)
            settings = pulumi.runtime.settings.SETTINGS
            settings.rpc_manager.clear()
            settings.outputs.clear()
            loop.run_until_complete(run_pulumi_func(lambda: _awaited(program)))
        except BaseException as error:  # noqa: BLE001 reported by the caller, whatever the component raised
            failed.append(error)
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    # A daemon, so that a component that hangs does not keep the process.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), name="conformance", daemon=True)
    thread.start()
    thread.join(RUN_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f"it does not end within {RUN_SECONDS:g} s")
    if failed:
        raise failed[0]


async def _awaited(program: Any) -> None:
    await pulumi.Output.from_input(program()).future()


def _loop_of_thread() -> None:
    """Pulumi reads resource references with the event loop of the thread."""
    try:
        asyncio.get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(asyncio.new_event_loop())


def _unknown(value: Any, key: str = "") -> Any:
    """A storage's outputs as a first preview has them: the values that providers compute are unknown."""
    if isinstance(value, Mapping):
        return {name: _unknown(each, name) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_unknown(each, key) for each in value]
    return value if key in KNOWN_KEYS or not isinstance(value, str) else _unknown_output()


def _unknown_output() -> pulumi.Output[Any]:
    async def nothing() -> Any:
        return pulumi.output.Unknown()  # type: ignore[no-untyped-call]

    async def known() -> bool:
        return False

    return pulumi.Output(set(), asyncio.ensure_future(nothing()), asyncio.ensure_future(known()))


def _unknown_name(identity: CodeIdentity) -> CodeIdentity:
    return CodeIdentity(identity.kind, _unknown_output(), identity.granted_needs)


__all__ = ["Declared", "DeclaredResource", "declare"]
