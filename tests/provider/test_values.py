"""Property values on the wire."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from alchemesh_platform.provider.values import (
    UNKNOWN,
    Secret,
    decode,
    decode_map,
    encode,
    encode_map,
    has_secret,
    has_unknown,
    masked,
    reveal,
)

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(), st.just(UNKNOWN)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(max_size=5), inner, max_size=4),
        st.builds(Secret, inner),
    ),
    max_leaves=12,
)


@given(TREES)
def test_a_value_survives_a_round_trip(tree: Any) -> None:
    assert decode(encode(tree)) == tree


def test_whole_numbers_are_integers_and_others_are_not() -> None:
    assert [type(decode(encode(number))) for number in (5433, 0.4, 2.0**60)] == [int, float, float]


@pytest.mark.parametrize(
    "marker",
    [rpc.UNKNOWN, "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"],
)
def test_every_marker_of_the_engine_is_unknown(marker: str) -> None:
    assert decode(struct_pb2.Value(string_value=marker)) is UNKNOWN


def test_an_output_value_with_omitted_fields_is_read() -> None:
    """The SDK's own reader fails on one with no value, or with no dependencies."""

    def output(**fields: struct_pb2.Value) -> struct_pb2.Value:
        signature = {rpc._special_sig_key: struct_pb2.Value(string_value=rpc._special_output_value_sig)}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields={**signature, **fields}))

    assert decode(output()) is UNKNOWN
    assert decode(output(value=encode("a"))) == "a"
    assert decode(output(value=encode("a"), secret=encode(True))) == Secret("a")


def test_secrets_are_found_revealed_and_masked_wherever_they_are() -> None:
    tree = {"a": [{"b": Secret("hunter2")}], "c": 1}
    assert has_secret(tree)
    assert not has_secret(reveal(tree))
    assert reveal(tree) == {"a": [{"b": "hunter2"}], "c": 1}
    assert masked(tree, "[secret]") == {"a": [{"b": "[secret]"}], "c": 1}


def test_unknown_values_are_found_inside_secrets_too() -> None:
    assert has_unknown({"a": [Secret({"b": UNKNOWN})]})
    assert not has_unknown({"a": [Secret({"b": None})]})


def test_maps_survive_a_round_trip() -> None:
    assert decode_map(encode_map({"a": 1, "b": None})) == {"a": 1, "b": None}
