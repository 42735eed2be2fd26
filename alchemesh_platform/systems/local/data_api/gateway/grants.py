"""Grants and revokes access of one consumer at a gateway, without affecting other consumers."""

from __future__ import annotations

from collections.abc import Collection
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
            member=before.member if before else None,
            expires_at=before.expires_at if before else None,
        )
        changed = [write_entry(gateway.folder, entry)]
        # Members of the consumer, and products that have access by the grant of their team or domain, lose it with it.
        joined = [each for each in read_entries(gateway.folder) if each.request == request and each.user != user]
        changed += [write_entry(gateway.folder, each.model_copy(update={"ends_at": ends_at})) for each in joined]
        if any(changed):
            apply(gateway)
    return entry


def join_member(gateway: Gateway, *, user: str, member: str, request: str, expires_at: datetime | None) -> None:
    """Add a member of a consumer with access, under a user name of its own. It has access once it has a credential.

    Raises:
        CredentialFailed: when no consumer has access by that request, or a user was added by hand under the same name.
    """
    with locked(gateway.folder):
        granted = next((entry for entry in read_entries(gateway.folder) if entry.request == request), None)
        if granted is None:
            raise CredentialFailed(
                f"{gateway.process} gives no access for {request}",
                hint=remedy("{} of its product, then `up`", command("refresh")),
            )
        before = _before(gateway, user)
        if before is not None and before.request != request:
            raise CredentialFailed(
                f"{user} was added to {gateway.process} by hand",
                hint=f"remove {user}.json in {gateway.folder / 'consumers'}, then run again",
            )
        kept = before or Entry(user=user, consumer=granted.consumer, request=request, ends_at=granted.ends_at)
        write_entry(gateway.folder, kept.model_copy(update={"member": member, "expires_at": expires_at}))


def limit_credential(gateway: Gateway, user: str, expires_at: datetime) -> None:
    """Let the credential of a user expire at this time. Does nothing for an unknown user."""
    with locked(gateway.folder):
        entry = _before(gateway, user)
        if entry is not None and write_entry(gateway.folder, entry.model_copy(update={"expires_at": expires_at})):
            apply(gateway)


def end_credentials(gateway: Gateway, users: Collection[str]) -> list[str]:
    """End the credentials of users now: the gateway refuses them and closes their connections. Idempotent.

    Returns:
        The users that had a credential.

    Raises:
        CredentialFailed: when the gateway is not on this machine.
        GatewayFailed: when the gateway does not accept it.
    """
    if listening(gateway) is None:
        raise CredentialFailed(
            f"there is no data API {gateway.process} on this machine",
            hint=remedy("{} on the machine of the data API ends them", command("access", "apply")),
        )
    with locked(gateway.folder):
        found = [entry for user in users if (entry := _before(gateway, user)) is not None]
        over = [entry.user for entry in found if write_entry(gateway.folder, entry.without_credential())]
        if over:
            apply(gateway)
    return over


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
