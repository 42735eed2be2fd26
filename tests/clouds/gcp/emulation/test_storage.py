"""Buckets and objects: the real engine, the stand-in, and fake-gcs-server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from alchemesh_platform.clouds.gcp.emulation.services.storage import BUCKET, OBJECT

from .harness import PROJECT, Bench

pytestmark = pytest.mark.engine


def bucket(**arguments: Any) -> Callable[[], gcp.storage.Bucket]:
    """A program with one bucket."""
    arguments.setdefault("location", "EU")
    return lambda: gcp.storage.Bucket("landing", **arguments)


def test_a_bucket_is_created_updated_and_deleted(bench: Bench) -> None:
    def program(**more: Any) -> Callable[[], None]:
        def declare() -> None:
            made = bucket(force_destroy=True, labels={"domain": "aviation"}, **more)()
            gcp.storage.BucketObject("greeting", bucket=made.name, name="hello.txt", content="hello")
            pulumi.export("url", made.url)

        return declare

    assert bench.done("preview", program()) == {"create": 2}
    assert bench.store.all() == []
    assert bench.done("up", program()) == {"create": 2}
    assert not bench.warnings
    name = bench.state_of("landing")["outputs"]["name"]
    assert name.startswith("landing-")
    assert len(name) == len("landing-") + 7
    state = bench.state_of("landing")
    assert state["id"] == name
    assert state["outputs"]["url"] == f"gs://{name}"
    assert state["outputs"]["project"] == PROJECT
    assert state["outputs"]["labels"] == {"domain": "aviation"}
    assert set(state["additionalSecretOutputs"]) == {"effectiveLabels", "pulumiLabels"}  # as the SDK asks for
    assert state["outputs"]["storageClass"] == "STANDARD"
    service = bench.world.storage()
    assert service.read(name, "hello.txt") == b"hello"

    assert bench.done("up", program()) == {"same": 2}
    rule = {"action": {"type": "Delete"}, "condition": {"age": 7}}
    assert bench.done("preview", program(lifecycle_rules=[rule])) == {"same": 1, "update": 1}
    assert bench.changed("landing") == {"lifecycleRules": "add"}
    assert bench.done("up", program(lifecycle_rules=[rule])) == {"same": 1, "update": 1}
    kept = bench.store.get(BUCKET, name)
    assert kept is not None
    assert kept.inputs["lifecycleRules"] == [rule]

    assert bench.done("destroy") == {"delete": 2}
    assert not service.bucket_exists(name)
    assert bench.store.all() == []


def test_a_changed_location_replaces_the_bucket(bench: Bench) -> None:
    bench.done("up", bucket())
    first = bench.state_of("landing")["id"]
    bench.done("up", bucket(location="US"))
    assert bench.changed("landing") == {"location": "update-replace"}
    assert bench.step("landing").op == "create-replacement"
    second = bench.state_of("landing")["id"]
    assert second != first
    assert not bench.world.storage().bucket_exists(first)
    assert bench.world.storage().bucket_exists(second)


def test_a_bucket_with_a_fixed_name_is_deleted_before_its_replacement_is_created(bench: Bench) -> None:
    name = "acme-landing-of-its-own"
    bench.done("up", lambda: gcp.storage.Bucket("landing", name=name, location="EU"))
    bench.done("up", lambda: gcp.storage.Bucket("landing", name=name, location="US"))
    assert bench.step("landing").op == "delete-replaced"
    assert bench.world.storage().bucket_exists(name)


def test_a_preview_shows_outputs_that_are_known_before_the_first_run(bench: Bench) -> None:
    def program() -> None:
        made = bucket()()
        gcp.storage.BucketIAMMember(
            "reader", bucket=made.name, role="roles/storage.objectViewer", member="user:amelia@airport.example"
        )
        made.url.apply(lambda url: pytest.fail(f"{url} is known in a preview"))

    assert bench.done("preview", program) == {"create": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "Landing"}, "found 'Landing', expected 3 to 63 lowercase letters"),
        ({"name": "a" * 64}, "expected 3 to 63 lowercase letters"),
        ({"name": "my-google-data"}, "with no 'google' in it"),
        ({"labels": {"Domain": "aviation"}}, "found the key 'Domain', expected a lowercase letter"),
        ({"labels": {"domain": "a" * 64}}, "expected at most 63 lowercase letters"),
        ({"storage_class": "COLD"}, "found 'COLD', expected one of STANDARD"),
        ({"public_access_prevention": "yes"}, "found 'yes', expected one of inherited, enforced"),
        ({"lifecycle_rules": [{"action": {"type": "Delete"}}]}, "lifecycleRules[0].condition"),
        ({"lifecycle_rules": [{"action": {"type": "Burn"}, "condition": {"age": 1}}]}, "found 'Burn', expected one of"),
        ({"lifecycle_rules": [{"action": {"type": "Delete"}, "condition": {"age": "x"}}]}, "expected an integer"),
    ],
)
def test_a_preview_refuses_wrong_inputs(previewing: Bench, arguments: dict[str, Any], said: str) -> None:
    assert said in previewing.refused("preview", bucket(**arguments))


def test_a_name_that_is_taken_is_a_conflict(bench: Bench) -> None:
    bench.world.storage().make_bucket(PROJECT, "acme-somebody-elses", "EU")
    said = bench.refused("up", lambda: gcp.storage.Bucket("landing", name="acme-somebody-elses", location="EU"))
    assert "Error 409: The requested bucket name is not available. The bucket namespace is shared" in said
    assert bench.store.all() == []


def test_an_unknown_region_and_one_without_the_service_are_refused(bench: Bench) -> None:
    said = "Error 400: The specified location constraint is not valid."
    assert said in bench.refused("up", bucket(location="mars-north1"))
    bench.store.withdraw_region("storage.googleapis.com", "europe-west1")
    assert said in bench.refused("up", bucket(location="europe-west1"))
    assert bench.done("up", bucket(location="europe-west3")) == {"create": 1}


def test_a_project_without_the_api_is_an_error(bench: Bench) -> None:
    bench.store.disable_api(PROJECT, "storage.googleapis.com")
    said = bench.refused("up", bucket())
    assert f"Error 403: storage.googleapis.com has not been used in project {PROJECT} before or it is disabled" in said
    bench.store.enable_api(PROJECT, "storage.googleapis.com")
    assert bench.done("up", bucket()) == {"create": 1}


def test_a_bucket_with_objects_is_deleted_only_when_allowed(bench: Bench) -> None:
    bench.done("up", bucket())
    name = bench.state_of("landing")["id"]
    bench.world.storage().write(name, "rows.json", b"{}")
    assert "it holds objects" in bench.refused("destroy", bucket())
    assert bench.done("up", bucket(force_destroy=True)) == {"update": 1}
    assert bench.done("destroy") == {"delete": 1}


def test_a_refresh_finds_manual_changes_and_removals(bench: Bench) -> None:
    bench.done("up", bucket(force_destroy=True, labels={"a": "b"}))
    name = bench.state_of("landing")["id"]
    bench.store.change(BUCKET, name, labels={"a": "c"}, storageClass="NEARLINE")
    bench.done("refresh")
    assert bench.state_of("landing")["outputs"]["storageClass"] == "NEARLINE"
    assert bench.done("up", bucket(force_destroy=True, labels={"a": "b"})) == {"update": 1}
    assert bench.changed("landing") == {"labels.a": "update", "storageClass": "delete"}

    bench.world.storage().remove_bucket(name)
    assert bench.done("refresh") == {"refresh": 1}
    assert bench.done("up", bucket()) == {"create": 1}


def test_an_object_overwritten_by_hand_is_restored(bench: Bench) -> None:
    def program() -> None:
        made = bucket(force_destroy=True)()
        gcp.storage.BucketObject("greeting", bucket=made.name, name="hello.txt", content="hello")

    bench.done("up", program)
    service, name = bench.world.storage(), bench.state_of("landing")["id"]
    service.write(name, "hello.txt", b"bye")
    bench.done("refresh")
    bench.done("up", program)
    assert bench.changed("greeting") == {"content": "update-replace"}
    assert service.read(name, "hello.txt") == b"hello"
    service.remove(name, "hello.txt")
    bench.done("refresh")
    assert bench.store.all(OBJECT) == []
    bench.done("destroy")


def test_a_grant_on_a_deleted_bucket_is_not_found(bench: Bench) -> None:
    said = bench.refused(
        "up",
        lambda: gcp.storage.BucketIAMMember(
            "reader", bucket="acme-nowhere", role="roles/storage.objectViewer", member="user:amelia@airport.example"
        ),
    )
    assert "Error 404: Not found: bucket acme-nowhere" in said
    assert "/storage/v1/b?project=theirs' -d '{" in said


def test_an_external_bucket_is_added_by_hand(bench: Bench) -> None:
    """An emulated cloud has no bucket of another project, so nothing could be copied from one."""
    bench.world.storage().make_bucket("theirs", "acme-dispatch", "europe-west1")
    bench.done(
        "up",
        lambda: gcp.storage.BucketIAMMember(
            "reader", bucket="acme-dispatch", role="roles/storage.objectViewer", member="user:amelia@airport.example"
        ),
    )
    assert bench.done("refresh").keys() == {"refresh"}


def test_no_file_contains_a_secret(bench: Bench) -> None:
    def program() -> None:
        made = bucket(force_destroy=True)()
        content = pulumi.Output.secret("hunter2-hunter2")
        gcp.storage.BucketObject("password", bucket=made.name, name="password", content=content)

    bench.done("up", program)
    assert b"hunter2" not in bench.store.path.read_bytes()
    assert bench.stack.state_folder is not None
    assert b"hunter2" not in bench.stack.state_folder.file.read_bytes()
    assert bench.done("refresh") == {"refresh": 2}
    assert bench.done("up", program) == {"same": 2}


def test_a_type_that_is_not_covered_is_refused_with_the_place_to_add_it(bench: Bench) -> None:
    said = bench.refused("preview", lambda: gcp.storage.HmacKey("key", service_account_email="a@b.example"))
    assert "gcp:storage/hmacKey:HmacKey is not emulated" in said
    assert "alchemesh_platform/clouds/gcp/emulation/services/" in said
