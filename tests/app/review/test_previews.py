"""Several previews at once: each is independent of the others, and their number is bounded."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from alchemesh_platform.app.events import Listener
from alchemesh_platform.app.review.previews import Act, Previewed, asked_for, ports_of_others, previews
from alchemesh_platform.app.where import Composed, Where, read_product
from alchemesh_platform.base.failure import ExitCode, Failure
from alchemesh_platform.base.problems import Location, Problem
from alchemesh_platform.deployment.checks.governance import Forbidden
from alchemesh_platform.deployment.report.outcome import Outcome
from alchemesh_platform.deployment.report.progress import Progress
from tests.app.small import MANIFEST
from tests.waiting import LONGEST

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def repos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "alchemesh.yaml").write_text(MANIFEST.format(name=name), "utf-8")
    return [Path(name) for name in NAMES]


class Locked(Failure):
    """A failure with the exit code of a lock."""

    exit_code = ExitCode.LOCKED


def outcome_of(product: Composed) -> Outcome:
    return Outcome(product.plan.product.address, "local", "preview", "succeeded", 0.0, Progress(product.plan))


def fine(product: Composed, _listen: Listener, _cancel: threading.Event) -> Outcome:
    return outcome_of(product)


def failing(failures: dict[str, BaseException]) -> Act:
    def act(product: Composed, _listen: Listener, _cancel: threading.Event) -> Outcome:
        if (failure := failures.get(product.plan.product.name)) is not None:
            raise failure
        return outcome_of(product)

    return act


def test_the_failure_of_one_hides_no_other(repos: list[Path]) -> None:
    problem = Problem(Location("b/alchemesh.yaml", 3), "name", "found a name that a policy forbids")
    act = failing({"b": Forbidden([problem]), "c": Locked("the stack is locked"), "d": ZeroDivisionError("division")})
    Path("e/alchemesh.yaml").write_text("kind: DataProduct\nname: e\n", "utf-8")
    Path("f/alchemesh.yaml").unlink()
    told: list[Previewed] = []
    done = previews(asked_for(repos, ["local"]), act=act, listen=told.append)

    assert [(one.asked.folder, one.word, one.exit_code()) for one in done.each] == [
        ("a", "succeeded", ExitCode.DONE),
        ("b", "refused", ExitCode.FORBIDDEN),
        ("c", "failed", ExitCode.LOCKED),
        ("d", "failed", ExitCode.FAILED),
        ("e", "failed", ExitCode.PROBLEMS),
        ("f", "failed", ExitCode.PROBLEMS),
    ]
    assert sorted(one.asked.folder for one in told) == list(NAMES)
    assert done.exit_code() is ExitCode.FAILED
    document = done.as_json()
    assert document["outcome"] == "failed"
    assert document["counts"] == {
        "previews": 6, "changed": 0, "failed": 4, "refused": 1, "cancelled": 0, "unchanged": 1,
    }  # fmt: skip
    _, forbidden, _, unexpected, invalid, missing = document["previews"]
    assert [each["message"] for each in forbidden["problems"]] == ["found a name that a policy forbids"]
    assert forbidden["error"]["message"] == "a policy forbids it"
    assert unexpected["error"]["message"] == "unexpected error: ZeroDivisionError: division"
    assert {each["file"] for each in invalid["problems"]} == {"e/alchemesh.yaml"}
    assert [each["message"] for each in missing["problems"]] == ["no such file"]
    assert missing["commands"][0] == ["alchemesh", "preview", "-C", "f", "-e", "local"]


def test_an_offline_preview_is_repeated_offline_also_if_it_failed(repos: list[Path]) -> None:
    Path("b/alchemesh.yaml").unlink()
    asked = [replace(each, offline=True) for each in asked_for(repos[:2], ["local"])]
    documents = previews(asked, act=fine).as_json()["previews"]
    again = ["alchemesh", "preview", "-C", "a", "-e", "local", "--offline"]
    assert documents[0]["commands"] == [again, ["alchemesh", "up", "-C", "a", "-e", "local"]]
    assert documents[1]["commands"][0][-1] == "--offline"
    assert [each["offline"] for each in documents] == [True, True]


@pytest.mark.parametrize("end", [SystemExit(0), KeyboardInterrupt(), GeneratorExit()])
def test_an_error_that_ends_programs_hides_no_other(repos: list[Path], end: BaseException) -> None:
    """It ended the command with a traceback, or in silence, and the document was lost."""
    done = previews(asked_for(repos[:2], ["local"]), act=failing({"a": end}))
    assert [one.word for one in done.each] == ["failed", "succeeded"]
    assert done.exit_code() == ExitCode.FAILED
    failure = done.each[0].failure
    assert failure is not None
    assert failure.message == f"unexpected error: {type(end).__name__}: {end}"


def test_an_invalid_product_has_the_problems_of_its_platform_file_too(repos: list[Path]) -> None:
    Path("platform.yaml").write_text("environments: {prod: {componets: {}}}\n", "utf-8")
    Path("a/alchemesh.yaml").write_text("kind: DataProduct\nname: a\n", "utf-8")
    [one] = previews(asked_for([Path("a")], ["prod"], platform_file=Path("platform.yaml")), act=fine).each
    assert {problem.location.file for problem in one.problems} == {"a/alchemesh.yaml", "platform.yaml"}


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ({}, ExitCode.DONE),
        ({"a": Forbidden([])}, ExitCode.FORBIDDEN),
        ({"a": Forbidden([]), "b": Locked("locked")}, ExitCode.LOCKED),
        ({"a": Locked("locked"), "b": Failure("down")}, ExitCode.FAILED),
    ],
)
def test_the_exit_code_is_that_of_the_gravest_one(
    repos: list[Path], failures: dict[str, Exception], code: ExitCode
) -> None:
    assert previews(asked_for(repos, ["local"]), act=failing(failures)).exit_code() is code


def test_a_product_without_a_record_has_its_exit_code_in_a_pipeline(repos: list[Path]) -> None:
    def unrecorded(product: Composed, _listen: Listener, _cancel: threading.Event) -> Outcome:
        return replace(outcome_of(product), is_recorded=product.plan.product.name != "a")

    done = previews(asked_for(repos, ["local"]), act=unrecorded)
    assert done.exit_code() is ExitCode.DONE
    assert done.exit_code(strict=True) is ExitCode.UNRECORDED


def test_no_more_previews_run_at_a_time_than_asked(repos: list[Path]) -> None:
    running, most, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2, timeout=LONGEST)

    def act(product: Composed, _listen: Listener, _cancel: threading.Event) -> Outcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        both.wait()  # six previews in pairs: two do run at a time
        with lock:
            running -= 1
        return outcome_of(product)

    done = previews(asked_for(repos, ["local"]), act=act, jobs=2)
    assert most == 2
    assert [one.asked.folder for one in done.each] == list(NAMES)


def test_previews_that_have_not_started_do_not_run_after_a_stop(repos: list[Path]) -> None:
    cancel = threading.Event()

    def act(product: Composed, _listen: Listener, stop: threading.Event) -> Outcome:
        stop.set()
        return outcome_of(product)

    done = previews(asked_for(repos, ["local"]), act=act, jobs=1, cancel=cancel)
    assert [one.word for one in done.each] == ["succeeded", *["cancelled"] * 5]
    assert done.exit_code() is ExitCode.FAILED
    assert done.as_json()["outcome"] == "cancelled"


def test_each_product_is_previewed_in_each_environment_once(repos: list[Path]) -> None:
    asked = asked_for([repos[0], repos[0] / "alchemesh.yaml", repos[1]], ["local", "prod"])
    assert [(one.folder, one.where.environment) for one in asked] == [
        ("a", "local"), ("a", "prod"), ("b", "local"), ("b", "prod"),
    ]  # fmt: skip
    done = previews(asked, act=fine)
    assert [one.word for one in done.each] == ["succeeded", "failed"] * 2
    assert done.each[1].as_json()["error"]["message"] == "no environment 'prod'"


def test_ports_that_other_previews_add_are_those_of_the_same_environment(repos: list[Path]) -> None:
    """A branch that added a provider and its reader had a failed preview, and its deployment succeeded."""
    reads = "input_ports:\n" + "".join(
        f"  - {{name: from-{name}, from: {{data_product: shop/{name}, output_port: {port}}}, "
        "component: data-product-input}\n"
        for name, port in (("b", "b-table"), ("c", "other"), ("x", "x-table"))
    )
    Path("a/alchemesh.yaml").write_text(MANIFEST.format(name="a") + reads, "utf-8")
    Path("d/alchemesh.yaml").write_text("name: [", "utf-8")
    plan = read_product(Where(Path("a"))).plan
    assert [*ports_of_others(plan, asked_for(repos, ["local"]))] == ["shop/b/b-table"]
    assert [*ports_of_others(plan, asked_for(repos, ["prod"]))] == []
    assert [*ports_of_others(plan, asked_for([Path("a"), Path("c")], ["local"]))] == []


def test_nothing_to_preview_succeeds() -> None:
    done = previews([], act=fine)
    assert (done.exit_code(detailed=True), done.as_json()["outcome"]) == (ExitCode.DONE, "succeeded")
