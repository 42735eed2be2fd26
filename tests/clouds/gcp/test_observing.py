"""The status of objects of Google Cloud: missing rights and a sign-in that no longer works are named as such."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alchemesh_components.gcp.observing import observed
from alchemesh_components.output_ports.bigquery_views.observe import has_access
from alchemesh_components.output_ports.pubsub_topic.observe import observe as observe_topics
from alchemesh_platform.base.failure import Failure
from alchemesh_platform.clouds.gcp.emulation.environment import CLOUD_VARIABLE
from alchemesh_platform.clouds.gcp.emulation.store import Kept, Store
from alchemesh_platform.clouds.gcp.emulation.types.errors import Refused
from alchemesh_platform.clouds.gcp.objects.services import SignInFailed
from alchemesh_platform.connections import TopicConnection
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


def test_a_topic_that_is_gone_is_unhealthy(tmp_path: Path) -> None:
    """Topics of Pub/Sub had no health at all."""
    topic = "projects/acme/topics/orders"
    connection, store = TopicConnection(broker="pubsub", topics={"order": topic}), Store(tmp_path)
    environ = {CLOUD_VARIABLE: str(tmp_path)}
    assert observe_topics(connection, environ) == Observation("unhealthy", f"no topic {topic}")
    store.put(Kept("gcp:pubsub/topic:Topic", topic, "urn", {}, {}))
    assert observe_topics(connection, environ) == Observation("healthy")


ACCOUNT = "reader@acme.iam.gserviceaccount.com"
BEFORE = {"expression": 'request.time < timestamp("2026-05-01T00:00:00Z")'}
AFTER = {"expression": 'request.time < timestamp("2026-07-01T00:00:00Z")'}


@pytest.mark.parametrize(
    ("entries", "counts"),
    [
        ([], False),
        ([{"userByEmail": "other@acme.example", "role": "READER"}], False),
        ([{"userByEmail": ACCOUNT, "role": "READER"}], True),
        ([{"userByEmail": ACCOUNT, "role": "READER", "condition": BEFORE}], False),
        ([{"userByEmail": ACCOUNT, "condition": BEFORE}, {"userByEmail": ACCOUNT, "condition": AFTER}], True),
        ([{"iamMember": f"serviceAccount:{ACCOUNT}", "condition": AFTER}], True),
    ],
)
def test_an_account_has_access_while_an_entry_counts(entries: list[dict[str, Any]], counts: bool) -> None:
    assert has_access(entries, ACCOUNT, datetime(2026, 6, 1, tzinfo=UTC)) is counts
