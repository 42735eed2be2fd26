"""The answers to the template's questions: checked, and completed from the catalogue."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.names import NAME_MAX, NAME_PATTERN
from alchemesh_platform.base.problems import did_you_mean
from alchemesh_platform.base.remedy import Command, remedy
from alchemesh_platform.catalog.discover import Catalog
from alchemesh_platform.documents.patterns import RULES, corrected
from alchemesh_platform.sdk.spec import ComponentSpec, Role

Form = Literal["tables", "files", "landing", "api", "job"]
Pipeline = Literal["github", "gitlab"]

# The roles of a product, as the command line names them.
ROLES = {
    "storage": Role.STORAGE,
    "proxy": Role.PROXY,
    "input-port": Role.INPUT_PORT,
    "infrastructure": Role.INFRASTRUCTURE,
    "code": Role.CODE,
}
# The forms of the template for each role, by the connection that the component provides. The first is the default.
FORMS: dict[str, dict[str, Form]] = {
    "storage": {"TablesConnection": "tables", "FilesConnection": "files"},
    "proxy": {"DataApiConnection": "api"},
    "input-port": {"FilesConnection": "landing"},
    "infrastructure": {"FilesConnection": "files"},
    "code": {"JobConnection": "job"},
}
# Folders and modules of the package that is written, and of the platform.
_RESERVED = {"tests", "docs", "example", "test", "src", "conftest", "alchemesh"}

_SEE_ALL = Command(("components", "list"))


class BadAnswer(Failure):
    """Raised when a name, a type or another answer cannot be used."""

    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of a person, as ``copier.yml`` asks for them."""

    component: str
    role: str
    component_type: str
    form: Form
    owner: str
    ci: Pipeline
    platform_version: str

    def as_dict(self) -> dict[str, str]:
        """The answers by the names of the questions."""
        return asdict(self)


def answers_of(
    name: str, role: str, component_type: str | None, catalog: Catalog, *, owner: str, ci: Pipeline, version: str
) -> Answers:
    """Check the answers of a person.

    Args:
        name: Name of the component.
        role: One of ``ROLES``.
        component_type: The existing type that it implements; None for a type of its own, with its name.
        catalog: The installed components.
        owner: Name of the team that maintains it.
        ci: The service that runs the package's pipeline.
        version: Version of the platform.

    Raises:
        BadAnswer: when a name is not valid or taken, or when the type is unknown or does not fit the role.
    """
    _check_form_of_name("the component", name)
    _check_form_of_name("--owner", owner)
    _check_module(name)
    if name in catalog:
        raise BadAnswer(
            f"component {name!r} exists already",
            hint=remedy("use another name, such as 'acme-{}'; {} shows all", name, _SEE_ALL),
        )
    specs, _ = catalog.loaded()
    if component_type is None:
        if any(spec.component_type == name for spec in specs):
            raise BadAnswer(
                f"{name!r} is a component type already",
                hint=f"use another name, and add `--type {name}` to implement that type",
            )
        form = next(iter(FORMS[role].values()))
    else:
        form = _form_of_type(component_type, role, specs)
    return Answers(name, role, component_type or name, form, owner, ci, version)


def _form_of_type(component_type: str, role: str, specs: Sequence[ComponentSpec]) -> Form:
    fitting = sorted({spec.component_type for spec in specs if ROLES[role] in spec.roles and _form(role, spec)})
    implementing = [spec for spec in specs if spec.component_type == component_type]
    if not implementing:
        raise BadAnswer(
            f"--type: unknown component type {component_type!r}, expected one for a {ROLES[role]}",
            hint=did_you_mean(
                component_type, fitting, otherwise="leave out `--type` for a new type with the component's name"
            ),
        )
    in_role = [spec for spec in implementing if ROLES[role] in spec.roles]
    if not in_role:
        actual = implementing[0].roles[0]
        option = next((f"`--role {name}`, or " for name, each in ROLES.items() if each is actual), "")
        raise BadAnswer(
            f"--type: {component_type!r} is a type for a {actual}, expected one for a {ROLES[role]}",
            hint=f"use {option}one of these types: {', '.join(fitting)}",
        )
    forms = [form for spec in in_role if (form := _form(role, spec)) is not None]
    if not forms:
        kind = in_role[0].outputs.rpartition(":")[2]
        raise BadAnswer(
            f"--type: there is no template for {component_type!r}, whose components provide a {kind}",
            hint=f"use one of these types: {', '.join(fitting)}; or leave out `--type`, and change the type, the "
            "outputs and the resources in the package",
        )
    return forms[0]


def _form(role: str, spec: ComponentSpec) -> Form | None:
    return FORMS[role].get(spec.outputs.rpartition(":")[2])


def _check_form_of_name(what: str, name: str) -> None:
    if re.fullmatch(NAME_PATTERN, name) is not None and len(name) <= NAME_MAX:
        return
    from alchemesh_platform.documents.document import quoted

    better = corrected(NAME_PATTERN, name)
    raise BadAnswer(
        f"{what}: found {quoted(name)}, expected {RULES[NAME_PATTERN].words}, of at most {NAME_MAX} characters",
        hint=f"did you mean {better!r}?" if better and len(better) <= NAME_MAX else "for example acme-table",
    )


def _check_module(name: str) -> None:
    """Check that Python can import the package by its name, and that the name hides no other module."""
    module = name.replace("-", "_")
    if keyword.iskeyword(module) or module in sys.stdlib_module_names:
        taken = "of Python's own"
    elif module in _RESERVED:
        taken = "that the package or the platform uses itself"
    elif importlib.util.find_spec(module) is not None:
        taken = "of an installed package"
    else:
        return
    raise BadAnswer(
        f"the module {module!r} of component {name!r} would have a name {taken}",
        hint=f"use another name, such as 'acme-{name}'",
    )
