"""The observation of an object of AWS, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable

from alchemesh_platform.sdk.observation import Observation


def observed(what: str, look: Callable[[], Observation]) -> Observation:
    """The answer of a look at the services of AWS, or the reason why there is none.

    Args:
        what: The object, for messages.
        look: Looks at the object.
    """
    from alchemesh_platform.base.failure import Failure
    from alchemesh_platform.clouds.aws.services import Missing, Refused, answered

    try:
        with answered(what):
            return look()
    except Missing:
        return Observation("unhealthy", f"{what} is not there")
    except Refused:
        return Observation("unknown", f"you have no right to read {what}")
    except Failure as error:
        return Observation("unknown", error.message)
