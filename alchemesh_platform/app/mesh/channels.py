"""Check the channels of an environment: secrets have values, the mail server answers, and nothing waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from alchemesh_platform.base.failure import Failure
from alchemesh_platform.base.remedy import command, remedy

if TYPE_CHECKING:
    from alchemesh_platform.base.secrets import SecretRef
    from alchemesh_platform.platform_file.models import Platform

NONE = "no webhook, no mail server"


class ChannelBroken(Failure):
    """Raised when a channel would not deliver; gives the reason of each one."""


def check_channels(platform: Platform) -> str:
    """The channels of an environment, in words. The mail server is called, and no webhook is: it would be a message.

    Raises:
        ChannelBroken: when a secret has no value, the mail server refuses the sign-in, or notifications wait.
    """
    found = [*_problems(platform)]
    if found:
        raise ChannelBroken(
            "\n".join(found), hint=remedy("fix the channel, then {} delivers the rest", command("inbox", "--send"))
        )
    notify = platform.notify
    if notify is None:
        return NONE
    webhooks = f"{len(notify.webhooks)} {'webhook' if len(notify.webhooks) == 1 else 'webhooks'}"
    return f"{webhooks}, {f'mail by {notify.mail.host}' if notify.mail is not None else 'no mail server'}"


def _problems(platform: Platform) -> Iterator[str]:
    from alchemesh_platform.app.mesh.incidents import find
    from alchemesh_platform.base.secrets import SecretRef
    from alchemesh_platform.channels.mail import with_mail_server
    from alchemesh_platform.channels.undelivered import NotDelivered

    notify, lineage = platform.notify, platform.observations.openlineage
    for number, webhook in enumerate(notify.webhooks if notify is not None else (), 1):
        for secret in (webhook.url, webhook.signature):
            if isinstance(secret, SecretRef):
                yield from _bad_secret(f"webhook {number}", secret, is_address=secret is webhook.url)
    if lineage is not None and lineage.token is not None:
        yield from _bad_secret("openlineage", lineage.token)
    if notify is not None and notify.mail is not None:
        try:
            with_mail_server(notify.mail, lambda server: server.noop())
        except NotDelivered as error:
            yield f"the mail server {notify.mail.host}:{notify.mail.port}: {error.reason}"
    if notify is not None:
        for waits in find(platform).waiting:
            to = f"{waits.channel} to {waits.recipient}" if waits.recipient else waits.channel
            yield f"notifications of incidents wait for {to}: {waits.failure}"


def _bad_secret(channel: str, secret: SecretRef, *, is_address: bool = False) -> Iterator[str]:
    from alchemesh_platform.base.secrets import SecretMissing, resolve
    from alchemesh_platform.base.web_address import is_protected

    try:
        if not is_protected(resolve(secret)) and is_address:
            yield f"{channel}: the address in {secret.secret} does not begin with https://"
    except SecretMissing as error:
        yield f"{channel}: {error.message}"
