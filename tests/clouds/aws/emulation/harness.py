"""Resources of the emulated `aws-native`, as the engine asks for them, without the engine."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alchemesh_platform.clouds.aws.emulation.provider import EmulatedAws, client_of
from alchemesh_platform.clouds.aws.emulation.servers.services import MiniStack
from alchemesh_platform.provider.operations import Difference

ASSUMED_BY_LAMBDA = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


@dataclass
class Made:
    """A created resource, as the state has it."""

    token: str
    name: str
    identity: str
    inputs: Mapping[str, Any]
    state: Mapping[str, Any]


@dataclass
class Cloud:
    """One provider on the emulated services."""

    services: MiniStack
    provider: EmulatedAws

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        return client_of(self.services, service)

    def refusals(self, token: str, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The problems of inputs: path and reason."""
        checked = self._kind(token).check({}, inputs, self._context(token, "it"))
        return [(each.property, each.reason) for each in checked.refusals]

    def create(self, token: str, name: str, /, **inputs: Any) -> Made:
        context = self._context(token, name)
        checked = self._kind(token).check({}, inputs, context)
        assert checked.refusals == ()
        identity, state = self._kind(token).create(checked.inputs, context)
        return Made(token, name, identity, checked.inputs, state)

    def diff(self, made: Made, **inputs: Any) -> Difference:
        context = self._context(made.token, made.name)
        checked = self._kind(made.token).check(made.inputs, inputs, context)
        return self._kind(made.token).diff(made.identity, made.inputs, made.state, checked.inputs, context)

    def update(self, made: Made, **inputs: Any) -> Made:
        context = self._context(made.token, made.name)
        checked = self._kind(made.token).check(made.inputs, inputs, context)
        assert checked.refusals == ()
        state = self._kind(made.token).update(made.identity, made.inputs, made.state, checked.inputs, context)
        return Made(made.token, made.name, made.identity, checked.inputs, state)

    def read(self, made: Made, *, imported: bool = False) -> Made | None:
        known: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}) if imported else (made.inputs, made.state)
        found = self._kind(made.token).read(made.identity, *known, self._context(made.token, made.name))
        return None if found is None else Made(made.token, made.name, *found)

    def delete(self, made: Made) -> None:
        self._kind(made.token).delete(made.identity, made.inputs, made.state, self._context(made.token, made.name))

    def preview(self, token: str, name: str, /, **inputs: Any) -> Mapping[str, Any]:
        """The planned state of a new resource."""
        return self._kind(token).create(inputs, self._context(token, name, preview=True))[1]

    def _kind(self, token: str) -> Any:
        return self.provider.kind_of(token)

    def _context(self, token: str, name: str, *, preview: bool = False) -> Any:
        urn = f"urn:pulumi:prod::aviation.flights::{token}::{name}"
        return self.provider.context(urn, threading.Event(), preview=preview)
