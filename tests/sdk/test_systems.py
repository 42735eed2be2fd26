"""Finding systems of installed packages: real packages, in a separate folder."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from alchemesh_platform.base.packages.installed import EntryPoint
from alchemesh_platform.provider.catalog import handlers_of
from alchemesh_platform.provider.handler import NotDone
from alchemesh_platform.registration.systems import GROUP, BrokenSystem, installed_systems, systems_of
from tests.builtin import ROOT, builtin_catalog
from tests.sdk.site import install, systems_in

SYSTEM = """
from alchemesh_platform.sdk.system.system import System
SYSTEM = System(name={name!r}, summary="A queue.", handlers={handlers!r})
"""
HANDLER = """
from alchemesh_platform.provider.handler import Handler
from alchemesh_platform.provider.inputs import Properties
class Inputs(Properties):
    pass
class QueueHandler(Handler[Inputs, Inputs]):
    pulumi_type = {type!r}
    summary = "A queue."
    inputs = Inputs
    outputs = Inputs
    def identify(self, inputs):
        return "queue"
    def create(self, inputs, context):
        return inputs
    def read(self, inputs, outputs, context):
        return inputs, outputs
    def update(self, inputs, old_inputs, outputs, context):
        return outputs
    def delete(self, inputs, outputs, context):
        pass
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def system(name: str, **handlers: str) -> str:
    """A module with a system; the caller names a handler by its type without package and system."""
    return SYSTEM.format(name=name, handlers={f"alchemesh:{name}:{type_}": value for type_, value in handlers.items()})


def test_systems_of_this_project_are_all_installed() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    found = systems_of(EntryPoint(name, value, "alchemesh-platform") for name, value in declared.items())
    assert (list(found), found.broken) == (list(installed_systems()), ())
    assert [each.name for each in found] == sorted(declared)


def test_a_third_party_handler_serves_its_type(site: Path) -> None:
    install(
        site,
        "acme-queue",
        {
            "acme_q": system("acme", Queue="acme_qh:QueueHandler"),
            "acme_qh": HANDLER.format(type="alchemesh:acme:Queue"),
        },
        {"acme": "acme_q:SYSTEM"},
    )
    handlers = handlers_of(systems_in(site))
    assert list(handlers.by_type) == ["alchemesh:acme:Queue"]
    assert "acme_qh" not in sys.modules
    assert handlers.of("alchemesh:acme:Queue").summary == "A queue."


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("sys_fails", "raise RuntimeError('no licence')", "cannot be loaded: RuntimeError: no licence"),
        ("sys_empty", "", "cannot be loaded: AttributeError"),
        ("sys_exits", "import sys; sys.exit(7)", "cannot be loaded: SystemExit: 7"),
        ("sys_other", "SYSTEM = 3", "is a int, expected a System"),
        ("sys_name", system("another"), "has the name 'another', expected the name of its entry point"),
    ],
)
def test_broken_system_names_its_package_and_does_not_hide_the_others(
    site: Path, module: str, text: str, said: str
) -> None:
    install(site, "acme-good", {f"{module}_good": system("good")}, {"good": f"{module}_good:SYSTEM"})
    install(site, "acme-bad", {module: text}, {"bad": f"{module}:SYSTEM"})
    found = systems_in(site)
    assert [each.name for each in found] == ["good"]
    (failure,) = found.broken
    assert failure.message.startswith(f"system 'bad' of package acme-bad ({module}:SYSTEM) {said}")
    assert "acme-bad" in (failure.hint or "")


def test_two_systems_of_one_name_are_reported_with_both_packages(site: Path) -> None:
    install(site, "acme-one", {"twice_one": system("twice")}, {"twice": "twice_one:SYSTEM"})
    install(site, "acme-two", {"twice_two": system("twice")}, {"twice": "twice_two:SYSTEM"})
    install(site, "acme-three", {"twice_three": system("three")}, {"three": "twice_three:SYSTEM"})
    found = systems_in(site)
    assert [each.name for each in found] == ["three"]
    (failure,) = found.broken
    assert failure.message == "system 'twice' is offered more than once, by acme-one and acme-two"
    assert failure.hint == "a name belongs to one package: uninstall one of them, or have its author rename it"


@pytest.mark.parametrize(
    ("module", "text", "said"),
    [
        ("handler_fails", "import no_such_driver", "cannot be loaded from handler_fails:QueueHandler: ModuleNotFound"),
        ("handler_exits", "import sys; sys.exit(7)", "cannot be loaded from handler_exits:QueueHandler: SystemExit: 7"),
        ("handler_other", "QueueHandler = 3", "(handler_other:QueueHandler) is no Handler class"),
        (
            "handler_type",
            HANDLER.format(type="alchemesh:acme:Topic"),
            "(handler_type:QueueHandler) has the resource type alchemesh:acme:Topic, expected alchemesh:acme:Queue",
        ),
    ],
)
def test_handler_that_cannot_be_used_is_reported_when_its_type_is_used(
    site: Path, module: str, text: str, said: str
) -> None:
    good = f"{module}_good"
    declared = system("acme", Queue=f"{module}:QueueHandler", Good=f"{good}:QueueHandler")
    modules = {f"{module}_system": declared, module: text, good: HANDLER.format(type="alchemesh:acme:Good")}
    install(site, "acme-queue", modules, {"acme": f"{module}_system:SYSTEM"})
    handlers = handlers_of(systems_in(site))
    with pytest.raises(BrokenSystem) as raised:
        handlers.of("alchemesh:acme:Queue")
    assert raised.value.message.startswith(
        f"handler 'alchemesh:acme:Queue' of system 'acme', package acme-queue {said}"
    )
    assert [type_ for type_, _ in handlers.usable()] == ["alchemesh:acme:Good"]


def test_handler_outside_its_system_is_refused(site: Path) -> None:
    handlers = {"alchemesh:local:Queue": "outside_h:QueueHandler"}
    modules = {"outside": SYSTEM.format(name="acme", handlers=handlers), "outside_h": HANDLER.format(type="x")}
    install(site, "acme-queue", modules, {"acme": "outside:SYSTEM"})
    with pytest.raises(BrokenSystem, match=r"outside its system, expected alchemesh:acme:Type"):
        handlers_of(systems_in(site)).of("alchemesh:local:Queue")


def test_missing_type_names_the_systems_that_are_broken(site: Path) -> None:
    install(site, "acme-bad", {"missing_bad": "raise RuntimeError('no licence')"}, {"bad": "missing_bad:SYSTEM"})
    with pytest.raises(NotDone) as raised:
        handlers_of(systems_in(site)).of("alchemesh:bad:Queue")
    assert raised.value.message == "there is no resource type alchemesh:bad:Queue"
    assert "system 'bad' of package acme-bad" in (raised.value.hint or "")


def test_identities_that_components_require_are_registered() -> None:
    required = {spec.required_identity for spec in builtin_catalog().values() if spec.required_identity}
    assert required <= {kind for each in installed_systems() for kind in each.identities}
