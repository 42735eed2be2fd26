"""The observation of an object of Google Cloud, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable

from alchemesh_platform.sdk.observation import Observation

NOT_FOUND, FORBIDDEN, UNAUTHORIZED = 404, 403, 401


def observed(what: str, look: Callable[[], Observation]) -> Observation:
    """The answer of a look at the services of Google Cloud, or the reason why there is none.

    The services are asked directly: Google's clients cannot be imported into a process that has imported Pulumi's SDK.

    Args:
        what: The object, for messages.
        look: Looks at the object.
    """
    from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
    from alchemesh_platform.clouds.gcp.objects.services import SignInFailed

    try:
        return look()
    except SignInFailed as error:
        return Observation("unknown", f"the sign-in of this shell does not work: {error.message}")
    except Refused as error:
        if error.status == NOT_FOUND:
            return Observation("unhealthy", f"{what} is not there")
        if error.status == FORBIDDEN:
            return Observation("unknown", f"you have no right to read {what}")
        if error.status == UNAUTHORIZED:
            return Observation("unknown", "the sign-in of this shell does not work: Google Cloud refuses its token")
        return Observation("unknown", error.message)
