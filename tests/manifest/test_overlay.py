"""Merging one document over another: the result, and the place of each value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.documents.document import Node, merge, node_of
from alchemesh_platform.manifest.load import UnknownEnvironmentName, load_manifest, overlays
from tests.manifest.documents import COMPLETE, written

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
KEYS = st.sampled_from(["a", "b", "c", "name"])
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(KEYS, inner, max_size=3)
            | st.lists(
                st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2).flatmap(
                    lambda item: st.sampled_from(["x", "y", "z"]).map(lambda name: {"name": name, **item})
                ),
                max_size=3,
                unique_by=lambda item: item["name"],
            )
        ),
        max_leaves=8,
    ),
    max_size=4,
)
# Documents of one shape: mappings all the way down, and lists of named things with at least one item.
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "a": SCALARS,
        "b": st.dictionaries(KEYS, SCALARS, max_size=3),
        "ports": st.dictionaries(
            st.sampled_from(["x", "y", "z"]), st.dictionaries(st.sampled_from(["p", "q"]), SCALARS), min_size=1
        ).map(lambda named: [{"name": name, **rest} for name, rest in named.items()]),
    },
)


def merged(*documents: Any) -> Any:
    tree = node_of(documents[0], "0")
    for index, document in enumerate(documents[1:], start=1):
        tree = merge(tree, node_of(document, str(index)))
    return tree.plain()


@given(DOCUMENTS)
def test_merging_an_empty_document_changes_nothing(document: dict[str, Any]) -> None:
    assert merged(document, {}) == document
    assert merged({}, document) == document


@given(DOCUMENTS)
def test_merging_a_document_with_itself_changes_nothing(document: dict[str, Any]) -> None:
    assert merged(document, document) == document


@given(DOCUMENTS, DOCUMENTS)
def test_merging_is_idempotent(base: dict[str, Any], over: dict[str, Any]) -> None:
    assert merged(base, over, over) == merged(base, over)


@given(DOCUMENTS, DOCUMENTS)
def test_keys_are_those_of_both_in_the_order_of_the_base(base: dict[str, Any], over: dict[str, Any]) -> None:
    assert list(merged(base, over)) == [*base, *(key for key in over if key not in base)]


@given(SHAPED, SHAPED, SHAPED)
def test_merging_layers_of_one_shape_is_associative(
    base: dict[str, Any], middle: dict[str, Any], top: dict[str, Any]
) -> None:
    assert merged(merged(base, middle), top) == merged(base, merged(middle, top))


@given(DOCUMENTS, DOCUMENTS)
def test_every_scalar_has_the_place_of_its_own_file(base: dict[str, Any], over: dict[str, Any]) -> None:
    def scalars(node: Node, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Node]]:
        below = [*node.keys.items(), *enumerate(node.items)]
        return [found for step, child in below for found in scalars(child, (*path, step))] if below else [(path, node)]

    tree = merge(node_of(base, "base"), node_of(over, "over"))
    for _, node in scalars(tree):
        source = base if node.file == "base" else over
        assert repr(node.value) in repr(source)


def test_lists_of_named_things_merge_by_name_and_others_are_replaced() -> None:
    base = {"ports": [{"name": "a", "x": 1}, {"name": "b"}], "tags": ["x", "y"], "mixed": [{"name": "a"}, 1]}
    over = {"ports": [{"name": "c"}, {"name": "a", "y": 2}], "tags": ["z"], "mixed": [{"name": "a", "z": 1}]}
    assert merged(base, over) == {
        "ports": [{"name": "a", "x": 1, "y": 2}, {"name": "b"}, {"name": "c"}],
        "tags": ["z"],
        "mixed": [{"name": "a", "z": 1}],
    }


def test_null_and_an_empty_list_remove_values() -> None:
    assert merged({"a": {"b": 1}, "ports": [{"name": "a"}]}, {"a": None, "ports": []}) == {"a": None, "ports": []}


def test_a_product_reads_differently_in_each_environment(tmp_path: Path) -> None:
    manifest = tmp_path / "alchemesh.yaml"
    manifest.write_text(written(COMPLETE))
    (tmp_path / "alchemesh.prod.yaml").write_text(
        "input_ports:\n  - {name: departures, args: {path: /srv/*.csv}}\n"
        "output_ports:\n  - name: flights-table\n    contract: {access: restricted}\n"
    )
    base, prod, dev = (load_manifest(manifest, environment) for environment in (None, "prod", "dev"))
    assert base.product == dev.product
    assert prod.product.input_ports[0].args == {"path": "/srv/*.csv"}
    contract = prod.product.output_ports[0].contract
    assert contract is not None
    assert (contract.access, contract.version) == ("restricted", "2.0.0")
    assert prod.files == (manifest, tmp_path / "alchemesh.prod.yaml")
    assert prod.locate(("input_ports", 0, "args", "path")).file.endswith("alchemesh.prod.yaml")
    assert prod.locate(("input_ports", 0, "component")).file.endswith("alchemesh.yaml")


def test_a_contract_file_and_an_overlay_go_together(tmp_path: Path) -> None:
    document = {**COMPLETE, "output_ports": [{**COMPLETE["output_ports"][0], "contract": "contracts/table.yaml"}]}
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "table.yaml").write_text(written(COMPLETE["output_ports"][0]["contract"]))
    (tmp_path / "alchemesh.yaml").write_text(written(document))
    (tmp_path / "alchemesh.prod.yaml").write_text(
        "output_ports:\n  - {name: flights-table, contract: {access: public}}"
    )
    loaded = load_manifest(tmp_path / "alchemesh.yaml", "prod")
    contract = loaded.product.output_ports[0].contract
    assert contract is not None
    assert (contract.access, contract.version) == ("public", "2.0.0")
    assert loaded.locate(("output_ports", 0, "contract", "version")).file.endswith("contracts/table.yaml")
    assert len(loaded.files) == 3


def test_overlays_next_to_a_manifest_are_found(tmp_path: Path) -> None:
    for name in ("alchemesh.yaml", "alchemesh.prod.yaml", "alchemesh.Not_A_Name.yaml", "alchemesh..yaml", "other.yaml"):
        (tmp_path / name).write_text("")
    assert overlays(tmp_path / "alchemesh.yaml") == {"prod": tmp_path / "alchemesh.prod.yaml"}


@pytest.mark.parametrize("environment", ["../secret", "", "Prod", "a/b"])
def test_invalid_environment_name_reads_no_file(tmp_path: Path, environment: str) -> None:
    (tmp_path / "alchemesh.yaml").write_text(written(COMPLETE))
    with pytest.raises(UnknownEnvironmentName, match="expected the name of an environment"):
        load_manifest(tmp_path / "alchemesh.yaml", environment)
