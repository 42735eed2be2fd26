"""Convert property values to Python values: secrets are marked, and values that are not known yet are unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

# The engine's texts for values that a preview cannot know: pulumi sdk/go/common/resource/plugin/rpc.go.
_UNKNOWN_TEXTS = {
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    rpc.UNKNOWN,
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
_LARGEST_EXACT_INTEGER = 2**53


class Unknown(Enum):
    """The type of :data:`UNKNOWN`."""

    UNKNOWN = "unknown until later"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that the engine encrypts and never shows."""

    value: Any


def decode(value: struct_pb2.Value) -> Any:
    """Convert a property value from the protocol's format."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWN_TEXTS else value.string_value
    if kind == "number_value":
        return _number(value.number_value)
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [decode(item) for item in value.list_value.values]
    if kind == "struct_value":
        return _decode_struct(value.struct_value)
    return None


def decode_map(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Convert properties from the protocol's format."""
    return {name: decode(value) for name, value in struct.fields.items()}


def encode(tree: Any) -> struct_pb2.Value:
    """Convert a value to the protocol's format."""
    if tree is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if tree is UNKNOWN:
        return struct_pb2.Value(string_value=rpc.UNKNOWN)
    if isinstance(tree, Secret):
        fields = {
            rpc._special_sig_key: struct_pb2.Value(string_value=rpc._special_secret_sig),
            "value": encode(tree.value),
        }
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(tree, bool):
        return struct_pb2.Value(bool_value=tree)
    if isinstance(tree, int | float):
        return struct_pb2.Value(number_value=tree)
    if isinstance(tree, str):
        return struct_pb2.Value(string_value=tree)
    if isinstance(tree, Mapping):
        return struct_pb2.Value(struct_value=encode_map(tree))
    return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[encode(item) for item in tree]))


def encode_map(tree: Mapping[str, Any]) -> struct_pb2.Struct:
    """Convert properties to the protocol's format."""
    return struct_pb2.Struct(fields={name: encode(value) for name, value in tree.items()})


def reveal(tree: Any) -> Any:
    """The same value with its secrets in plain text."""
    return _map_secrets(tree, reveal)


def masked(tree: Any, mask: str) -> Any:
    """The same value with each secret replaced by a mask."""
    return _map_secrets(tree, lambda _: mask)


def has_secret(tree: Any) -> bool:
    """Whether a value contains a secret."""
    return isinstance(tree, Secret) or any(has_secret(part) for part in _parts(tree))


def has_unknown(tree: Any) -> bool:
    """Whether a value contains an unknown part."""
    if isinstance(tree, Secret):
        return has_unknown(tree.value)
    return tree is UNKNOWN or any(has_unknown(part) for part in _parts(tree))


def _map_secrets(tree: Any, of_secret: Callable[[Any], Any]) -> Any:
    if isinstance(tree, Secret):
        return of_secret(tree.value)
    if isinstance(tree, Mapping):
        return {name: _map_secrets(value, of_secret) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_map_secrets(item, of_secret) for item in tree]
    return tree


def _parts(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return tree.values()
    return tree if isinstance(tree, list | tuple) else ()


def _decode_struct(struct: struct_pb2.Struct) -> Any:
    fields = struct.fields
    if rpc._special_sig_key not in fields:
        return decode_map(struct)
    signature = fields[rpc._special_sig_key].string_value
    if signature == rpc._special_secret_sig:
        return Secret(decode(fields["value"]))
    if signature == rpc._special_output_value_sig:
        inner = decode(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
    return decode_map(struct)  # assets, archives, resources: no property accepts them, and its check reports them


def _number(number: float) -> int | float:
    """Whole numbers as integers: the protocol has only floating-point numbers."""
    whole = number.is_integer() and abs(number) <= _LARGEST_EXACT_INTEGER
    return int(number) if whole else number
