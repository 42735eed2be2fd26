"""Construct a component for a program in any language: with its children, outputs, secrets and dependencies.

The SDK's own servicer changes settings of the whole process. Here each construction has a thread, an event loop and
settings of its own, so that many run at the same time, also in the process of an `alchemesh up`.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import pulumi
from pulumi.resource import DependencyProviderResource, DependencyResource
from pulumi.runtime import Settings, configure, set_all_config
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.rpc import serialize_properties
from pulumi.runtime.settings import SETTINGS, _load_monitor_feature_support
from pulumi.runtime.stack import ResourceRegistrationFailed, wait_for_rpcs

from alchemesh_platform import __version__
from alchemesh_platform.base.packages.extras import install_command, missing_extras
from alchemesh_platform.engine.run.program import (
    CHANNEL_OPTIONS,
    THREADS_PER_STEP,
    EngineMessages,
    Monitor,
    Registering,
    Registrations,
    settled,
)
from alchemesh_platform.engine.run.sdk_imports import SDK_IMPORTS
from alchemesh_platform.provider.components.inputs import (
    WIRING,
    Given,
    InvalidInputs,
    StillUnknown,
    names_of,
    read_inputs,
    secret_properties,
)
from alchemesh_platform.provider.components.names import Names
from alchemesh_platform.provider.components.schema import CONNECTION
from alchemesh_platform.provider.components.secrecy import mark_secrets, secrets_in
from alchemesh_platform.provider.handler import PACKAGE, NotDone
from alchemesh_platform.provider.inputs import Refusal
from alchemesh_platform.provider.values import UNKNOWN, Secret, decode_map, encode_map
from alchemesh_platform.sdk.component import Component
from alchemesh_platform.sdk.objection import objected
from alchemesh_platform.sdk.system.resource import camel_case

if TYPE_CHECKING:
    from alchemesh_platform.sdk.spec import ComponentSpec

Report = Callable[[str, str, str], None]


class Calls(dict[tuple[str, str], grpc.Future]):
    """Running registrations, by type and name of the resource. Once cancelled, those that are added are cancelled too.

    The engine may know a registration before it is added here.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cancelled = False

    def __setitem__(self, name: tuple[str, str], call: grpc.Future) -> None:
        super().__setitem__(name, call)
        if self._cancelled:
            call.cancel()

    def cancel(self) -> None:
        """Cancel all registrations, and those that follow."""
        self._cancelled = True
        for call in list(self.values()):
            call.cancel()


@dataclass(slots=True, eq=False)
class Construction:
    """One construction.

    Args:
        spec: The component.
        request: The request of the engine.
        engine_address: Address of the engine, for messages.
        report: Sends a message to the user: a severity, a sentence, a URN.
    """

    spec: ComponentSpec
    request: Any
    engine_address: str
    report: Report
    _registering: Calls = field(default_factory=Calls)

    def run(self) -> Any:
        """Construct the component; returns the engine's response.

        Raises:
            InvalidInputs: when a property is invalid; names every invalid property.
            Failure: when the component fails.
        """
        return contextvars.copy_context().run(self._run)

    def cancel(self) -> None:
        """Stop waiting for the registration of children."""
        self._registering.cancel()

    def _run(self) -> Any:
        request = self.request
        inputs = in_order(decode_map(request.inputs))
        given = read_inputs(self.spec, inputs, request.name, request.project, request.stack)
        if isinstance(given, Given):
            _check(self.spec, given, request.name, secret_properties(inputs))
        with (
            grpc.insecure_channel(request.monitorEndpoint, options=CHANNEL_OPTIONS) as monitor,
            grpc.insecure_channel(self.engine_address, options=CHANNEL_OPTIONS) as engine,
        ):
            registrations = Registrations()  # type: ignore[no-untyped-call]
            secrets = secrets_in(inputs)
            configure(
                Settings(
                    project=request.project,
                    stack=request.stack,
                    organization=request.organization or "organization",
                    parallel=request.parallel,
                    dry_run=request.dryRun,
                    monitor=_Monitor(monitor, registrations, self._registering, _depended_on(request), secrets),
                    engine=EngineMessages(engine),
                )
            )
            SETTINGS.rpc_manager = registrations
            set_all_config(dict(request.config), list(request.configSecretKeys))
            loop = asyncio.new_event_loop()
            loop.set_default_executor(ThreadPoolExecutor(max(request.parallel, 1) * THREADS_PER_STEP))
            loop.set_exception_handler(lambda _loop, _context: None)  # the resource of an output reports its failure
            try:
                return loop.run_until_complete(self._constructed(given, secrets))
            except ResourceRegistrationFailed as failed:
                raise NotDone(
                    f"{self.spec.name} {request.name!r} is incomplete: {failed}",
                    hint="the error of that resource is above; fix it, and run `pulumi up` again: it resumes",
                ) from failed
            finally:
                for task in asyncio.all_tasks(loop):
                    task.cancel()
                loop.run_until_complete(settled(loop))
                loop.run_until_complete(loop.shutdown_default_executor())
                loop.close()

    async def _constructed(self, given: Given | StillUnknown, secrets: frozenset[str | int | float]) -> Any:
        await _load_monitor_feature_support()  # type: ignore[no-untyped-call]
        if isinstance(given, StillUnknown):
            return await self._without_children(given.properties)
        with SDK_IMPORTS:
            outputs_names = Names(self.spec.outputs_model().model_json_schema(by_alias=True, mode="serialization"))
            made: Component[Any, Any] = _named(self.spec.component_class(), outputs_names)(
                self.request.name, given.args, given.settings, given.wiring, _options(self.request)
            )
        await asyncio.sleep(0)
        await wait_for_rpcs()
        depended_on: dict[str, list[pulumi.Resource]] = {}
        state = await serialize_properties(for_program(outputs_names, made.outputs), depended_on)
        mark_secrets(state, secrets)
        urns = {name: [await urn for one in found if (urn := one.urn.future())] for name, found in depended_on.items()}
        return provider_pb2.ConstructResponse(
            urn=await made.urn.future() or "",
            state=state,
            stateDependencies={
                name: provider_pb2.ConstructResponse.PropertyDependencies(urns=sorted({urn for urn in found if urn}))
                for name, found in urns.items()
            },
        )

    async def _without_children(self, unknown: tuple[str, ...]) -> Any:
        """In a preview: the component alone, because its children depend on values that are still unknown."""
        spec = self.spec
        alone = pulumi.ComponentResource(spec.pulumi_type, self.request.name, None, _options(self.request))
        await asyncio.sleep(0)
        await wait_for_rpcs()
        urn = await alone.urn.future() or ""
        self.report(
            "warning",
            f"{', '.join(unknown)} of {spec.name} {self.request.name!r} is unknown before other resources are "
            "deployed: this preview cannot show the component's resources",
            urn,
        )
        names = [*map(camel_case, spec.outputs_model().model_fields), CONNECTION]
        return provider_pb2.ConstructResponse(urn=urn, state=encode_map(dict.fromkeys(names, UNKNOWN)))


class _Monitor(Monitor):
    """Registers the children of a component: with the dependencies of its inputs, and with their secrets marked."""

    def __init__(
        self,
        channel: grpc.Channel,
        registrations: Registrations,
        registering: Registering,
        depended_on: frozenset[str],
        secrets: frozenset[str | int | float],
    ) -> None:
        super().__init__(channel, registrations, registering)
        register, register_outputs = self.RegisterResource, self.RegisterResourceOutputs

        def register_marked(request: Any, *args: Any, **kwargs: Any) -> Any:
            mark_secrets(request.object, secrets)
            if request.custom:
                request.dependencies.extend(sorted(depended_on - set(request.dependencies)))
                if request.type.startswith(f"{PACKAGE}:") and not request.version:
                    request.version = __version__  # the provider that constructs it, not a second process
            return register(request, *args, **kwargs)

        def register_marked_outputs(request: Any, *args: Any, **kwargs: Any) -> Any:
            mark_secrets(request.outputs, secrets)
            return register_outputs(request, *args, **kwargs)

        self.RegisterResource = register_marked
        self.RegisterResourceOutputs = register_marked_outputs


def for_program(names: Names, outputs: Mapping[str, Any]) -> dict[str, pulumi.Input[Any]]:
    """The outputs of a component with the names of programs, and the output that contains all of them.

    Args:
        outputs: The outputs with the component's own names, which the wiring of other components uses.
    """
    renamed: dict[str, pulumi.Input[Any]] = {
        camel_case(name): pulumi.Output.from_input(value).apply(partial(names.to_program, field=name))
        for name, value in outputs.items()
    }
    whole = pulumi.Output.from_input(dict(outputs)).apply(
        lambda found: {name: value for name, value in found.items() if value is not None}
    )
    return {**renamed, CONNECTION: whole}


def in_order(tree: Any) -> Any:
    """Properties in alphabetical order: maps of the protocol have none, so every run would have another one."""
    if isinstance(tree, Mapping):
        return {name: in_order(tree[name]) for name in sorted(tree)}
    if isinstance(tree, Secret):
        return Secret(in_order(tree.value))
    return [in_order(item) for item in tree] if isinstance(tree, list) else tree


def _named(component: type[Component[Any, Any]], names: Names) -> type[Component[Any, Any]]:
    """The class of a component, whose outputs have in the state the names that programs know."""

    def register_outputs(self: Component[Any, Any], outputs: Mapping[str, Any]) -> None:
        component.register_outputs(self, for_program(names, outputs))

    return type(component.__name__, (component,), {"register_outputs": register_outputs})


def _check(spec: ComponentSpec, given: Given, name: str, secret: frozenset[str]) -> None:
    """Check that the component can be deployed as it is used.

    Args:
        secret: Names of the properties that contain secrets.

    Raises:
        NotDone: when libraries that its deployment needs are not installed.
        InvalidInputs: with the objections of the component.
    """
    if missing := missing_extras(spec.extras):
        raise NotDone(
            f"{spec.name} {name!r} needs libraries that are not installed beside the plugin: {', '.join(missing)}",
            hint=f"run `{install_command(*missing)}` in the Python environment of pulumi-resource-{PACKAGE}",
        )
    references = [reference for reference in (spec.check, spec.look) if reference]
    refusals = [refusal for reference in references for refusal in _objected(spec, reference, given)]
    if refusals:
        raise InvalidInputs(f"{spec.name} {name!r} cannot be deployed like this", tuple(refusals), secret)


def _objected(spec: ComponentSpec, reference: str, given: Given) -> Iterator[Refusal]:
    names = names_of(spec)
    for objection in objected(spec, reference, given.args, given.settings, given.wiring):
        steps: dict[str, tuple[str | int, ...]] = {
            "args": objection.path,
            "name": (WIRING, "port"),
            "models": (WIRING, "models", *objection.path),
        }
        reason = f"{objection.message}; {objection.hint}" if objection.hint else objection.message
        yield Refusal(names.path(steps.get(objection.at, (WIRING,))), reason)


def _options(request: Any) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(
        parent=DependencyResource(request.parent) if request.parent else None,
        aliases=[_alias(alias) for alias in request.aliases],
        depends_on=[DependencyResource(urn) for urn in request.dependencies],
        protect=request.protect,  # the engine has asked the parent already
        providers={package: DependencyProviderResource(reference) for package, reference in request.providers.items()},
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        ignore_changes=list(request.ignoreChanges) or None,
    )


def _alias(alias: Any) -> str | pulumi.Alias:
    if alias.urn:
        return str(alias.urn)
    spec = alias.spec
    named = {"name": spec.name, "type_": spec.type, "stack": spec.stack, "project": spec.project}
    given: dict[str, Any] = {key: value for key, value in named.items() if value}
    if spec.parentUrn:
        given["parent"] = spec.parentUrn
    elif spec.noParent:
        given["parent"] = None
    return pulumi.Alias(**given)


def _depended_on(request: Any) -> frozenset[str]:
    """URNs of the resources that the component's inputs, or its options, depend on."""
    of_inputs = (urn for found in request.inputDependencies.values() for urn in found.urns)
    return frozenset([*of_inputs, *request.dependencies])
