"""Keeps secrets of a program secret in the resources of a component.

A component receives its arguments as plain values, and may put a secret into a larger text. Every property that
contains the text of a secret is therefore marked as a secret before the engine receives it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from alchemesh_platform.provider.values import Secret, decode, encode, reveal

SHORT = 4  # a shorter secret is only found as a whole value: as a part, it would be found everywhere


def secrets_in(tree: Any) -> frozenset[str | int | float]:
    """The texts and numbers of the secrets in properties."""
    return frozenset(_secrets(tree, inside=False))


def mark_secrets(struct: struct_pb2.Struct, secrets: frozenset[str | int | float]) -> None:
    """Mark each value in properties that contains one of the secrets."""
    if secrets:
        for name in list(struct.fields):
            _mark(struct.fields[name], secrets)


def _secrets(tree: Any, *, inside: bool) -> Iterator[str | int | float]:
    if isinstance(tree, Secret):
        yield from _secrets(reveal(tree.value), inside=True)
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _secrets(value, inside=inside)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _secrets(value, inside=inside)
    elif inside and not isinstance(tree, bool) and isinstance(tree, str | int | float) and tree != "":
        yield tree


def _mark(value: struct_pb2.Value, secrets: frozenset[str | int | float]) -> None:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if rpc._special_sig_key not in fields:  # a secret is marked already; an asset holds no text
            for name in list(fields):
                _mark(fields[name], secrets)
    elif kind == "list_value":
        for item in value.list_value.values:
            _mark(item, secrets)
    elif kind in ("string_value", "number_value") and _is_secret(decode(value), secrets):
        value.CopyFrom(encode(Secret(decode(value))))


def _is_secret(found: Any, secrets: frozenset[str | int | float]) -> bool:
    if found in secrets:
        return True
    if not isinstance(found, str):
        return False
    return any(isinstance(one, str) and len(one) >= SHORT and one in found for one in secrets)
