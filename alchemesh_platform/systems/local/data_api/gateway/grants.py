"""Grants and revokes access of one consumer at a gateway, without affecting other consumers."""

from __future__ import annotations

from datetime import datetime

from alchemesh_platform.base.remedy import command, remedy
from alchemesh_platform.systems.local.data_api.gateway.consumers import (
    Entry,
    locked,
    read_entries,
    read_entry,
    remove_entry,
    write_entry,
)
from alchemesh_platform.systems.local.data_api.gateway.credentials import CredentialFailed, user_name
from alchemesh_platform.systems.local.data_api.gateway.gateway import Gateway, apply, listening


def grant_access(gateway: Gateway, *, consumer: str, request: str, ends_at: datetime | None = None) -> Entry:
    """Grant a consumer access for a request.

    The consumer has access once it has a credential. An existing credential stays valid.

    Raises:
        CredentialFailed: when there is no gateway, or a user was added by hand under the same name.
        GatewayFailed: when the gateway does not accept it.
    """
    return _grant_access(gateway, user_name(consumer, request), consumer, request, ends_at)


def join(gateway: Gateway, *, consumer: str, request: str) -> Entry:
    """Grant a consumer access by a request that was granted to its team or domain, with its own user name.

    Raises:
        CredentialFailed: when no consumer has access by that request.
    """
    granted = next((entry for entry in read_entries(gateway.folder) if entry.request == request), None)
    if granted is None:
        raise CredentialFailed(
            f"{gateway.process} gives no access for {request}",
            hint=remedy("{} of its product, then `up`", command("refresh")),
        )
    return _grant_access(gateway, user_name(consumer, request), consumer, request, granted.ends_at)


def _grant_access(gateway: Gateway, user: str, consumer: str, request: str, ends_at: datetime | None) -> Entry:
    if listening(gateway) is None:
        raise CredentialFailed(
            f"there is no data API {gateway.process}", hint=remedy("{} of its product starts it", command("up"))
        )
    with locked(gateway.folder):
        before = _before(gateway, user)
        if before is not None and before.request != request:
            raise CredentialFailed(
                f"{user} was added to {gateway.process} by hand",
                hint=f"remove {user}.json in {gateway.folder / 'consumers'}, then run again",
            )
        entry = Entry(
            user=user,
            consumer=consumer,
            request=request,
            ends_at=ends_at,
            scram=before.scram if before else None,
            bcrypt=before.bcrypt if before else None,
        )
        changed = [write_entry(gateway.folder, entry)]
        # Products that have access by the grant of their team or domain lose it with that grant.
        joined = [each for each in read_entries(gateway.folder) if each.request == request and each.user != user]
        changed += [write_entry(gateway.folder, each.model_copy(update={"ends_at": ends_at})) for each in joined]
        if any(changed):
            apply(gateway)
    return entry


def revoke_access(gateway: Gateway, request: str) -> None:
    """Revoke the access of a request: the gateway refuses the consumer and closes its connections. Idempotent.

    Raises:
        GatewayFailed: when the gateway does not accept it.
    """
    if listening(gateway) is None:
        return
    with locked(gateway.folder):
        for entry in read_entries(gateway.folder):
            if entry.request == request:
                remove_entry(gateway.folder, entry.user)
        apply(gateway)


def _before(gateway: Gateway, user: str) -> Entry | None:
    try:
        return read_entry(gateway.folder, user)
    except CredentialFailed:
        return None  # an unreadable file gives no access; write it again
