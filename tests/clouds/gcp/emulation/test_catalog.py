"""The table of resource types matches the SDK: its names exist there with the same meaning."""

from __future__ import annotations

import importlib
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from alchemesh_platform.clouds.gcp.emulation.catalog import TYPES
from alchemesh_platform.clouds.gcp.emulation.types.inputs import refusals_of
from alchemesh_platform.clouds.gcp.emulation.types.sdk import inputs_of, outputs_of
from alchemesh_platform.provider.values import UNKNOWN, Secret

TOKEN = re.compile(r"\bgcp:[A-Za-z]+/[A-Za-z]+:[A-Za-z]+")
NOT_INPUTS = {"number", "it"}
BUCKET = "gcp:storage/bucket:Bucket"
# Types whose inputs refer to no other resource.
STANDALONE = {
    "gcp:artifactregistry/repository:Repository",
    "gcp:bigquery/dataset:Dataset",
    "gcp:bigquerydatapolicy/dataPolicy:DataPolicy",
    "gcp:billing/budget:Budget",
    "gcp:cloudscheduler/job:Job",
    "gcp:datacatalog/taxonomy:Taxonomy",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    "gcp:kms/keyRing:KeyRing",
    "gcp:monitoring/notificationChannel:NotificationChannel",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:projects/service:Service",
    "gcp:projects/serviceIdentity:ServiceIdentity",
    "gcp:pubsub/schema:Schema",
    "gcp:secretmanager/secret:Secret",
    "gcp:serviceaccount/account:Account",
    "gcp:sql/databaseInstance:DatabaseInstance",
    "gcp:storage/bucket:Bucket",
}


@pytest.mark.parametrize("token", TYPES)
def test_a_type_is_one_of_the_sdk(token: str) -> None:
    """A token with another spelling than the SDK's would never be requested."""
    # Not by `inspect`, which looks into every module and so breaks those that load on first use.
    file = importlib.import_module(_resource(token).__module__).__file__
    assert file is not None
    assert f"'{token}'" in Path(file).read_text("utf-8")


@pytest.mark.parametrize("token", TYPES)
def test_every_name_in_the_table_is_a_property_of_the_type(token: str) -> None:
    type_, inputs = TYPES[token], set(inputs_of(token).properties)
    assert set(type_.outputs) <= outputs_of(token)
    assert type_.secret_outputs <= set(type_.outputs)
    assert type_.replace_on <= inputs
    assert set(type_.defaults) <= inputs
    assert {reference.property.split(".")[0] for reference in type_.references} <= inputs
    assert {type_.region} - {None} <= inputs
    fields = {field for _, field, _, _ in string.Formatter().parse(type_.id) if field}
    assert fields - NOT_INPUTS - {"project"} <= inputs
    assert type_.name is None or type_.name.property in inputs


def test_types_refer_to_types_of_the_table_unless_they_are_independent() -> None:
    referred = {token: {reference.type for reference in type_.references} for token, type_ in TYPES.items()}
    assert {token for token, types in referred.items() if not types} == STANDALONE
    assert set().union(*referred.values()) <= set(TYPES)
    assert referred["gcp:bigquery/table:Table"] == {"gcp:bigquery/dataset:Dataset"}


@pytest.mark.parametrize("token", [token for token, type_ in TYPES.items() if type_.name and type_.name.automatic])
def test_a_generated_name_is_within_the_limits(token: str) -> None:
    name = TYPES[token].name
    assert name is not None
    for logical in ("a", "flights-table", "a" * 300, "Flights"):
        made = name.made_of(logical)
        assert list(name({name.property: made})) == [], made
        assert len(made) <= name.longest
        assert made != name.made_of(logical)


@pytest.mark.parametrize(
    ("inputs", "refused"),
    [
        ({}, {"location": "is required"}),
        ({"location": "EU", "locaton": "EU"}, {"locaton": "unknown property: did you mean 'location'?"}),
        ({"location": 1}, {"location": "found 1, expected a string"}),
        ({"location": "EU", "forceDestroy": "yes"}, {"forceDestroy": "found 'yes', expected a boolean"}),
        ({"location": "EU", "labels": ["a"]}, {"labels": "found a list, expected a map"}),
        ({"location": "EU", "labels": {"a": {}}}, {"labels.a": "found a map, expected a string"}),
        ({"location": "EU", "cors": {}}, {"cors": "found a map, expected a list"}),
        ({"location": "EU", "versioning": True}, {"versioning": "found True, expected an object"}),
        ({"location": "EU", "versioning": {}}, {"versioning.enabled": "is required"}),
        (
            {"location": "EU", "cors": [{"maxAgeSeconds": 1.5}]},
            {"cors[0].maxAgeSeconds": "found 1.5, expected an integer"},
        ),
        ({"location": UNKNOWN, "versioning": {"enabled": UNKNOWN}}, {}),
        ({"location": Secret("EU"), "labels": {"a": Secret("b")}}, {}),
        ({"location": "EU", "labels": None}, {}),
    ],
)
def test_inputs_are_checked_against_the_sdks_types(inputs: dict[str, object], refused: dict[str, str]) -> None:
    assert {found.property: found.reason for found in refusals_of(BUCKET, inputs)} == refused


def test_a_type_that_the_sdk_lacks_is_unknown() -> None:
    with pytest.raises(ModuleNotFoundError):
        inputs_of("gcp:storage/pail:Pail")
    with pytest.raises(LookupError, match="is no type of the package gcp"):
        inputs_of("aws:s3/bucket:Bucket")


def test_looking_up_a_type_leaves_the_sdk_intact() -> None:
    """A lookup before a program used the package once left the package without resources for all later users."""
    program = (
        "from alchemesh_platform.clouds.gcp.emulation.types.sdk import inputs_of\n"
        f"inputs_of({BUCKET!r})\n"
        "import pulumi_gcp\n"
        "print(pulumi_gcp.storage.Bucket.__name__)\n"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "Bucket"


def test_the_docs_list_the_covered_types() -> None:
    page = Path(__file__).parents[4] / "docs" / "emulation.md"
    listed = [line for line in page.read_text("utf-8").splitlines() if line.startswith("- `gcp:")]
    assert listed == [f"- `{token}` ({TYPES[token].how})" for token in sorted(TYPES)]


def test_every_type_that_our_components_register_is_covered() -> None:
    root = Path(__file__).parents[4]
    files = [*(root / "components").rglob("*.yml"), *(root / "tests" / "components").rglob("*.py")]
    registered = {token for file in files for token in TOKEN.findall(file.read_text("utf-8"))}
    assert registered
    assert registered <= set(TYPES)


def _resource(token: str) -> type:
    from alchemesh_platform.clouds.gcp.emulation.types.sdk import _class

    return _class(token)
