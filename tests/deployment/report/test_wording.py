"""Errors of providers in plain words: they keep the whole cause, show no secret and have a hint.

The texts come from real providers: Kafka's from a real broker, Google's from threads of its users.
"""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.base.remedy import HINT_MARK, command, commands_of, remedy, with_hint
from alchemesh_platform.base.secrets import MASK
from alchemesh_platform.deployment.report.errors import cause_of, explained, hint_for, with_setting_places
from alchemesh_platform.documents.yaml_source import parse

LOG = "sdk-v2/provider2.go:572: sdk.helper_schema: {}: provider=kafka@3.13.3"
ONE = "1 error occurred:\n\t* {}\n\n"
REFRESH = "refreshing urn:pulumi:dev::a.b::kafka:index/topic:Topic::topic: 1 error occurred:\n\t* {}\n\n"
WRAPPINGS = (LOG, ONE, REFRESH)
NO_BROKER = "kafka: client has run out of available brokers to talk to: dial tcp 127.0.0.1:1: connection refused"
SCRAM = (
    "kafka: client has run out of available brokers to talk to: kafka server: SASL Authentication failed: "
    "Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512"
)
DENIED = (
    "kafka server: failed to create one or more ACL rules: kafka server: The client is not authorized to send this "
    "request type"
)
DISABLED = (
    "Error creating Topic: googleapi: Error 403: Cloud Pub/Sub API has not been used in project 321157631455 before or "
    "it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/pubsub.googleapis.com/overview"
    "?project=321157631455 then retry."
)
DETAILS = [
    {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "activation", "url": "https://a"}]},
    {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "metadata": {"consumer": "projects/321157631455", "service": "pubsub.googleapis.com"},
        "reason": "SERVICE_DISABLED",
    },
]
BUCKET = (
    "googleapi: Error 409: The requested bucket name is not available. The bucket namespace is shared by all users of "
    "the system. Please select a different name and try again."
)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("cause", [NO_BROKER, SCRAM, DENIED, DISABLED, BUCKET])
def test_wrappers_of_libraries_are_removed_from_a_cause(wrapping: str, cause: str) -> None:
    assert cause_of(wrapping.format(cause)) == cause


SECRET_EMPTY = (
    "Error waiting to create Job: Error waiting for Creating Job: Error code 9, message: "
    "spec.template.spec.containers[0].env[1].value_from.secret_key_ref.name: "
    "Secret projects/632210246751/secrets/prod--a--b--token/versions/latest was not found"
)
IMAGE_ABSENT = (
    "Error waiting to create Job: Error waiting for Creating Job: Error code 5, message: "
    "Image 'europe-west1-docker.pkg.dev/acme-mesh/products/aviation/flights:1.2.0' not found."
)


def test_a_missing_secret_or_image_of_a_cloud_run_job_has_a_hint_with_the_command() -> None:
    secret = explained(ONE.format(SECRET_EMPTY))
    assert secret.message == SECRET_EMPTY
    assert secret.hint is not None
    assert "`gcloud secrets versions add prod--a--b--token --project=632210246751 --data-file=-`" in secret.hint
    image = hint_for(ONE.format(IMAGE_ABSENT))
    assert image is not None
    assert "`docker push europe-west1-docker.pkg.dev/acme-mesh/products/aviation/flights:1.2.0`" in image


def test_each_of_several_causes_is_reported_once() -> None:
    reported = f"2 errors occurred:\n\t* {NO_BROKER}\n\t* {LOG.format(NO_BROKER)}\n\n"
    assert cause_of(reported) == NO_BROKER
    assert cause_of("2 errors occurred:\n\t* no\n\t* not so\n\n") == "no; not so"


def test_details_of_google_errors_are_text_and_not_json() -> None:
    reported = ONE.format(f"{DISABLED}\nDetails:\n{json.dumps(DETAILS, indent=2)}\n, accessNotConfigured")
    assert cause_of(reported) == DISABLED
    violation = {"fieldViolations": [{"field": "parent", "description": "Location 'x' is not a valid location."}]}
    invalid = "googleapi: Error 400: Request contains an invalid argument."
    reported = f"{invalid}\nDetails:\n{json.dumps([violation])}\n, badRequest"
    assert cause_of(reported) == f"{invalid} parent: Location 'x' is not a valid location."
    assert "settings.gcp.region" in str(hint_for(reported))


@pytest.mark.parametrize(
    ("cause", "hint"),
    [
        (NO_BROKER, "start Kafka, or correct settings.kafka.bootstrap_servers"),
        (SCRAM, "check its name, mechanism and the value of its password"),
        (DENIED, "alter the cluster, for that is what makes ACLs and users"),
        ("kafka server: The client is not authorized to access this topic", "an ACL has to let the user"),
        ("kafka server: Topic with this name already exists", "no fewer partitions than it has"),
        ("kafka server: Replication-factor is invalid", "settings.kafka.replication"),
        (
            "kafka server: Request was for a topic or partition that does not exist on this broker",
            "check the name of the topic, or have it created",
        ),
        (
            DISABLED,
            "`gcloud services enable pubsub.googleapis.com --project 321157631455`, or `alchemesh platform up`",
        ),
        (BUCKET, "choose another by settings.gcp.name_prefix"),
        (
            "Error creating Job: googleapi: Error 409: Resource 'a--code' already exists.",
            "`gcloud run jobs delete a--code`",
        ),
        (
            "Error creating Service: googleapi: Error 409: Resource 'a' already exists.",
            "`gcloud run services delete a`",
        ),
        ("Error creating Dataset: googleapi: Error 409: Already Exists: Dataset a:b, duplicate", "remove it, or give"),
        ("googleapi: Error 400: The specified location constraint is not valid., invalid", "settings.gcp.region"),
        ("Error creating Job: googleapi: Error 404: Not found: topic a, notFound", "was it removed by hand?"),
        (
            "googleapi: Error 403: Policy update access denied., forbidden",
            "`alchemesh domain up DOMAIN` of this version",
        ),
        (
            "Revision 'a-00001' is not ready. Image 'r/p/alchemesh.platform/data-api:1' not found.",
            "as docs/platform-gcp.md says; `docker push r/p/alchemesh.platform/data-api:1`",
        ),
        ("googleapi: Error 403: a@b.example does not have storage.buckets.create access.", "lacks this right"),
        (
            "googleapi: Error 400: Failed to obtain the location of the destination Google Cloud Storage (GCS) bucket "
            "due to insufficient permissions.  Please verify that the necessary permissions have been granted.",
            "run again",
        ),
        (
            "Error creating Subscription: googleapi: Error 400: Cloud Pub/Sub did not have the necessary permissions "
            "configured to access the provided bucket my-bucket (or the bucket may not exist).",
            "run again",
        ),
        (
            "googleapi: Error 400: Service account service-12@gcp-sa-pubsub.iam.gserviceaccount.com does not exist.",
            "alchemesh platform up",
        ),
        ("Unable to create DatasetAccess, existing object already found: map[role:WRITER]", "take it off the list"),
        ("google: could not find default credentials.", "gcloud auth application-default login"),
    ],
)
def test_a_known_cause_has_a_hint(cause: str, hint: str) -> None:
    for reported in (cause, *(wrapping.format(cause) for wrapping in WRAPPINGS)):
        assert hint in str(explained(reported).hint), reported


def test_a_name_missing_from_the_error_is_added() -> None:
    assert explained(ONE.format(BUCKET), about="acme-landing").message == f"acme-landing: {BUCKET}"
    assert explained(ONE.format(f"{BUCKET} acme-landing"), about="acme-landing").message == f"{BUCKET} acme-landing"
    assert explained(NO_BROKER, about="acme-landing").message == NO_BROKER


def test_an_existing_hint_is_kept_and_an_unknown_cause_has_none() -> None:
    assert explained(f"{NO_BROKER}{HINT_MARK}start it") == explained(f"{NO_BROKER}{HINT_MARK} start it ")
    assert explained(f"{NO_BROKER}{HINT_MARK}start it").hint == "start it"
    assert explained("something else").hint is None


def test_commands_of_a_hint_are_kept() -> None:
    hint = explained(with_hint(NO_BROKER, remedy("run {}", command("up")))).hint
    assert (hint, commands_of(hint)) == ("run `alchemesh up`", [["alchemesh", "up"]])
    tree, _ = parse("name: acme\nsettings:\n  gcp: {region: here}\n", "platform.yaml")
    placed = with_setting_places(remedy("set settings.gcp.region, then {}", command("up")), tree)
    assert placed == "set settings.gcp.region (platform.yaml:3:17), then `alchemesh up`"
    assert commands_of(placed) == [["alchemesh", "up"]]
    disabled = explained(
        "BigQuery API has not been used in project acme before or it is disabled: bigquery.googleapis.com"
    )
    assert commands_of(disabled.hint) == [["alchemesh", "platform", "up"]]


def test_a_setting_that_a_hint_names_has_its_place_in_the_platform_file() -> None:
    tree, _ = parse("name: acme\nsettings:\n  kafka:\n    bootstrap_servers: [a:1]\n", "platform.yaml")
    hint = with_setting_places(
        "correct settings.kafka.bootstrap_servers and settings.kafka.security, not settings.gcp.region", tree
    )
    assert hint == (
        "correct settings.kafka.bootstrap_servers (platform.yaml:4:24) and settings.kafka.security (platform.yaml:4:5)"
        ", not settings.gcp.region (platform.yaml:3:3)"
    )
    assert with_setting_places(None, tree) is None


# Texts that do not look like a wrapper themselves: a cause never does.
CAUSES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1).filter(
    lambda text: not re.search(r"error|sdk|provider=|urn:", text)
)


@given(CAUSES, st.lists(st.sampled_from(WRAPPINGS), max_size=4))
def test_a_cause_is_unwrapped_whole_at_any_depth(cause: str, wrappings: list[str]) -> None:
    reported = cause
    for wrapping in wrappings:
        reported = wrapping.replace("{}", reported)
    assert cause_of(reported) == cause


@given(st.lists(CAUSES, min_size=1, max_size=4), st.sampled_from(WRAPPINGS))
def test_no_cause_of_several_is_lost(causes: list[str], wrapping: str) -> None:
    points = "".join(f"\n\t* {cause}" for cause in causes)
    said = cause_of(wrapping.replace("{}", f"{len(causes)} errors occurred:{points}\n\n"))
    assert said == "; ".join(dict.fromkeys(causes))


@given(st.text())
def test_wording_is_idempotent_for_any_text(reported: str) -> None:
    said = explained(reported)
    assert bool(said.message) == bool(reported.partition(HINT_MARK)[0].strip())
    assert cause_of(said.message) == said.message


@given(st.text(), st.text(min_size=4), st.text(), st.sampled_from(WRAPPINGS))
def test_a_secret_is_shown_nowhere(before: str, secret: str, behind: str, wrapping: str) -> None:
    details = json.dumps([{"fieldViolations": [{"description": f"{before}{secret}{behind}"}]}])
    for reported in (
        wrapping.replace("{}", f"{before}{secret}{behind}"),
        f"{before}{HINT_MARK}{secret}{behind}",
        f"googleapi: Error 400: {before}\nDetails:\n{details}\n, invalid",
    ):
        said = explained(reported, [secret])
        assert secret not in said.message.replace(MASK, "")
        assert said.hint is None or secret not in said.hint.replace(MASK, "") or hint_for(reported) == said.hint
