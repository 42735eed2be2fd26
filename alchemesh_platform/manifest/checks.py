"""Checks that need the whole manifest: names are unique, and references name something that exists.

The checks read the document, not the product, and skip invalid values. So one run reports their problems together with
the problems of single values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from alchemesh_platform.base.names import PULUMI_PROJECT_MAX, product_address, project_name
from alchemesh_platform.base.packages.ranges import split_range
from alchemesh_platform.base.problems import LISTED_MAX, Problem, closest, did_you_mean
from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.documents.document import Node, Path, quoted, written
from alchemesh_platform.manifest.models import PRODUCT_INPUT_TYPE

CODE_NAME = "code"  # the name of the product's code among ports and needs
PORT_SECTIONS = ("input_ports", "infrastructure", "output_ports")


def check(tree: Node) -> list[Problem]:
    """Every problem that only the whole manifest shows, including warnings."""
    from alchemesh_platform.manifest.contract_checks import check_contract
    from alchemesh_platform.manifest.model_checks import check_models, check_schema

    problems = [*_names(tree), *_address(tree), *_repeated(tree, ("source_systems",)), *check_models(tree)]
    for place, port in tree.each("input_ports"):
        problems += _origin(tree, place, port)
        problems += check_schema(tree, place, port)
    for place, port in tree.each("output_ports"):
        problems += _repeated(tree, (*place, "models"))
        problems += _repeated(tree, (*place, "proxy", "protocols"))
        problems += _declared(tree, place, port)
        problems += check_contract(tree, place, port)
    return [*problems, *_unused(tree)]


def named(port: Node) -> str | None:
    """The name of a port or need, or None."""
    name = port.keys.get("name")
    return None if name is None else name.text


def _names(tree: Node) -> Iterator[Problem]:
    taken: dict[str, tuple[Path, Node]] = {}
    for section in PORT_SECTIONS:
        for place, port in tree.each(section):
            node, name = port.keys.get("name"), named(port)
            if node is None or name is None:
                continue
            path = (*place, "name")
            if name == CODE_NAME:
                yield Problem(
                    node.location,
                    written(path),
                    f"found {name!r}, expected another name",
                    "'code' is how the product's code is called among ports and needs",
                )
            elif name in taken:
                first, before = taken[name]
                yield Problem(
                    node.location,
                    written(path),
                    f"found {quoted(name)} twice, expected a unique name among the product's ports and needs",
                    f"{written(first)} has it at {before.location}",
                )
            else:
                taken[name] = (path, node)


def _address(tree: Node) -> Iterator[Problem]:
    domain, name = tree.get("domain"), tree.get("name")
    if domain is None or name is None or domain.text is None or name.text is None:
        return
    project = project_name(domain.text, name.text)
    if len(project) > PULUMI_PROJECT_MAX:
        yield Problem(
            name.location,
            "name",
            f"found {len(project)} characters in domain.product, expected at most {PULUMI_PROJECT_MAX}",
            "a Pulumi project is named <domain>.<product>: shorten one of the two",
        )


def _repeated(tree: Node, path: Path) -> Iterator[Problem]:
    listed = tree.get(*path)
    seen: dict[str, Node] = {}
    for index, item in enumerate(listed.items if listed is not None else ()):
        if item.text is None:
            continue
        if item.text in seen:
            yield Problem(
                item.location,
                written((*path, index)),
                f"found {quoted(item.text)} again, expected it once",
                f"it is already at {seen[item.text].location}",
            )
        seen.setdefault(item.text, item)


def _type_of(component: Node) -> str | None:
    """The component type at a place, without its range of versions."""
    return None if component.text is None else split_range(component.text)[0]


def _origin(tree: Node, place: Path, port: Node) -> Iterator[Problem]:
    """Check the origin of the data of an input port."""
    system, product = port.get("from", "source_system"), port.get("from", "data_product")
    component = port.keys.get("component")
    if system is not None and product is None:
        if system.text is not None:
            yield from _source_system(tree, (*place, "from", "source_system"), system)
        if component is None or component.value is None:
            yield Problem(
                port.location if component is None else component.location,
                written((*place, "component")),
                "found nothing, expected a component type, such as file-ingestion",
                remedy(
                    "the component ingests the data from the source system; {} shows all", command("components", "list")
                ),
            )
        elif _type_of(component) == PRODUCT_INPUT_TYPE:
            yield Problem(
                component.location,
                written((*place, "component")),
                f"found {PRODUCT_INPUT_TYPE!r} with a source system, expected a component type that ingests the data",
                f"{PRODUCT_INPUT_TYPE} reads another product: from: {{data_product: …, output_port: …}}",
            )
    if product is None or system is not None:
        return
    if component is not None and _type_of(component) not in {None, PRODUCT_INPUT_TYPE}:
        yield Problem(
            component.location,
            written((*place, "component")),
            f"found {quoted(str(component.text))} with a data product, expected no component",
            "leave it out: another product's output port is read the way that port offers",
        )
    domain, name = tree.get("domain"), tree.get("name")
    if domain is not None and name is not None and product.text == product_address(str(domain.text), str(name.text)):
        yield Problem(
            product.location,
            written((*place, "from", "data_product")),
            f"found {quoted(str(product.text))}, expected another product than this one",
            "what the product makes itself needs no input port",
        )


def _source_system(tree: Node, path: Path, system: Node) -> Iterator[Problem]:
    declared = _texts(tree.keys.get("source_systems"))
    if declared is not None and system.text not in declared:
        yield _undeclared(path, system, "a source system of this product", declared, "add it to source_systems")


def _declared(tree: Node, place: Path, port: Node) -> Iterator[Problem]:
    """Check the models that an output port exposes."""
    models = tree.keys.get("models")
    declared = list(models.keys) if models is not None else []
    listed = port.keys.get("models")
    for index, item in enumerate(listed.items if listed is not None else ()):
        if item.text is not None and item.text not in declared:
            yield _undeclared(
                (*place, "models", index), item, "a model of this product", declared, "declare it under models"
            )


def _unused(tree: Node) -> Iterator[Problem]:
    exposed = {
        item.text
        for _, port in tree.each("output_ports")
        for item in (port.keys["models"].items if "models" in port.keys else ())
    }
    exposed |= {port.keys["schema"].text for _, port in tree.each("input_ports") if "schema" in port.keys}
    models = tree.keys.get("models")
    for name, model in models.keys.items() if models is not None else ():
        if name not in exposed:
            yield Problem(
                model.key_location,
                written(("models", name)),
                "no output port exposes this model",
                "add it to the models of an output port, or leave it out",
                "warning",
            )


def _undeclared(path: Path, node: Node, what: str, declared: Iterable[str], remedy: str) -> Problem:
    known = list(declared)
    hint = f"{remedy}; there {'is' if len(known) == 1 else 'are'} {', '.join(known[:LISTED_MAX])}" if known else remedy
    if closest(str(node.text), known):
        hint = str(did_you_mean(str(node.text), known))
    return Problem(node.location, written(path), f"found {quoted(str(node.text))}, expected {what}", hint)


def _texts(listed: Node | None) -> list[str] | None:
    """The texts of a list. A value that is not a list yields nothing, since another check reports it."""
    if listed is None:
        return []
    return [item.text for item in listed.items if item.text is not None] if isinstance(listed.value, list) else None
