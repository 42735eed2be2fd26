"""The status of objects of Google Cloud: missing rights and a sign-in that no longer works are named as such."""

from __future__ import annotations

import pytest

from alchemesh_components.gcp.observing import observed
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.objects.services import SignInFailed
from alchemesh_platform.sdk.observation import Observation


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (Refused(404, "Not found"), Observation("unhealthy", "gs://acme is not there")),
        (Refused(403, "long text"), Observation("unknown", "you have no right to read gs://acme")),
        (
            SignInFailed("Google Cloud: invalid_grant: Token has been expired or revoked."),
            Observation(
                "unknown",
                "the sign-in of this shell does not work: "
                "Google Cloud: invalid_grant: Token has been expired or revoked.",
            ),
        ),
        (
            Refused(401, "Invalid Credentials"),
            Observation("unknown", "the sign-in of this shell does not work: Google Cloud refuses its token"),
        ),
    ],
)
def test_a_failed_look_has_a_reason(error: Failure, seen: Observation) -> None:
    """Each was `unknown` with the name of a Python class, and a revoked sign-in looked like a broken bucket."""

    def look() -> Observation:
        raise error

    assert observed("gs://acme", look) == seen
