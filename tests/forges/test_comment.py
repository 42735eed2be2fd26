"""One comment on each merge request of GitHub and GitLab, against servers that speak their APIs."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alchemesh_platform.app.review.comment import TokenMissing, post_comment
from alchemesh_platform.forges import client as module
from alchemesh_platform.forges.client import ForgeFailure, TokenRefused
from alchemesh_platform.forges.github import github_client
from alchemesh_platform.forges.heal import SETTLED, Act, Comment, Posted, Run, heal, marked
from alchemesh_platform.forges.place import NoMergeRequest, Place, place_of

from .fakes import TOKEN, Answer, Fault, Forge, GitHub, GitLab, job_of, served

EVENT = {"pull_request": {"number": 7, "head": {"sha": "a" * 40}}}


@pytest.fixture(params=[GitHub, GitLab])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    with served(request.param()) as made:
        yield made


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between tries, which tests do not wait for."""
    waited: list[float] = []

    def waiting(_cancel: threading.Event) -> Any:
        return waited.append

    monkeypatch.setattr(module, "waiting", waiting)
    return waited


def placed(forge: Forge, folder: Path, event: Any = EVENT, **job: Any) -> tuple[Place, dict[str, str]]:
    environ = job_of(forge, **job)
    if isinstance(forge, GitHub):
        file = folder / "event.json"
        file.write_text(json.dumps(event))
        environ["GITHUB_EVENT_PATH"] = str(file)
    return place_of(environ), environ


def post(forge: Forge, folder: Path, text: str, **options: Any) -> Posted:
    job = {name: options.pop(name) for name in ("run", "attempt", "event", "commit") if name in options}
    place, environ = placed(forge, folder, **job)
    return post_comment(place, text, environ=environ, **options)


def test_a_comment_is_created_once_and_then_updated(forge: Forge, tmp_path: Path) -> None:
    assert post(forge, tmp_path, "one", run=10) == Posted("created")
    assert post(forge, tmp_path, "one", run=10) == Posted("unchanged")
    assert post(forge, tmp_path, "two", run=11) == Posted("updated")
    assert forge.mine == [marked("two", "preview", Run(11))]


def test_the_comment_is_found_behind_pages_of_other_comments(forge: Forge, tmp_path: Path) -> None:
    for number in range(5):
        forge.say("ada", f"comment {number}")
    post(forge, tmp_path, "one")
    for number in range(5):
        forge.say("bo", f"comment {number}")
    assert post(forge, tmp_path, "two", run=11).act == "updated"
    assert len(forge.mine) == 1
    assert len(forge.comments) == 11


def test_a_marker_in_the_comment_of_another_person_changes_nothing(forge: Forge, tmp_path: Path) -> None:
    forge.say("mallory", marked("all is well", "preview", Run(999)))
    forge.say(forge.me, "a comment of the same user about something else")
    assert post(forge, tmp_path, "one").act == "created"
    assert forge.mine[1:] == [marked("one", "preview", Run(10))]
    assert forge.comments[101]["body"] == marked("all is well", "preview", Run(999))


def test_an_older_run_does_not_overwrite_a_newer_one(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path, "newer", run=11)
    assert post(forge, tmp_path, "older", run=10, attempt=3).act == "outdated"
    assert post(forge, tmp_path, "again", run=11, attempt=2).act == "updated"
    assert forge.mine == [marked("again", "preview", Run(11, 2))]


def test_a_run_of_an_older_commit_leaves_the_comment_to_the_run_of_the_newer_one(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path, "one", run=10)
    forge.head = "b" * 40
    assert post(forge, tmp_path, "two", run=11).act == "outdated"
    assert forge.mine == [marked("one", "preview", Run(10))]


def test_copies_are_merged_into_the_oldest_comment_with_the_newest_text(forge: Forge, tmp_path: Path) -> None:
    for run in (8, 12, 9):
        forge.say(forge.me, marked(f"run {run}", "preview", Run(run)))
    assert post(forge, tmp_path, "run 10") == Posted("outdated", 2)
    assert forge.comments == {101: {"author": forge.me, "body": marked("run 12", "preview", Run(12))}}


def test_comments_with_other_keys_stay(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path, "preview")
    assert post(forge, tmp_path, "drift", key="drift").act == "created"
    assert len(forge.mine) == 2


def test_nothing_to_say_replaces_an_older_comment_and_creates_none(forge: Forge, tmp_path: Path) -> None:
    assert post(forge, tmp_path, "none affected", only_replace=True).act == "nothing"
    assert forge.mine == []
    post(forge, tmp_path, "changes", run=11)
    assert post(forge, tmp_path, "none affected", run=12, only_replace=True).act == "updated"
    assert forge.mine == [marked("none affected", "preview", Run(12))]


def test_a_comment_that_a_person_changed_is_written_again(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path, "one")
    forge.comments[101]["body"] = forge.comments[101]["body"].replace("one", "looks good")
    assert post(forge, tmp_path, "one").act == "updated"
    assert forge.mine == [marked("one", "preview", Run(10))]


def test_two_runs_at_once_leave_one_comment_of_the_newer_run(forge: Forge, tmp_path: Path) -> None:
    """Both find no comment and create one."""
    both, created = threading.Barrier(2, timeout=60), []

    def before(method: str) -> None:
        if method == "POST" and len(created) < 2:
            created.append(method)
            both.wait()

    forge.before = before
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with ThreadPoolExecutor(2) as pool:
        older = pool.submit(post, forge, tmp_path / "a", "older", run=10)
        newer = pool.submit(post, forge, tmp_path / "b", "newer", run=11)
        acts = older.result(60).act, newer.result(60).act
    assert forge.mine == [marked("newer", "preview", Run(11))]
    assert acts[0] in ("outdated", "created", "nothing")
    assert acts[1] in ("created", "updated")


def test_the_text_of_a_newer_run_between_the_look_and_the_change_stays(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path, "one", run=9)

    def before(method: str) -> None:
        if method == "GET" and forge.requests[-1].endswith("/101"):
            forge.comments[101]["body"] = marked("newer", "preview", Run(11))

    forge.before = before
    assert post(forge, tmp_path, "older", run=10).act == "outdated"
    assert forge.mine == [marked("newer", "preview", Run(11))]


def test_the_text_of_an_older_run_that_comes_late_is_replaced(forge: Forge, tmp_path: Path) -> None:
    place, environ = placed(forge, tmp_path, run=11)
    paused: list[float] = []

    def overwritten(seconds: float) -> None:
        if not paused:
            forge.comments[101]["body"] = marked("older", "preview", Run(10))
        paused.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "waiting", lambda _cancel: overwritten)
        assert post_comment(place, "newer", environ=environ).act == "created"
    assert paused == [SETTLED]
    assert forge.mine == [marked("newer", "preview", Run(11))]


def once(method: str, answer: Answer) -> Fault:
    """A fault of the first request with a method."""
    seen: list[str] = []

    def fault(found: str, _path: str, _number: int) -> Answer | None:
        if found == method and not seen:
            seen.append(found)
            return answer
        return None

    return fault


FAULTS = {
    "unavailable": Answer(503, {"message": "try later"}),
    "bad gateway": Answer(502, text="<html>Bad gateway</html>"),
    "closed": Answer(0, dropped=True),
    "limited": Answer(429, {"message": "slow down"}, {"Retry-After": "7"}),
    "secondary limit": Answer(403, {"message": "You have exceeded a secondary rate limit"}, {"Retry-After": "9"}),
    "not json": Answer(200, text="<html>Sign in to the proxy</html>"),
    "empty": Answer(200, text=""),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("method", ["GET", "POST", "change", "DELETE"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_a_fault_in_any_step_leaves_one_comment(
    forge: Forge, tmp_path: Path, fault: Answer, method: str, late: bool
) -> None:
    """A fault after a request was carried out makes the client repeat it: the copy is removed."""
    if method in ("change", "DELETE"):
        forge.say(forge.me, marked("before", "preview", Run(8)))
    if method == "DELETE":
        forge.say(forge.me, marked("before", "preview", Run(9)))
    changing = "PATCH" if isinstance(forge, GitHub) else "PUT"
    injected = once(changing if method == "change" else method, fault)
    forge.fault, forge.late = (None, injected) if late else (injected, None)
    assert post(forge, tmp_path, "now").act in ("created", "updated")
    assert forge.mine == [marked("now", "preview", Run(10))]


def test_the_client_waits_as_long_as_the_server_asks(forge: Forge, tmp_path: Path, no_waiting: list[float]) -> None:
    forge.fault = once("POST", Answer(429, {}, {"Retry-After": "7"}))
    post(forge, tmp_path, "now")
    assert no_waiting == [7.0, SETTLED]


def test_the_client_waits_until_the_limit_of_github_ends(tmp_path: Path, no_waiting: list[float]) -> None:
    """GitHub answers 403 with the second from which requests are allowed, and no time to wait."""
    with served(GitHub()) as forge:
        limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 60)}
        forge.fault = once("POST", Answer(403, {"message": "API rate limit exceeded"}, limits))
        assert post(forge, tmp_path, "now").act == "created"
    waited, settled = no_waiting
    assert 0 < waited <= 61
    assert settled == SETTLED


def test_a_limit_that_ends_too_late_is_reported_at_once(forge: Forge, tmp_path: Path, no_waiting: list[float]) -> None:
    forge.fault = lambda _method, _path, _number: Answer(429, {}, {"Retry-After": "3600"})
    with pytest.raises(ForgeFailure, match="too many requests; it asks to wait 3600 s") as failed:
        post(forge, tmp_path, "now")
    assert re.fullmatch(r"run the job again after 20\d\d-\d\d-\d\d \d\d:\d\d UTC", failed.value.hint or "")
    assert no_waiting == []


def test_an_answer_of_endless_brackets_is_asked_for_again(
    forge: Forge, tmp_path: Path, no_waiting: list[float]
) -> None:
    forge.fault = once("POST", Answer(200, text="[" * 100_000))
    assert post(forge, tmp_path, "now").act == "created"
    assert no_waiting == [1.0, SETTLED]


def test_a_limit_of_years_has_no_date(forge: Forge, tmp_path: Path, no_waiting: list[float]) -> None:
    forge.fault = lambda _method, _path, _number: Answer(429, {}, {"Retry-After": "9" * 20})
    with pytest.raises(ForgeFailure) as failed:
        post(forge, tmp_path, "now")
    assert failed.value.hint == "run the job again later"


def test_a_redirect_is_reported_with_the_address_of_the_api(
    forge: Forge, tmp_path: Path, no_waiting: list[float]
) -> None:
    forge.fault = lambda _method, _path, _number: Answer(302, {}, {"Location": "https://elsewhere.example/"})
    with pytest.raises(ForgeFailure, match="302 Found") as failed:
        post(forge, tmp_path, "now")
    address = placed(forge, tmp_path)[0].api
    assert failed.value.hint == (
        f"check the address of the API in the variables of the job: {address} redirects to another address, "
        "which does not get the token"
    )
    assert no_waiting == []


def test_a_refusal_has_the_message_of_the_forge_and_a_hint(forge: Forge, tmp_path: Path) -> None:
    forge.fault = lambda _method, _path, _number: Answer(422, {"message": "Validation\nFailed"})
    with pytest.raises(ForgeFailure, match=r"422 Unprocessable \w+, 'Validation Failed'$") as failed:
        post(forge, tmp_path, "now")
    assert failed.value.hint == (
        "check the address of the API and the number of the merge request in the variables of the job"
    )


def test_a_request_waits_no_longer_than_the_limit_of_the_command(forge: Forge, tmp_path: Path) -> None:
    """`--timeout 6` once waited 30 seconds for the first answer."""
    forge.fault = lambda _method, _path, _number: Answer(200, {}, slow=2.0)
    place, environ = placed(forge, tmp_path)
    with pytest.raises(ForgeFailure, match="Timeout"):
        post_comment(place, "now", environ=environ, longest=0.3)


def test_a_server_that_stays_down_is_reported_after_several_tries(
    forge: Forge, tmp_path: Path, no_waiting: list[float]
) -> None:
    forge.fault = lambda _method, _path, _number: Answer(503, {"message": "down"})
    with pytest.raises(ForgeFailure, match="503 Service Unavailable"):
        place, environ = placed(forge, tmp_path)
        post_comment(place, "now", environ=environ, longest=2.5)
    assert no_waiting[:1] == [1.0]


def test_a_slow_answer_is_asked_for_again(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float]
) -> None:
    made = module.Client.__init__

    def impatient(self: module.Client, *args: Any, **options: Any) -> None:
        made(self, *args, **{**options, "longest_request": 0.3})

    monkeypatch.setattr(module.Client, "__init__", impatient)
    forge.fault = once("POST", Answer(200, {}, slow=2.0))
    assert post(forge, tmp_path, "now").act == "created"
    assert no_waiting == [1.0, SETTLED]
    assert forge.mine == [marked("now", "preview", Run(10))]


def test_a_refused_token_is_reported_without_its_text(forge: Forge, tmp_path: Path) -> None:
    place, environ = placed(forge, tmp_path)
    environ = {name: f"{TOKEN}-wrong" if value == TOKEN else value for name, value in environ.items()}
    with pytest.raises(TokenRefused) as refused:
        post_comment(place, "now", environ=environ)
    assert "401" in refused.value.message
    assert "the token needs" in str(refused.value.hint)
    assert TOKEN not in f"{refused.value.message}{refused.value.hint}{refused.value!r}"


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
def test_a_line_feed_at_the_end_of_a_token_is_no_part_of_it(forge: Forge, tmp_path: Path, end: str) -> None:
    place, environ = placed(forge, tmp_path)
    environ = {name: f"{value}{end}" if value == TOKEN else value for name, value in environ.items()}
    assert post_comment(place, "now", environ=environ).act == "created"


@pytest.mark.parametrize("wrong", ["a\nb", "t\u00f6ken", "a\x00b", "a\u200bb"])
def test_a_token_with_characters_that_no_token_has_is_refused_without_its_text(
    forge: Forge, tmp_path: Path, wrong: str
) -> None:
    place, environ = placed(forge, tmp_path)
    environ = {name: f"{TOKEN}{wrong}" if value == TOKEN else value for name, value in environ.items()}
    with pytest.raises(TokenMissing, match="TOKEN has characters that no token has") as refused:
        post_comment(place, "now", environ=environ)
    assert TOKEN not in f"{refused.value.message}{refused.value.hint}{refused.value!r}"
    assert forge.requests == []


@pytest.mark.parametrize("wrong", ["a\nb", "t\u00f6ken"])
def test_a_request_that_cannot_be_sent_is_reported_at_once_without_the_token(
    forge: Forge, wrong: str, no_waiting: list[float]
) -> None:
    client = github_client(forge.address, f"{TOKEN}{wrong}", wait=no_waiting.append)
    with pytest.raises(ForgeFailure, match="GET /user cannot be sent to GitHub: ") as failed:
        client.get("/user")
    assert TOKEN not in f"{failed.value.message}{failed.value.hint}{failed.value!r}{failed.value.__cause__}"
    assert no_waiting == []


@pytest.mark.parametrize("address", ["api.github.com", "http://[::1"])
def test_a_wrong_address_of_the_api_is_reported_at_once(address: str, no_waiting: list[float]) -> None:
    client = github_client(address, TOKEN, wait=no_waiting.append)
    with pytest.raises(ForgeFailure, match="GET /user cannot be sent to GitHub: "):
        client.get("/user")
    assert no_waiting == []


@pytest.mark.parametrize("user", [[], {}, {"login": None, "username": None}, "ada", None])
def test_an_answer_without_a_user_is_reported(forge: Forge, tmp_path: Path, user: Any) -> None:
    forge.fault = lambda _method, path, _number: Answer(200, user) if path.endswith("/user") else None
    with pytest.raises(ForgeFailure, match="with something other than a user"):
        post(forge, tmp_path, "now")
    assert forge.mine == []


def test_a_missing_token_is_reported_with_the_way_to_set_it(forge: Forge, tmp_path: Path) -> None:
    place, environ = placed(forge, tmp_path)
    with pytest.raises(TokenMissing, match="TOKEN is not set"):
        post_comment(place, "now", environ={name: value for name, value in environ.items() if value != TOKEN})
    assert forge.requests == []


def test_the_token_goes_to_no_other_server(forge: Forge, tmp_path: Path) -> None:
    """A page that leads elsewhere, or a redirection, would receive the header with the token."""
    elsewhere = {"Link": '<http://127.0.0.1:9/steal?page=2>; rel="next"'}

    def fault(_method: str, path: str, _number: int) -> Answer | None:
        return Answer(200, [], elsewhere) if path.endswith(("comments", "notes")) else None

    forge.fault = fault
    with pytest.raises(ForgeFailure, match="at another address"):
        post(forge, tmp_path, "now")
    forge.fault = lambda _method, _path, _number: Answer(302, {}, {"Location": "http://127.0.0.1:9/steal"})
    with pytest.raises(ForgeFailure, match="302"):
        post(forge, tmp_path, "now")


def test_the_token_of_a_job_on_github_finds_its_own_comments(tmp_path: Path) -> None:
    """It may not read its user in the REST API: GraphQL answers, and without it, the name is known."""
    with served(GitHub(me="github-actions[bot]", may_see_itself=False)) as forge:
        assert post(forge, tmp_path, "one").act == "created"
        forge.fault = lambda _method, path, _number: Answer(404, {}) if path == "/graphql" else None
        assert post(forge, tmp_path, "two", run=11).act == "updated"
        assert forge.mine == [marked("two", "preview", Run(11))]


def test_only_a_refusal_makes_the_name_of_the_token_of_a_job_known(tmp_path: Path) -> None:
    """With the name of another user, every run would add a comment."""
    with served(GitHub(may_see_itself=False)) as forge:
        forge.fault = lambda _method, path, _number: Answer(503, {}) if path == "/graphql" else None
        place, environ = placed(forge, tmp_path)
        with pytest.raises(ForgeFailure, match="503 Service Unavailable"):
            post_comment(place, "one", environ=environ, longest=2.5)
        forge.fault = lambda _method, path, _number: Answer(200, {"data": None}) if path == "/graphql" else None
        with pytest.raises(ForgeFailure, match="with something other than a user"):
            post(forge, tmp_path, "one")
        assert forge.mine == []


def finished(**fields: Any) -> dict[str, Any]:
    """The event of a finished workflow whose branch is in a fork: GitHub leaves its pull requests out."""
    run = {
        "id": 10,
        "run_attempt": 2,
        "head_sha": "a" * 40,
        "head_branch": "feature",
        "head_repository": {"owner": {"login": "mallory"}},
        "pull_requests": [],
    }
    return {"workflow_run": {**run, **fields}}


def test_the_second_step_finds_the_pull_request_of_a_fork(tmp_path: Path) -> None:
    with served(GitHub()) as forge:
        assert post(forge, tmp_path, "one", event=finished(), run=99).act == "created"
        assert forge.mine == [marked("one", "preview", Run(10, 2))], "the order is that of the first step"
        forge.open = False
        assert post(forge, tmp_path, "two", event=finished(id=11)).act == "nothing"


def test_the_second_step_takes_the_number_from_the_event(tmp_path: Path) -> None:
    with served(GitHub()) as forge:
        event = finished(pull_requests=[{"number": 7}])
        assert post(forge, tmp_path, "one", event=event).act == "created"
        assert [each for each in forge.requests if "/pulls" in each] == []


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "no job of GitHub or GitLab"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/mesh"}, "about no pull request"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "../etc"}, "names no repository"),
        ({"GITLAB_CI": "true", "CI_API_V4_URL": "http://127.0.0.1/api/v4", "CI_PROJECT_ID": "42"}, "no merge request"),
    ],
)
def test_a_job_without_a_merge_request_is_told_apart(environ: dict[str, str], message: str) -> None:
    with pytest.raises(NoMergeRequest, match=message) as found:
        place_of(environ)
    assert found.value.hint


def test_a_merge_request_from_a_fork_on_gitlab_belongs_to_its_target_project() -> None:
    environ = job_of(GitLab()) | {"CI_MERGE_REQUEST_PROJECT_ID": "1", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "c" * 40}
    place = place_of(environ)
    assert (place.project, place.commit) == ("1", "c" * 40)


class Model:
    """A merge request in memory: other runs act between two requests of one."""

    def __init__(self, others: list[tuple[str, int]]) -> None:
        self.others = others
        self.found: dict[int, Comment] = {}
        self.last = 0

    def address(self) -> str:
        return "acme/mesh#7"

    def author(self) -> str:
        return "me"

    def head(self) -> str | None:
        return None

    def comments(self) -> list[Comment]:
        found = sorted(self.found.values())
        self.interrupt()
        return found

    def comment(self, number: int) -> Comment:
        if number not in self.found:
            raise module.NotThere("gone")
        return self.found[number]

    def create(self, body: str) -> Comment:
        self.last += 1
        self.found[self.last] = Comment(self.last, "me", body)
        return self.found[self.last]

    def update(self, number: int, body: str) -> None:
        if number not in self.found:
            raise module.NotThere("gone")
        self.found[number] = self.found[number]._replace(body=body)
        self.interrupt()

    def delete(self, number: int) -> None:
        if self.found.pop(number, None) is None:
            raise module.NotThere("gone")

    def interrupt(self) -> None:
        if self.others:
            act, run = self.others.pop(0)
            if act == "create":
                self.create(marked(f"run {run}", "preview", Run(run)))
            elif act == "delete" and self.found:
                self.found.pop(max(self.found))


@given(
    st.lists(st.tuples(st.sampled_from(["create", "delete"]), st.integers(1, 20)), max_size=3),
    st.lists(st.integers(1, 20), max_size=3),
)
def test_whatever_other_runs_do_one_comment_stays_with_a_text_that_is_not_older(
    others: list[tuple[str, int]], before: list[int]
) -> None:
    request = Model(others)
    for run in before:
        request.create(marked(f"run {run}", "preview", Run(run)))
    posted = heal(request, "run 10", Run(10))
    acts: tuple[Act, ...] = ("created", "updated", "unchanged", "outdated")
    assert posted.act in acts
    # The last other act may come after the last look; the next run heals it.
    request.others = []
    heal(request, "run 10", Run(10))
    [comment] = request.found.values()
    assert comment.body in {marked(f"run {run}", "preview", Run(run)) for run in range(10, 21)}


def test_a_place_does_not_show_a_token() -> None:
    place = place_of(job_of(GitLab()))
    assert TOKEN not in repr(replace(place, project="1"))
