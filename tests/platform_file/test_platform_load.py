"""One environment of a platform file, with the environments that it extends."""

from __future__ import annotations

from pathlib import Path

import pytest

from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.problems import ProblemsFound
from alchemesh_platform.platform_file.builtin import LOCAL_COMPONENTS
from alchemesh_platform.platform_file.load import (
    UnknownEnvironment,
    find_platform_file,
    load_platform,
    platform_problems,
)
from alchemesh_platform.platform_file.models import Platform
from tests.builtin import builtin_catalog

HOME = Path("/var/lib/alchemesh")

LAYERED = """\
kind: Platform
name: acme
environments:
  base:
    state: gs://base
    registry: postgresql://base/alchemesh
    settings: {gcp: {project: base, region: europe-west1, labels: {a: x, b: y}}}
    components: {object-storage: gcs-bucket, columnar-table: bigquery-table}
    transforms: [{component: gcs-bucket, resource: "gcp:storage/bucket:Bucket", set: {storageClass: NEARLINE}}]
  prod:
    extends: base
    state: gs://prod
    settings: {gcp: {project: prod, labels: {b: z}}}
    components: {object-storage: s3-bucket}
  quiet: {extends: prod, transforms: []}
  laptop:
    extends: local
    settings: {local: {host: 0.0.0.0}}
"""


@pytest.fixture
def platform_file(tmp_path: Path) -> Path:
    path = tmp_path / "platform.yaml"
    path.write_text(LAYERED)
    return path


def test_local_needs_no_file() -> None:
    expected = Platform(
        environment="local",
        state="file:///var/lib/alchemesh/local/state",
        registry="sqlite:////var/lib/alchemesh/local/registry.db",
        secrets="passphrase",
        home="/var/lib/alchemesh",
        settings={"local": {"root": "/var/lib/alchemesh/local/data", "run": "/var/lib/alchemesh/local/run"}},
        components=LOCAL_COMPONENTS,
    )
    assert load_platform(None, "local", HOME).model_dump() == expected.model_dump()


def test_local_exists_next_to_the_environments_of_a_file(platform_file: Path) -> None:
    assert load_platform(platform_file, "local", HOME).model_dump() == load_platform(None, "local", HOME).model_dump()


def test_built_in_platform_names_existing_components() -> None:
    catalog = builtin_catalog()
    assert {catalog[name].component_type: name for name in LOCAL_COMPONENTS.values()} == LOCAL_COMPONENTS


def test_an_environment_overrides_the_one_it_extends(platform_file: Path) -> None:
    prod = load_platform(platform_file, "prod", HOME)
    assert (prod.environment, prod.state, prod.registry) == ("prod", "gs://prod", "postgresql://base/alchemesh")
    assert prod.settings == {"gcp": {"project": "prod", "region": "europe-west1", "labels": {"a": "x", "b": "z"}}}
    assert prod.components == {"object-storage": "s3-bucket", "columnar-table": "bigquery-table"}
    assert [transform.component for transform in prod.transforms] == ["gcs-bucket"]
    assert load_platform(platform_file, "quiet", HOME).transforms == ()


def test_environment_may_extend_local_without_declaring_it(platform_file: Path) -> None:
    laptop = load_platform(platform_file, "laptop", HOME)
    assert laptop.components == LOCAL_COMPONENTS
    own = {"root": str(HOME / "laptop" / "data"), "run": str(HOME / "laptop" / "run")}
    assert laptop.settings["local"] == {**own, "host": "0.0.0.0"}  # noqa: S104


def test_each_value_keeps_the_position_where_it_was_written(platform_file: Path) -> None:
    tree = load_platform(platform_file, "prod", HOME).tree
    lines = {path[-1]: tree.locate(path).line for path in (("state",), ("registry",), ("settings", "gcp", "region"))}
    assert lines == {"state": 12, "registry": 6, "region": 7}
    assert tree.location.line == 11


def test_an_unknown_environment_lists_the_known_ones(platform_file: Path) -> None:
    with pytest.raises(UnknownEnvironment) as failure:
        load_platform(platform_file, "pord", HOME)
    assert failure.value.exit_code == ExitCode.USAGE
    assert failure.value.message == f"no environment 'pord' in {platform_file}"
    assert failure.value.hint == "did you mean 'prod'? there are local, base, prod, quiet, laptop"


def test_an_unknown_environment_without_a_file_says_where_to_declare_it() -> None:
    with pytest.raises(UnknownEnvironment) as failure:
        load_platform(None, "prod", HOME)
    assert failure.value.hint == (
        "there is local; for others, put platform.yaml here or in a parent folder in the git repository, "
        "or name a platform file with `--platform FILE`"
    )


def test_built_in_platform_is_no_environment_by_itself() -> None:
    with pytest.raises(UnknownEnvironment):
        load_platform(None, "builtin/local", HOME)


def test_missing_file_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ProblemsFound, match="no such file"):
        load_platform(tmp_path / "platform.yaml", "local", HOME)
    assert [problem.message for problem in platform_problems(tmp_path / "platform.yaml", HOME)] == ["no such file"]


def test_a_mistake_in_any_environment_is_reported_for_every_environment(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text("kind: Platform\nname: acme\nenvironments:\n  prod: {extends: loca}\n")
    with pytest.raises(ProblemsFound, match="did you mean 'local'"):
        load_platform(path, "local", HOME)


def test_password_in_an_address_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(
        "kind: Platform\nname: acme\nenvironments:\n  prod: {state: gs://x, registry: 'mysql://root:hunter2@db/x'}\n"
    )
    with pytest.raises(ProblemsFound) as found:
        load_platform(path, "prod", HOME)
    assert "hunter2" not in str(found.value)


def test_a_long_chain_of_environments_is_merged(tmp_path: Path) -> None:
    path = tmp_path / "platform.yaml"
    chain = "".join(f"  e{index}: {{extends: e{index - 1}}}\n" for index in range(1, 300))
    path.write_text(f"kind: Platform\nname: acme\nenvironments:\n  e0: {{extends: local}}\n{chain}")
    assert load_platform(path, "e299", HOME).components == LOCAL_COMPONENTS


def test_the_file_next_to_the_manifest_is_found_first(tmp_path: Path) -> None:
    product = tmp_path / "products" / "flights"
    (tmp_path / ".git").mkdir()
    product.mkdir(parents=True)
    assert find_platform_file(product) is None
    for folder in (tmp_path, tmp_path / "products", product):
        (folder / "platform.yaml").write_text("")
        assert find_platform_file(product) == folder / "platform.yaml"


def test_a_file_above_the_repository_is_ignored(tmp_path: Path) -> None:
    product = tmp_path / "repo" / "product"
    product.mkdir(parents=True)
    (tmp_path / "repo" / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "platform.yaml").write_text("")
    assert find_platform_file(product) is None


def test_outside_of_a_repository_only_the_folder_counts(tmp_path: Path) -> None:
    (tmp_path / "product").mkdir()
    (tmp_path / "platform.yaml").write_text("")
    assert find_platform_file(tmp_path / "product") is None
    assert find_platform_file(tmp_path) == tmp_path / "platform.yaml"
