"""The output of ``--wait`` and ``--watch``: from records to the lines of a terminal, and to those of a log."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from rich.console import Console

from belay.approval.asked import AskedApproval
from belay.approval.principal import Principal
from belay.approval.seal import Seal
from belay.errors import ServiceUnavailable
from belay.release.attempt import Attempt, Transition
from belay.release.life import State
from belay.release.reason import from_document
from belay.release.records import Outcome, Upload
from belay.rollback.plan import Action, Kind, Risk, Step
from belay.rollback.question import AskedQuestion
from belay.rollback.taken import StepTaken
from belay.stack.plan import Progress
from belay.subject.life import IncidentState
from cli import follow
from cli.follow import FollowScreen, ended, ended_lines
from cli.views.followed import NOT_OPENED, Followed, StageFollowed, approval, questions, usual_seconds, worked
from cli.views.followed_lines import news, now_lines, still
from cli.views.incidents import IncidentLine, IncidentShown
from cli.views.stacks import ResourceNow, StackNow
from cli.views.stage_track import track

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DIGEST = "0123456789ab" + "5" * 52
UPLOAD = Upload("orders", "releases", "releases/orders/orders-1.3.0.zip", "v1", 4711)


def at(minutes: float) -> str:
    return (BEGAN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


def line(minutes: float, what: State, stage: str | None = "production", **more: Any) -> Transition:
    return Transition(at(minutes), what, stage, **more)


HISTORY = (
    line(0, State.CLAIMED, None),
    line(0.1, State.CHECKED, None),
    line(0.2, State.PLANNING),
    line(1, State.AWAITING_APPROVAL),
    line(61, State.APPROVED, detail="approved by ana"),
    line(62, State.EXECUTING, about="service"),
)
NETWORK = StackNow("network", "orders-network", Progress.EXECUTED, ("ADDS Vpc",), unseen="")
SERVICE = StackNow(
    "service",
    "orders-service",
    Progress.EXECUTING,
    ("CHANGES Queue", "CHANGES Service", "ADDS Role"),
    (
        ResourceNow("Queue", "AWS::SQS::Queue", "UPDATE_COMPLETE", "", at(62), at(62.5)),
        ResourceNow("Service", "AWS::ECS::Service", "UPDATE_IN_PROGRESS", "", at(62.5), None),
    ),
)


def followed(history: tuple[Transition, ...] = HISTORY, **more: Any) -> Followed:
    lines = tuple(each for each in history if each.stage)
    stacks = (NETWORK, SERVICE) if any(each.what is State.EXECUTING for each in lines) else ()
    stages = () if not lines else (StageFollowed(track(history, "production"), lines, stacks, usual=300),)
    known: dict[str, Any] = {"stages": stages, "lines": tuple(each for each in history if not each.stage)}
    return Followed("0f1e", "orders/1.3.0", history[-1].words, history[0].at, **(known | more))


def shown(minutes: float, *seen: Followed) -> list[str]:
    return [each.text for each in now_lines(seen, BEGAN + timedelta(minutes=minutes))]


def test_a_release_is_shown_with_its_stages_stacks_and_resources() -> None:
    assert shown(64, followed()) == [
        "orders/1.3.0  EXECUTING service, since 1 h 4 min",
        "  production   deploy: EXECUTING service, 3 min of about 5 min",
        "    network        EXECUTED, 0 of 1 resources",
        "    service        EXECUTING, 1 of 3 resources",
        "      Service                UPDATE_IN_PROGRESS, 1 min",
    ]


def test_a_stage_that_has_ended_is_one_line() -> None:
    ended = (*HISTORY, line(66, State.STAGE_ENDED, outcome=Outcome.DEPLOYED))
    assert shown(90, followed(ended)) == [
        "orders/1.3.0  STAGE DEPLOYED, since 1 h 30 min",
        "  production   DEPLOYED, 5 min",
    ]


def test_the_time_that_people_took_does_not_count() -> None:
    stage = [each for each in HISTORY if each.stage]
    assert worked(stage, BEGAN + timedelta(minutes=64)) == round(3.8 * 60)
    deployed = [*HISTORY, line(66, State.STAGE_ENDED, outcome=Outcome.DEPLOYED)]
    failed = [*HISTORY, line(90, State.STAGE_ENDED, outcome=Outcome.ROLLED_BACK)]
    assert usual_seconds([deployed, failed], "production") == round(5.8 * 60)
    assert usual_seconds([failed, []], "production") is None


def test_why_a_resource_failed_is_shown_at_once() -> None:
    failed = ResourceNow("Service", "AWS::ECS::Service", "UPDATE_FAILED", "no capacity", at(62), at(63))
    one = followed()
    stage = replace(one.stages[0], stacks=(replace(SERVICE, resources=(failed,)),))
    seen = replace(one, stages=(stage,))
    assert "      Service                UPDATE_FAILED: no capacity" in shown(64, seen)
    assert news([seen])[-1].line == (
        "10:03:00  orders/1.3.0  production  service/Service (AWS::ECS::Service) UPDATE_FAILED, 1 min: no capacity"
    )


ATTEMPT = Attempt(UPLOAD, "execution", at(0), version="1.3.0", digest="d")


@pytest.mark.parametrize(
    ("four_eyes", "uploader", "who"),
    [
        (False, None, "whoever has the policy arn:decider"),
        (True, None, "whoever has the policy arn:decider, but not the uploader (four eyes)"),
        (
            True,
            Principal("arn:ana", "AID"),
            "whoever has the policy arn:decider, but not the uploader arn:ana (four eyes)",
        ),
    ],
)
def test_an_approval_says_who_may_answer_and_how(four_eyes: bool, uploader: Principal | None, who: str) -> None:
    asked = AskedApproval("production", ATTEMPT.id, "token", at(1), at(600), four_eyes, DIGEST, Seal({}))
    person = approval(ATTEMPT, asked, uploader, "arn:decider")
    waiting = followed(HISTORY[:4], asks=(person,))
    told = [
        "waits for a person: an approval in production, until 2026-03-02 19:00:00 UTC",
        f"who may answer: {who}",
        "belay approve orders/1.3.0 --stage production --seal 0123456789ab",
        "belay reject orders/1.3.0 --stage production --comment WHY",
    ]
    assert [each.strip() for each in shown(2, waiting)[-4:]] == told
    assert [each.text for each in news([waiting])[-4:]] == told
    assert {each.at for each in news([waiting])[-5:]} == {at(1)}, "when it was asked, not when it was looked at"
    assert ended(waiting)["waits_for"][0]["who"] == who
    assert ended_lines("orders/1.3.0", waiting) == ["orders/1.3.0 waits for an approval in production"]


INCIDENT = IncidentShown(
    line=IncidentLine(
        *("orders-production-0f1e", IncidentState.RECOVERING, "orders", "production", "orders 1.3.0", "no capacity"),
        *(at(63), None, None, 1, None, None),
    ),
    cause=("service: no capacity",),
    look=None,
    taken=(StepTaken(Action.CONTINUE_UPDATE_ROLLBACK, Kind.STACK, "service", "its rollback is stuck", at(64), 30),),
    planned=(),
    left=(),
    remarks=(),
    questions=(AskedQuestion("restore", "Restore the\ndatabase?", at(65)),),
    blocked={},
    unproved=(),
    unstable=(),
    version="1.3.0",
    attempt="0f1e",
    again=None,
    thread="t",
)


def test_a_rollback_tells_its_cause_once_its_steps_and_its_questions() -> None:
    recovering = (*HISTORY, line(63, State.RECOVERING, detail="no capacity"))
    seen = followed(recovering, incidents=(INCIDENT,), asks=tuple(questions(INCIDENT, "arn:decider")))
    told = shown(66, seen)
    assert [each for each in told if "capacity" in each] == ["    service: no capacity"]
    assert "    done  service: its rollback is stuck (30 seconds)" in told
    assert "  production   RECOVERING, 5 min" in told, "what deployments took says nothing of a rollback"
    assert any(each.startswith("  waits for a person: Restore the database?, until 2026-03-") for each in told)
    log = [each.line for each in news([seen])]
    assert [each[:8] for each in log if "capacity" in each] == ["10:03:00"]
    assert "10:04:00  orders/1.3.0  production  rollback: service: its rollback is stuck" in log
    assert log[-1].endswith("belay reject orders --incident orders-production-0f1e --question restore")


def test_a_log_tells_everything_once_also_when_the_upload_gets_its_version() -> None:
    file = io.StringIO()
    upload = Followed("0f1e", "orders/orders-1.3.0.zip", NOT_OPENED, at(0), notes=("it is opened in a few seconds",))
    claimed = replace(followed(HISTORY[:1]), name="orders/orders-1.3.0.zip")
    with FollowScreen(Console(file=file, width=40)).open() as screen:
        for seen in (upload, upload, claimed, followed(HISTORY[:2]), followed(HISTORY[:2])):
            screen.show([seen], BEGAN)
    assert file.getvalue().splitlines() == [
        "09:00:00  orders/orders-1.3.0.zip  -           UPLOADED, NOT OPENED YET",
        "09:00:00  orders/orders-1.3.0.zip  -           it is opened in a few seconds",
        "09:00:00  orders/orders-1.3.0.zip  -           CLAIMED",
        "09:00:06  orders/1.3.0  -           CHECKED",
    ]


def test_a_log_without_news_says_every_minute_what_goes_on() -> None:
    file = io.StringIO()
    with FollowScreen(Console(file=file)).open() as screen:
        for seconds in (0, 30, 59, 60, 90, 125):
            screen.show([followed()], BEGAN + timedelta(minutes=64, seconds=seconds))
    said = [each for each in file.getvalue().splitlines() if " still " in each]
    assert said == [
        "10:05:00  orders/1.3.0  still deploy: EXECUTING service, 4 min of about 5 min in production; "
        "service EXECUTING, 1 of 3 resources",
        "10:06:05  orders/1.3.0  still deploy: EXECUTING service, 5 min of about 5 min in production; "
        "service EXECUTING, 1 of 3 resources",
    ]


def test_what_is_over_goes_on_no_more() -> None:
    assert still([followed(over=True)], BEGAN) == []
    opening = Followed("0f1e", "orders/orders-1.3.0.zip", NOT_OPENED, at(0))
    assert still([opening], BEGAN + timedelta(minutes=3)) == [
        "orders/orders-1.3.0.zip  still UPLOADED, NOT OPENED YET, since 3 min"
    ]


def test_a_terminal_shows_it_as_it_is_now() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, color_system=None)
    with FollowScreen(console).open() as screen:
        screen.show([followed(HISTORY[:4])], BEGAN)
        screen.show([followed()], BEGAN + timedelta(minutes=64))
    assert "deploy: EXECUTING service" in file.getvalue()
    assert "09:00:00" not in file.getvalue(), "no log beside"


def test_hostile_names_cannot_play_with_the_terminal() -> None:
    seen = followed((line(0, State.CLAIMED, None, detail="\x1b[2J"),), notes=("\x1b[31m",))
    texts = [*shown(1, seen), *(each.line for each in news([seen])), *still([seen], BEGAN)]
    assert not any("\x1b" in each for each in texts)


@pytest.mark.parametrize(("until", "looks"), [("approval", 1), ("end", 2), (None, 2)])
def test_it_follows_to_the_end_or_until_a_person_is_needed(
    until: str | None, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.follow.time.sleep", lambda seconds: None)
    asked = AskedApproval("production", ATTEMPT.id, "token", at(1), at(600), False, DIGEST, Seal({}))
    waiting = followed(HISTORY[:4], asks=(approval(ATTEMPT, asked, None, "arn:decider"),))
    done = followed(outcome=Outcome.REJECTED, reason=from_document("SSH is open"), over=True)
    found = iter([[waiting], [done]])
    seen = follow.follow(lambda: next(found), Console(file=io.StringIO()), until)
    assert (len(list(found)), seen) == (2 - looks, [waiting] if looks == 1 else [done])
    assert ended_lines("orders/1.3.0", done) == ["orders/1.3.0: REJECTED", "SSH is open"]


DOWN = ServiceUnavailable("DynamoDB.Query", "InternalServerError", "try again")


@pytest.mark.parametrize(("faults", "told"), [(4, 4), (5, 4)])
def test_weather_is_waited_out_but_not_for_ever(faults: int, told: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.follow.time.sleep", lambda seconds: None)
    file, looks = io.StringIO(), []

    def look() -> list[Followed]:
        looks.append(1)
        if len(looks) <= faults:
            raise DOWN
        return [followed(over=True)]

    if faults < follow.MOST_MISSED:
        assert follow.follow(look, Console(file=file)) == [followed(over=True)]
    else:
        with pytest.raises(ServiceUnavailable):
            follow.follow(look, Console(file=file))
    assert file.getvalue().count("cannot be read at the moment") == told


@pytest.mark.parametrize("when", ["while it looks", "between two looks"])
def test_an_interrupted_follower_says_that_it_goes_on(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    file = io.StringIO()

    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    def failed() -> NoReturn:
        raise ServiceUnavailable("DynamoDB.GetItem", "InternalServerError", "for a moment")

    monkeypatch.setattr("cli.follow.time.sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        follow.follow(interrupted if when == "while it looks" else failed, Console(file=file))
    assert "continues in the background" in file.getvalue()


def step(action: Action, why: str, seconds: int | None = None) -> Step:
    return Step(
        *(action, Kind.STACK, "service", "arn:service", ("cloudformation", "UpdateStack"), {}, why, "", Risk.NONE, ""),
        *((), "", seconds),
    )


def test_a_rollback_shows_the_step_that_goes_on_once_and_what_comes_after_it() -> None:
    taken = (StepTaken(Action.CONTINUE_UPDATE_ROLLBACK, Kind.STACK, "service", "its rollback is stuck", at(64)),)
    planned = (
        step(Action.CONTINUE_UPDATE_ROLLBACK, "its rollback is stuck"),
        step(Action.UPDATE_TO_BASELINE, "update it back", 120),
    )
    seen = followed(incidents=(replace(INCIDENT, taken=taken, planned=planned),))
    assert [each for each in shown(66, seen) if each.startswith(("    now", "    done", "    next"))] == [
        "    now   service: its rollback is stuck",
        "    next  service: update it back (UpdateStack, about 2 minutes).",
    ]
