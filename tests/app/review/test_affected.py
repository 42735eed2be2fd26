"""The products that a branch affects, in real git repositories."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from alchemesh_platform.app.review.affected import Affected, affected, asked_by, providers_first
from alchemesh_platform.app.review.previews import Removed
from alchemesh_platform.app.review.repository import BaseMissing, NoRepository
from alchemesh_platform.app.where import Where
from alchemesh_platform.base.failure import ExitCode
from alchemesh_platform.base.files.home import HOME_VARIABLE
from alchemesh_platform.registry.records import LineageRecord
from alchemesh_platform.registry.store import Registry

from .branch import Branch

PLATFORM = """\
kind: Platform
name: acme
environments:
  dev: {{extends: local, settings: {{gcp: {{project: {dev}}}}}}}
  prod: {{extends: local, settings: {{gcp: {{project: {prod}}}}}}}
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))


@pytest.fixture
def branch(tmp_path: Path) -> Branch:
    return Branch.made(tmp_path / "repo", "orders", "stock", report="orders", forecast="stock")


def found(branch: Branch, environment: str = "local", base: str = "main") -> Affected:
    return affected(Where(branch.root, environment), base)


def reasons(branch: Branch, environment: str = "local") -> dict[str, tuple[str, ...]]:
    return {folder.name: why for folder, why in found(branch, environment).folders.items()}


def test_an_unchanged_branch_affects_no_product(branch: Branch) -> None:
    branch.commit()
    assert found(branch) == Affected({}, (), 4)


def test_each_changed_file_affects_its_product_with_a_reason(branch: Branch) -> None:
    branch.edit("products/orders/alchemesh.yaml", "version: 1.0.0\nlife", "version: 1.1.0\nlife")
    branch.edit("products/stock/jobs/clean.py", "...", "print()")
    branch.commit()
    branch.write("products/stock/jobs/not recorded yet.py", "")
    assert reasons(branch) == {
        "orders": ("alchemesh.yaml changed",),
        "stock": ("files changed: jobs/clean.py, jobs/not recorded yet.py",),
    }


def test_commits_of_the_base_since_then_affect_nothing(branch: Branch) -> None:
    branch.git("switch", "--quiet", "main")
    branch.edit("products/orders/alchemesh.yaml", "sales", "trade")
    branch.commit("on main")
    branch.git("switch", "--quiet", "work")
    branch.edit("products/stock/jobs/clean.py", "...", "print()")
    branch.commit()
    assert list(reasons(branch)) == ["stock"]


def test_an_overlay_affects_its_environment_only(branch: Branch) -> None:
    branch.write("products/orders/alchemesh.prod.yaml", "team: trade\n")
    branch.commit()
    assert reasons(branch, "prod") == {"orders": ("alchemesh.prod.yaml changed",)}
    assert reasons(branch, "local") == {}


def test_a_lock_affects_the_products_below_it(branch: Branch) -> None:
    branch.write("products/orders/alchemesh.lock", "{}")
    assert reasons(branch) == {"orders": ("products/orders/alchemesh.lock changed",)}
    branch.write("alchemesh.lock", "{}")
    assert set(reasons(branch)) == {"orders", "stock", "report", "forecast"}


def test_a_platform_file_affects_the_products_of_the_changed_environment(tmp_path: Path) -> None:
    branch = Branch.made(tmp_path / "repo", "orders")
    branch.git("switch", "--quiet", "main")
    branch.write("platform.yaml", PLATFORM.format(dev="a", prod="b"))
    branch.product("own")
    branch.write("products/own/platform.yaml", PLATFORM.format(dev="a", prod="b"))
    branch.commit()
    branch.git("switch", "--quiet", "--force-create", "work")
    branch.write("platform.yaml", PLATFORM.format(dev="a", prod="c"))
    branch.commit()
    assert reasons(branch, "prod") == {"orders": ("platform.yaml changed",)}, "the other has a platform file of its own"
    assert reasons(branch, "dev") == {}
    assert found(branch, "prod").notes == ("this branch edits platform.yaml: the previews use it as the branch has it",)
    (branch.root / "platform.yaml").unlink()
    assert reasons(branch, "dev") == {"orders": ("platform.yaml was removed",)}
    shared = branch.write("shared/acme.yaml", PLATFORM.format(dev="a", prod="b"))
    given = affected(Where(branch.root, "prod", shared), "main")
    assert [*given.folders.values()] == [("shared/acme.yaml changed",)] * 2


def test_a_moved_platform_file_or_lock_affects_the_products_of_both_places(tmp_path: Path) -> None:
    branch = Branch.made(tmp_path / "repo", "orders")
    branch.git("switch", "--quiet", "main")
    branch.write("platform.yaml", PLATFORM.format(dev="a", prod="b"))
    branch.write("alchemesh.lock", "{}\n" * 9)
    branch.product("own")
    branch.write("products/own/platform.yaml", PLATFORM.format(dev="c", prod="d"))
    branch.commit()
    branch.git("switch", "--quiet", "--force-create", "work")
    branch.git("mv", "platform.yaml", "acme.yaml")
    branch.commit()
    assert reasons(branch, "prod") == {"orders": ("platform.yaml was removed",)}
    given = affected(Where(branch.root, "prod", branch.root / "acme.yaml"), "main")
    assert given.folders == {}, "the given file has the same content in its new place"

    branch.git("reset", "--quiet", "--hard", "main")
    branch.git("mv", "products/own/platform.yaml", "shared.yaml")
    branch.commit()
    assert reasons(branch, "prod") == {"own": ("products/own/platform.yaml was removed",)}

    branch.git("reset", "--quiet", "--hard", "main")
    branch.git("mv", "alchemesh.lock", "products/orders/alchemesh.lock")
    branch.commit()
    assert reasons(branch, "prod") == {
        "orders": ("alchemesh.lock was removed", "products/orders/alchemesh.lock changed"),
        "own": ("alchemesh.lock was removed",),
    }


def test_without_a_platform_file_that_can_be_read_a_note_says_that_readers_are_unknown(branch: Branch) -> None:
    branch.edit("products/orders/alchemesh.yaml", "type: integer", "type: string")
    [note] = found(branch, "prod").notes
    assert note == (
        "readers in other repositories are unknown, since the registry was not read: no platform file that can be read "
        f"has prod in {branch.root} or above"
    )


def test_a_changed_contract_affects_the_readers_of_its_port(branch: Branch) -> None:
    branch.edit("products/orders/alchemesh.yaml", "type: integer", "type: string")
    branch.edit("products/stock/alchemesh.yaml", "team: sales", "team: storage")
    branch.commit()
    assert reasons(branch) == {
        "orders": ("alchemesh.yaml changed",),
        "report": ("the contract of shop/orders/orders-table, which it reads, changed",),
        "stock": ("alchemesh.yaml changed",),
    }, "the team of a product is no part of a contract"


def test_a_contract_in_a_file_of_its_own_is_part_of_its_port(branch: Branch) -> None:
    contract = "contract: {version: 1.0.0, lifecycle: active, access: internal}"
    branch.git("switch", "--quiet", "main")
    branch.edit("products/orders/alchemesh.yaml", contract, "contract: terms.odcs.yaml")
    branch.write("products/orders/terms.odcs.yaml", "version: 1.0.0\n")
    branch.commit()
    branch.git("switch", "--quiet", "--force-create", "work")
    branch.write("products/orders/terms.odcs.yaml", "version: 2.0.0\n")
    assert "report" in reasons(branch)


def test_the_registry_knows_readers_that_the_manifests_do_not(branch: Branch, tmp_path: Path) -> None:
    (tmp_path / "home" / "local").mkdir(parents=True)
    branch.edit("products/orders/alchemesh.yaml", "type: integer", "type: string")
    with Registry.open(f"sqlite:///{tmp_path}/home/local/registry.db") as registry:
        for reader in ("shop/stock", "shop/report", "finance/books"):
            registry.put(
                LineageRecord(
                    environment="local",
                    address=f"shop/orders/orders-table -> {reader}/rows",
                    product=reader,
                    source="shop/orders/orders-table",
                    source_kind="output_port",
                    target=f"{reader}/rows",
                )
            )
    result = found(branch)
    assert {folder.name for folder in result.folders} == {"orders", "report", "stock"}
    assert result.notes == ("not in this repository, and reads a changed port: finance/books",)
    shutil.rmtree(branch.root / "products/report")
    branch.commit()
    assert found(branch).notes == (
        "shop/report has no manifest any more: what is deployed stays until `alchemesh destroy shop/report -e local`",
        "not in this repository, and reads a changed port: finance/books",
    )


def test_without_its_registry_the_manifests_of_the_repository_count(branch: Branch) -> None:
    branch.write(
        "platform.yaml",
        "kind: Platform\nname: acme\nenvironments:\n  prod: {extends: local, registry: 'postgresql://127.0.0.1:1/none'}\n",
    )
    branch.edit("products/orders/alchemesh.yaml", "type: integer", "type: string")
    result = found(branch, "prod")
    assert "report" in {folder.name for folder in result.folders}
    [note] = [note for note in result.notes if "registry" in note]
    assert note.startswith("readers in other repositories are unknown, since the registry was not read: ")


def test_a_renamed_product_is_previewed_in_its_new_folder(branch: Branch) -> None:
    branch.git("mv", "products/orders", "products/web orders")
    branch.commit()
    assert reasons(branch) == {
        "web orders": (
            "alchemesh.yaml was renamed from products/orders/alchemesh.yaml",
            "files changed: jobs/clean.py",
        )
    }
    assert found(branch).notes == ()


def test_a_removed_product_is_reported_with_the_command_that_destroys_it(branch: Branch) -> None:
    shutil.rmtree(branch.root / "products/orders")
    branch.edit("products/stock/alchemesh.yaml", "name: stock\n", "name: goods\n")
    branch.commit()
    result = found(branch, "prod")
    assert {folder.name: why for folder, why in result.folders.items()} == {
        "forecast": ("the contract of shop/stock/stock-table, which it reads, changed",),
        "report": ("the contract of shop/orders/orders-table, which it reads, changed",),
        "stock": ("alchemesh.yaml changed",),
    }
    assert result.notes == (
        "shop/orders has no manifest any more: what is deployed stays until `alchemesh destroy shop/orders -e prod`",
        "shop/stock has no manifest any more: what is deployed stays until `alchemesh destroy shop/stock -e prod`",
        "readers in other repositories are unknown, since the registry was not read: no platform file that can be read "
        f"has prod in {branch.root} or above",
    )
    assert result.removed == ("shop/orders", "shop/stock")
    assert asked_by("main", branch.root, ("prod",)).removed == (
        Removed("shop/orders", "prod"),
        Removed("shop/stock", "prod"),
    )


def test_a_base_that_is_not_fetched_names_the_command_that_fetches_it(branch: Branch, tmp_path: Path) -> None:
    Branch.git(branch, "clone", "--quiet", "--single-branch", str(branch.root), str(tmp_path / "clone"))
    clone = Branch(tmp_path / "clone")
    with pytest.raises(BaseMissing) as missing:
        found(clone, base="origin/main")
    assert missing.value.message == "origin/main is not in this clone"
    assert missing.value.hint == (
        "run `git fetch origin main:refs/remotes/origin/main`; in a pipeline set fetch-depth: 0 for actions/checkout, "
        "GIT_DEPTH: 0 for GitLab"
    )
    assert missing.value.exit_code == ExitCode.USAGE
    clone.git("fetch", "--quiet", "origin", "main:refs/remotes/origin/main")
    assert found(clone, base="origin/main").folders == {}, "the command works"


def test_a_shallow_clone_names_its_fix(branch: Branch, tmp_path: Path) -> None:
    branch.edit("products/stock/jobs/clean.py", "...", "print()")
    branch.commit()
    branch.commit("more")
    branch.git("switch", "--quiet", "main")
    branch.commit("on main")
    source = f"file://{branch.root}"
    branch.git("clone", "--quiet", "--depth=1", "--no-single-branch", "--branch=work", source, str(tmp_path / "clone"))
    clone = Branch(tmp_path / "clone")
    with pytest.raises(
        BaseMissing, match="this clone is shallow: it lacks the common commit of origin/main"
    ) as missing:
        found(clone, base="origin/main")
    assert "git fetch --unshallow" in str(missing.value.hint)
    clone.git("fetch", "--quiet", "--unshallow")
    assert [folder.name for folder in found(clone, base="origin/main").folders] == ["stock"]


def test_branches_without_a_common_commit_are_compared_whole(branch: Branch) -> None:
    branch.git("switch", "--quiet", "--orphan", "other")
    branch.product("orders")
    branch.commit()
    result = found(branch)
    assert result.notes[0] == "this branch and main have no common commit: every difference counts as a change"
    assert result.folders == {}, "the one product is the same"


@pytest.mark.parametrize("base", ["--output=/tmp/x", "", "no such branch", "main:products", "$(touch x)"])
def test_a_base_that_is_no_commit_is_a_mistake_of_use(branch: Branch, base: str) -> None:
    with pytest.raises(BaseMissing):
        found(branch, base=base)


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("HEAD^{tree}", "HEAD^{tree} is a tree, expected a branch, tag or commit"),
        ("HEAD:products", "HEAD:products is a tree, expected a branch, tag or commit"),
        ("HEAD:products/orders/alchemesh.yaml", "HEAD:products/orders/alchemesh.yaml is a file, expected a branch, "
         "tag or commit"),
        ("main..HEAD", "main..HEAD is a range, expected one branch, tag or commit"),
        ("main...HEAD", "main...HEAD is a range, expected one branch, tag or commit"),
    ],
)  # fmt: skip
def test_a_base_of_another_kind_is_named_by_its_kind(branch: Branch, base: str, message: str) -> None:
    """The message once said that it is not in this clone, and named a command that fetches it."""
    with pytest.raises(BaseMissing) as wrong:
        found(branch, base=base)
    assert (wrong.value.message, wrong.value.hint) == (message, "for example origin/main")


def test_a_base_with_a_line_break_is_named_in_one_line(branch: Branch) -> None:
    with pytest.raises(BaseMissing) as missing:
        found(branch, base="nowhere\nerror: forged")
    assert missing.value.message == "nowhere error: forged is not in this clone"
    assert "\n" not in str(missing.value.hint)


def test_a_folder_outside_of_git_is_a_mistake_of_use(tmp_path: Path) -> None:
    with pytest.raises(NoRepository, match="git cannot read the repository of"):
        affected(Where(tmp_path), "main")


def test_a_machine_without_git_is_reported(branch: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoRepository, match="git is not installed"):
        found(branch)


def test_hostile_names_stay_whole_and_cannot_break_a_line(branch: Branch) -> None:
    hostile = ["a b", "-rf", "line\nbreak", 'quo"te', "\x1b[31m", "ünï", ":(top)x", "$(x)"]
    for name in hostile:
        branch.write(f"products/orders/{name}/{name}.py", "")
    branch.product("odd", folder="products/odd\n name")
    Path(os.fsdecode(os.fsencode(branch.root) + b"/products/stock/\xff.py")).write_text("")
    result = found(branch)
    assert {folder.name for folder in result.folders} == {"orders", "odd\n name", "stock"}
    [why] = result.folders[branch.root / "products/orders"]
    assert why.startswith("files changed: ")
    assert why.endswith("and 5 more")
    texts = [reason for each in result.folders.values() for reason in each]
    assert not any(char in text for text in texts for char in "\n\x1b\udcff"), "each is safe to show"


def test_a_submodule_affects_the_product_that_contains_it_and_the_products_in_it(
    branch: Branch, tmp_path: Path
) -> None:
    library = Branch.made(tmp_path / "library", "inner")
    library.git("switch", "--quiet", "main")
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.root))
    branch.git("switch", "--quiet", "main")
    branch.git(*add, "products/orders/library")
    branch.git(*add, "vendor")
    branch.commit()
    branch.git("switch", "--quiet", "--force-create", "work")
    library.write("README.md", "more")
    library.commit()
    for place in ("products/orders/library", "vendor"):
        branch.git("-C", place, "fetch", "--quiet", "origin")
        branch.git("-C", place, "checkout", "--quiet", "origin/main")
    branch.commit()
    changed = {str(folder.relative_to(branch.root)): why for folder, why in found(branch).folders.items()}
    assert set(changed) == {
        "products/orders",
        "products/orders/library/products/inner",
        "vendor/products/inner",
    }
    assert changed["vendor/products/inner"] == ("submodule vendor changed",)


def test_a_branch_that_edits_the_pipeline_is_reported(branch: Branch) -> None:
    branch.write(".github/workflows/alchemesh.yml", "on: push\n")
    assert found(branch) == Affected(
        {},
        (
            "this branch edits the pipeline (.github/workflows/alchemesh.yml): the comment and deployments on GitHub "
            "run as main has them until it is merged",
        ),
        4,
    )


@pytest.mark.parametrize("path", [".gitlab-ci.yml", "templates/alchemesh.yml"])
def test_gitlab_runs_an_edited_pipeline_as_the_branch_has_it(branch: Branch, path: str) -> None:
    branch.write(path, "include: []\n")
    assert found(branch).notes == (
        f"this branch edits the pipeline ({path}): GitLab runs its jobs as the branch has them, with GITLAB_TOKEN if "
        "the branch gets it",
    )


def test_a_product_at_the_root_has_no_pipeline_in_its_code(tmp_path: Path) -> None:
    branch = Branch.made(tmp_path / "repo")
    branch.product("orders", folder=".")
    branch.commit()
    branch.git("branch", "--force", "main")
    branch.write(".gitlab-ci.yml", "include: []\n")
    assert found(branch).folders == {}
    branch.write("sql/clean.sql", "select 1")
    assert [*found(branch).folders.values()] == [("files changed: sql/clean.sql",)]


def test_a_manifest_that_is_no_yaml_is_affected_and_affects_its_readers(branch: Branch) -> None:
    branch.write("products/orders/alchemesh.yaml", "{")
    assert {folder.name for folder in found(branch).folders} == {"orders", "report"}


def test_products_come_after_those_that_they_read(branch: Branch) -> None:
    branch.edit("products/stock/alchemesh.yaml", "type: integer", "type: string")
    asked, _notes, _removed = asked_by("main", branch.root, ("local",))
    assert [each.where.directory.name for each in asked] == ["forecast", "stock"]
    assert [each.where.directory.name for each in providers_first(asked)] == ["stock", "forecast"]
    branch.product("stock", "forecast")
    assert providers_first(asked) == asked, "a cycle keeps the order"


def test_two_manifests_with_one_address_are_both_listed(branch: Branch, monkeypatch: pytest.MonkeyPatch) -> None:
    branch.product("stock", folder="copies/stock")
    branch.product("stock", folder="shop/stock")
    branch.write("shop/odd/alchemesh.yaml", "{")
    branch.edit("products/stock/alchemesh.yaml", "type: integer", "type: string")
    monkeypatch.chdir(branch.root)
    asked, _notes, _removed = asked_by("main", branch.root, ("local",))
    ordered = [each.folder for each in providers_first(asked)]
    assert sorted(ordered) == ["copies/stock", "products/forecast", "products/stock", "shop/odd", "shop/stock"]
    assert ordered.index("products/forecast") > max(
        map(ordered.index, ("products/stock", "copies/stock", "shop/stock"))
    )


def test_paths_limit_the_products(branch: Branch) -> None:
    branch.edit("products/orders/jobs/clean.py", "...", "print()")
    branch.edit("products/stock/jobs/clean.py", "...", "print()")
    limited = affected(Where(branch.root), "main", paths=[branch.root / "products/stock"])
    assert [folder.name for folder in limited.folders] == ["stock"]
    by_file = affected(Where(branch.root), "main", paths=[branch.root / "products/orders/alchemesh.yaml"])
    assert [folder.name for folder in by_file.folders] == ["orders"]


@pytest.mark.slow
def test_500_products_that_change_at_once_are_all_found_in_seconds(tmp_path: Path) -> None:
    names = [f"product-{number}" for number in range(499)]
    branch = Branch.made(tmp_path / "repo", *names, report="product-7")
    for name in names:
        branch.edit(f"products/{name}/alchemesh.yaml", "type: integer", "type: string")
    branch.commit()
    started = time.process_time()
    result = found(branch)
    assert (len(result.folders), result.total) == (500, 500)
    assert time.process_time() - started < 20, "each manifest is read twice, and git starts a few times"


def test_before_the_first_commit_of_a_branch_every_product_is_affected(branch: Branch) -> None:
    """A forge names the commit before a new branch with zeros."""
    result = found(branch, base="0" * 40)
    assert len(result.folders) == result.total == 4
    assert result.notes == ("there is no earlier commit to compare with",)
