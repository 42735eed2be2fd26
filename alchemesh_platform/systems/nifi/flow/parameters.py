"""A dataflow's parameter context. Its properties refer to parameters, including secrets, as ``#{name}``.

Sensitive values cannot be read back. The platform stores a slow digest of each written value, and the version of the
context. Every change increments the version, and a restart of NiFi resets it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.systems.nifi.flow.canvas import Entity, find_context
from alchemesh_platform.systems.nifi.flow.definition import Dataflow
from alchemesh_platform.systems.nifi.server import NifiFailed, Server

UPDATE_SECONDS = 300.0  # a change of a parameter stops the components that refer to it, and waits for their threads
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}  # RFC 7914; about 16 MB and 50 ms for each guess


@dataclass(frozen=True, slots=True)
class Written:
    """The stored digests of written sensitive parameters.

    Args:
        salt: Key of the digests, in hex.
        digests: Digest of each parameter's value, in hex.
        version: Version of the context after the write.
    """

    salt: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    version: int = 0


def changed_secrets(wanted: Mapping[str, str], written: Written) -> list[str]:
    """Sensitive parameters whose value differs from the last written one."""
    return [
        name
        for name, value in wanted.items()
        if not hmac.compare_digest(written.digests.get(name, ""), _digest(written.salt, name, value))
    ]


def touched(context: Entity | None, written: Written) -> bool:
    """Whether another user changed the context since the platform wrote it."""
    return context is not None and int(context["revision"].get("version") or 0) > written.version


def apply_context(server: Server, wanted: Dataflow, written: Written) -> tuple[Entity, Written]:
    """Create or update the parameter context. Secrets are sent only if they may differ.

    NiFi stops the components that refer to a changed parameter, changes it, and starts them again.

    Raises:
        NifiFailed: when NiFi rejects the change, with its reason.
    """
    context = find_context(server, wanted)
    if context is None:
        context = server.post("/parameter-contexts", {"revision": {"version": 0}, "component": _everything(wanted)})
    else:
        context = _update(server, context, wanted, written)
    salt = written.salt or secrets.token_hex(16)
    digests = {name: _digest(salt, name, value) for name, value in wanted.sensitive.items()}
    return context, Written(salt, digests, int(context["revision"].get("version") or 0))


def _update(server: Server, context: Entity, wanted: Dataflow, written: Written) -> Entity:
    changes = _changes(context, wanted, written)
    if not changes:
        return context
    path = f"/parameter-contexts/{context['id']}"

    def submit() -> Any:
        now = server.get(path)
        component = {**_described(wanted), "id": context["id"], "parameters": changes}
        return server.post(
            f"{path}/update-requests", {"id": context["id"], "revision": now["revision"], "component": component}
        )

    request = server.insist(submit)["request"]
    requests = f"{path}/update-requests/{request['requestId']}"
    request = server.wait(lambda: server.get(requests)["request"], lambda found: found["complete"], UPDATE_SECONDS)
    server.delete(requests)
    if request.get("failureReason") or not request["complete"]:
        reason = request.get("failureReason") or f"it is not done after {UPDATE_SECONDS:g} s: {request.get('state')}"
        raise NifiFailed(
            f"NiFi at {server.url} does not change the parameters of {wanted.name!r}: {reason}",
            hint=remedy("the processors that use them may be stopped now: {} starts them again", command("up")),
        )
    return dict(server.get(path))


def _changes(context: Entity, wanted: Dataflow, written: Written) -> list[dict[str, Any]]:
    found = {entry["parameter"]["name"]: entry["parameter"] for entry in context["component"].get("parameters") or ()}
    # A secret that another user changed cannot be detected, so write all of them again.
    doubtful = set(wanted.sensitive) if touched(context, written) else set(changed_secrets(wanted.sensitive, written))
    changes = [
        _parameter(name, value, sensitive=False)
        for name, value in wanted.parameters.items()
        if found.get(name, {}).get("value") != value
    ]
    changes += [
        _parameter(name, value, sensitive=True)
        for name, value in wanted.sensitive.items()
        if name not in found or name in doubtful
    ]
    gone = set(found) - set(wanted.parameters) - set(wanted.sensitive)
    return changes + [{"parameter": {"name": name, "value": None}} for name in sorted(gone)]


def _everything(wanted: Dataflow) -> dict[str, Any]:
    parameters = [_parameter(name, value, sensitive=False) for name, value in wanted.parameters.items()]
    parameters += [_parameter(name, value, sensitive=True) for name, value in wanted.sensitive.items()]
    return {**_described(wanted), "parameters": parameters}


def _described(wanted: Dataflow) -> dict[str, Any]:
    return {"name": wanted.context_name, "description": wanted.marker}


def _parameter(name: str, value: str, *, sensitive: bool) -> dict[str, Any]:
    return {"parameter": {"name": name, "value": value, "sensitive": sensitive}}


def _digest(salt: str, name: str, value: str) -> str:
    return hashlib.scrypt(value.encode(), salt=f"{salt}:{name}".encode(), **_SCRYPT).hex()
