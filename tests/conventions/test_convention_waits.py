"""Nothing waits forever: every loop and every task token of the machines has a deadline that leads to a decision.

A deadline leads to another check or to a person, with a plain reason. The polls until then fit into the 25,000 events
that an execution's history may have.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import jsonata  # type: ignore[import-untyped]
import pytest
from project import definition, machines, template

from belay.control.stage_forecast import KEPT_FOR
from belay.release.registration import (
    MOST_APPROVAL_DAYS,
    MOST_RECOVERING_DAYS,
    MOST_WAITING_DAYS,
    MOST_WORKING_DAYS,
)
from belay.release.waves import MOST_IN_A_WAVE
from statemachines.document import flattened

State = Mapping[str, Any]
DAY = 86_400
LONG_AGO = 0
MOST_EVENTS = 25_000
"""https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

STILL_WAITING: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "deploy_release": {"WaitForWave": ("WaveEnded?", {"outcome": None, "wave": ["eu", "us"], "waves": [], "index": 1})},
    "deploy_stage": {
        "WaitForChangeSets": ("Planned?", {"pipeline": False, "ready": False, "unready": "it is being created"}),
        "WaitForReading": ("ChangesPlanned?", {"ready": False}),
        "WaitForPipeline": (
            "PipelineEnded?",
            {"run": {"outcome": None, "look_in": 15, "execution": "e"}, "latest": 10**15},
        ),
        "WaitForLock": ("Locked?", {"acquired": False, "turn": 10**15, "holder": "1.0.0"}),
        "WaitForSnapshots": ("SnapshotsAvailable?", {"ready": False}),
        "WaitForStacks": ("Executed?", {"progress": "RUNNING"}),
        "WaitForChanges": ("ChangesApplied?", {"applied": False}),
        "WaitForBake": ("Verified?", {"verified": "AGAIN", "ephemeral": False}),
        "WaitForDeletion": ("Deleted?", {"done": False}),
        "WaitForWithdrawal": ("Withdrawn?", {"gone": False, "left_over": "network"}),
        "WaitForIncident": ("IncidentClosed?", {"outcome": None, "incident": "i"}),
    },
    "forecast_changes": {
        "WaitForProfile": ("Profiled?", {"progress": "RUNNING"}),
        "WaitForCopy": ("Restored?", {"progress": "RUNNING"}),
        "WaitForTrial": ("Tried?", {"progress": "RUNNING"}),
        "WaitForDeletion": ("Gone?", {"gone": False, "superseded": False}),
    },
    "plan_release": {
        "WaitForStage": ("Entered?", {"entered": False, "holder": "1.0.0"}),
        "WaitForChangeSets": ("ChangeSetsMade?", {"ready": False, "unready": "it is being created"}),
        "WaitForReading": ("ChangesPlanned?", {"ready": False}),
        "WaitForDeletion": ("Withdrawn?", {"gone": False, "left_over": "network"}),
    },
    "rollback_stage": {
        "WaitForLock": ("Locked?", {"acquired": False, "holder": "1.0.0"}),
        "WaitForStack": ("StepLeft?", {"step": {"action": "WAIT", "kind": "STACK"}}),
        "WaitForChangeSet": ("StepLeft?", {"step": {"action": "UPDATE_TO_BASELINE", "kind": "STACK"}}),
    },
}
"""For every Wait state the condition that decides about it, and the variables with which it continues."""

TOKENS = {
    ("deploy_stage", "RequestApproval"): MOST_APPROVAL_DAYS * DAY,
    ("deploy_stage", "WaitForWindow"): 120 * DAY,
    ("deploy_stage", "CheckPipeline"): 2 * 60 * 60,
}
"""The longest time that each task waits for its token, in seconds."""


def waits(machine: str) -> list[str]:
    return [name for name, state in definition(machine)["States"].items() if state["Type"] == "Wait"]


WAITS = [(machine, wait) for machine in machines() for wait in waits(machine)]


def nexts(state: State) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where a state may lead, faults aside, and what is assigned on the way."""
    for choice in state.get("Choices", ()):
        yield choice["Next"], choice.get("Assign", {})
    if "Default" in state:
        yield state["Default"], state.get("Assign", {})
    if "Next" in state:
        yield state["Next"], state.get("Assign", {})


def leads(states: Mapping[str, State], start: str, goal: str, *, without: str) -> bool:
    """Whether a path leads from one state to another without a third."""
    seen, waiting = {start}, [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        new = set() if name == without else {target for target, _ in nexts(states[name])} - seen
        seen |= new
        waiting += new
    return False


def decided(choice: State, variables: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Where a Choice leads with these variables, and what it assigns."""
    for each in choice["Choices"]:
        if evaluated(each["Condition"], variables):
            return each["Next"], each.get("Assign", {})
    return choice["Default"], choice.get("Assign", {})


def evaluated(text: str, variables: Mapping[str, Any]) -> Any:
    expression = jsonata.Jsonata(text[2:-2])
    for name, value in variables.items():
        expression.assign(name, value)
    return expression.evaluate({})


def test_every_wait_is_known() -> None:
    assert {(machine, wait) for machine, waits in STILL_WAITING.items() for wait in waits} == set(WAITS)


@pytest.mark.parametrize(("machine", "wait"), WAITS)
def test_a_wait_has_a_deadline_after_which_it_is_not_entered_again(machine: str, wait: str) -> None:
    states = definition(machine)["States"]
    question, variables = STILL_WAITING[machine][wait]
    now = evaluated("{%$millis()%}", {})

    begun, _ = decided(states[question], {**variables, "since": now - 1000})
    late, assigned = decided(states[question], {**variables, "since": LONG_AGO})

    assert not leads(states, states[wait]["Next"], wait, without=question), "every loop asks the question"
    assert leads(states, begun, wait, without=question)
    assert not leads(states, late, wait, without=question)
    cause = assigned["reason"]["Cause"]
    told = evaluated(cause, {**variables, "since": LONG_AGO}) if cause.startswith("{%") else cause
    assert assigned["reason"]["Error"] == "WaitedTooLong"
    assert re.search(r"\d+ (days|hours|minutes)", told), told


@pytest.mark.parametrize(("machine", "wait"), WAITS)
def test_nothing_in_a_loop_puts_its_deadline_off(machine: str, wait: str) -> None:
    """Only a hold outside a window does, which is not a wait for the lock."""
    states = definition(machine)["States"]
    for loop in loops(states, wait):
        assert not [name for name in loop if any("since" in each for _, each in nexts(states[name]) if _ in loop)]


def loops(states: Mapping[str, State], wait: str) -> list[list[str]]:
    """The paths from a wait back to it that begin no other wait."""
    found: list[list[str]] = []

    def walk(path: list[str]) -> None:
        for target, assigned in nexts(states[path[-1]]):
            if target == wait:
                found.append(path)
            elif target not in path and "since" not in assigned and not begins_another_wait(states[target]):
                walk([*path, target])

    walk([wait])
    return found


def begins_another_wait(state: State) -> bool:
    return bool(state["Type"] == "Wait" or state.get("Resource", "").endswith(".waitForTaskToken"))


def tokens() -> list[tuple[str, str]]:
    return [
        (machine, name)
        for machine in machines()
        for name, state in definition(machine)["States"].items()
        if state.get("Resource", "").endswith(".waitForTaskToken")
    ]


def test_every_task_token_has_a_deadline() -> None:
    assert set(tokens()) == set(TOKENS)
    for machine, name in tokens():
        state = definition(machine)["States"][name]
        most = {"approval": {"expires_after_seconds": TOKENS[machine, name]}, "closed_seconds": 10**9}
        turn = evaluated("{%$millis()%}", {}) + 120 * DAY * 1000
        limit = state["TimeoutSeconds"]
        seconds = limit if isinstance(limit, int) else evaluated(limit, {**most, "turn": turn, "latest": 10**15})
        assert seconds == TOKENS[machine, name]
        assert "States.Timeout" in [error for catch in state["Catch"] for error in catch["ErrorEquals"]]


@pytest.mark.parametrize(
    ("task", "question", "variables"),
    [
        (
            "CheckPipeline",
            "PipelineEnded?",
            {"run": {"outcome": None, "look_in": 0, "execution": "e"}, "latest": 10**15},
        ),
        ("WaitForWindow", "WindowOpen?", {"open": False, "why": "there is a freeze"}),
    ],
)
def test_a_token_is_not_waited_for_again_after_the_deadline(
    task: str, question: str, variables: Mapping[str, Any]
) -> None:
    states = definition("deploy_stage")["States"]
    now = evaluated("{%$millis()%}", {})
    begun, _ = decided(states[question], {**variables, "since": now - 1000, "turn": now + 1000})
    late, assigned = decided(states[question], {**variables, "since": LONG_AGO, "turn": now - 1000})
    assert not leads(states, states[task]["Next"], task, without=question)
    assert leads(states, begun, task, without=question)
    assert not leads(states, late, task, without=question)
    assert assigned["reason"]["Error"] == "WaitedTooLong"


# -- how long, and how many events -------------------------------------------------------------------------------------


EVENTS = {"Task": 5, "Choice": 2, "Pass": 2, "Wait": 2}
"""A state is entered and exited; a task is scheduled, started and has succeeded as well
(https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html)."""


def events(state: State) -> int:
    """A task that waits for its token is submitted, too."""
    return EVENTS[state["Type"]] + state.get("Resource", "").endswith(".waitForTaskToken")


def limit(machine: str, wait: str) -> int:
    """How long a wait may last, in seconds."""
    question, _ = STILL_WAITING[machine][wait]
    conditions = " ".join(each["Condition"] for each in definition(machine)["States"][question]["Choices"])
    ((count, unit),) = re.findall(r"\$millis\(\) - \$since [<>] (\d+) \* (\d+)", conditions)
    return int(count) * int(unit) // 1000


def looks(machine: str, wait: str) -> int:
    """How many times a wait is entered until its deadline, if the pause begins at the shortest setting."""
    states = definition(machine)["States"]
    assigned = (states[name].get("Assign", {}) for name in loops(states, wait)[0])
    pause_of = next(each["pause"] for each in assigned if "pause" in each)
    ((most, growth),) = re.findall(r"\$min\(\[(\d+), \$pause \* (1\.\d+)\]\)", pause_of)
    share = re.search(r"\(\$millis\(\) - \$since\) / (\d+)000\b", pause_of)
    waited, pause, count = 0.0, 0.0, 0
    while waited < limit(machine, wait):
        # The steps of a recovery begin with the shortest pause again, except for a share of the elapsed time.
        grown = waited / int(share[1]) if share else min(int(most), pause * float(growth))
        pause = max(template()["Parameters"]["PollSeconds"]["MinValue"], grown)
        waited, count = waited + math.floor(pause), count + 1
    return count


def look(machine: str, wait: str) -> int:
    """The events of one poll of a wait: on the longest path, or in a recovery where no step is taken."""
    states = definition(machine)["States"]
    around = [sum(events(states[name]) for name in loop) for loop in loops(states, wait)]
    return min(around) if wait == "WaitForStack" else max(around)


def test_a_release_that_waits_as_long_as_it_may_fits_into_its_history() -> None:
    waited = [wait for wait in waits("deploy_stage") if wait != "WaitForPipeline"]
    taken = {wait: looks("deploy_stage", wait) * look("deploy_stage", wait) for wait in waited}
    assert sum(taken.values()) < MOST_EVENTS, taken
    wave = MOST_IN_A_WAVE * sum(EVENTS[kind] for kind in ("Task", "Task", "Pass"))
    assert looks("deploy_release", "WaitForWave") * look("deploy_release", "WaitForWave") + wave < MOST_EVENTS / 2


def test_a_recovery_that_waits_as_long_as_it_may_fits_into_its_history() -> None:
    states, steps = definition("rollback_stage")["States"], 150
    waited = ("WaitForLock", "WaitForStack")
    taken = {wait: looks("rollback_stage", wait) * look("rollback_stage", wait) for wait in waited}
    taken["steps"] = steps * max(sum(events(states[name]) for name in loop) for loop in loops(states, "WaitForStack"))
    assert sum(taken.values()) < MOST_EVENTS, taken


def test_a_forecast_that_waits_as_long_as_it_may_fits_into_its_history_and_its_time() -> None:
    machine = "forecast_changes"
    taken = {wait: looks(machine, wait) * look(machine, wait) for wait in waits(machine)}
    assert sum(taken.values()) < MOST_EVENTS, taken
    forecast, stage = definition(machine), definition("deploy_stage")["States"]["ForecastChanges"]
    waited = sum(limit(machine, each) for each in waits(machine))
    assert waited < forecast["TimeoutSeconds"] < stage["TimeoutSeconds"]
    assert timedelta(seconds=forecast["TimeoutSeconds"]) <= KEPT_FOR


def test_a_plan_of_many_stages_fits_into_its_history_and_into_the_day_that_its_upload_is_kept() -> None:
    machine, stages = "plan_release", 10
    taken = {wait: looks(machine, wait) * look(machine, wait) for wait in waits(machine)}
    assert stages * sum(taken.values()) < MOST_EVENTS, taken
    waited = sum(limit(machine, each) for each in waits(machine))
    assert stages * waited < definition(machine)["TimeoutSeconds"] <= DAY


def test_following_a_pipeline_stays_far_below_what_a_history_may_have() -> None:
    """One of its approvals may wait at most sixty days; Belay polls every two hours, and at its events."""
    states = definition("deploy_stage")["States"]
    slow = limit("deploy_stage", "WaitForPipeline") // states["CheckPipeline"]["TimeoutSeconds"]
    each = events(states["CheckPipeline"]) + events(states["PipelineEnded?"])
    assert (slow, each) == (1440, 8)
    assert slow * each < MOST_EVENTS / 2
    ended = looks("deploy_stage", "WaitForIncident") * look("deploy_stage", "WaitForIncident")
    assert (MOST_EVENTS - slow * each - ended) / each > 500, "events of the pipeline that are looked at"


def test_a_machine_may_run_for_longer_than_all_that_it_may_wait_for() -> None:
    stage, release = definition("deploy_stage"), definition("deploy_release")
    # The time for the lock is within the turn, and a pipeline's time replaces everything but the incident.
    waited = sum(limit("deploy_stage", each) for each in waits("deploy_stage") if each not in _INSTEAD)
    assert (
        waited + sum(TOKENS.values())
        < stage["TimeoutSeconds"]
        < flattened(release)["States"]["DeployStage"]["TimeoutSeconds"]
    )
    rollback = definition("rollback_stage")
    assert limit("rollback_stage", "WaitForLock") + limit("rollback_stage", "WaitForStack") < rollback["TimeoutSeconds"]


_INSTEAD = ("WaitForLock", "WaitForPipeline")


def test_what_waits_for_people_ends_in_time_for_the_year_that_an_execution_may_run() -> None:
    """However many stages wait for approvals and windows one after the other."""
    latest = evaluated(definition("deploy_release")["States"]["Begin"]["Assign"]["latest"], {})
    begun = evaluated("{%$millis()%}", {})
    states = definition("deploy_stage")["States"]
    turn = evaluated(states["AwaitTurn"]["Assign"]["turn"], {"latest": begun + 9000})
    assert turn == begun + 9000
    asked = {"approval": {"expires_after_seconds": 90 * DAY}, "latest": turn}
    assert evaluated(states["RequestApproval"]["TimeoutSeconds"], asked) <= 9
    assert latest - begun == pytest.approx(MOST_WAITING_DAYS * DAY * 1000, abs=1000)


def test_the_work_that_is_left_then_and_the_recoveries_after_it_fit_into_the_year() -> None:
    """The time for the lock is within the turn; a stage's planning may begin right before the deadline of waits."""
    stage = definition("deploy_stage")["States"]
    worked = sum(limit("deploy_stage", each) for each in waits("deploy_stage") if each not in _INSTEAD)
    assert worked + stage["ForecastChanges"]["TimeoutSeconds"] < MOST_WORKING_DAYS * DAY
    # Its last stage has failed by then, and a wave that is rolled back with it follows.
    taken_back = limit("rollback_stage", "WaitForLock") + limit("rollback_stage", "WaitForStack")
    assert taken_back <= limit("deploy_release", "WaitForWave") == MOST_RECOVERING_DAYS * DAY
    year = definition("deploy_release")["TimeoutSeconds"]
    assert (MOST_WAITING_DAYS + MOST_WORKING_DAYS + MOST_RECOVERING_DAYS) * DAY < year <= 365 * DAY


def test_a_pipeline_is_not_waited_for_until_the_year_is_over() -> None:
    """One that began right before the deadline of waits has ten days, and its incident is recovered after that."""
    question, now = definition("deploy_stage")["States"]["PipelineEnded?"], evaluated("{%$millis()%}", {})
    run = {"run": {"outcome": None, "look_in": 15, "execution": "e"}, "latest": now - DAY * 1000}
    assert decided(question, {**run, "since": now - 9 * DAY * 1000})[0] != "OpenIncident"
    next_state, assigned = decided(question, {**run, "since": now - 11 * DAY * 1000})
    assert next_state == "OpenIncident"
    cause = evaluated(assigned["reason"]["Cause"], {**run, "since": now - 11 * DAY * 1000})
    assert "had not ended after 11 days" in cause
    assert 10 * DAY + limit("deploy_stage", "WaitForIncident") < MOST_WORKING_DAYS * DAY


def test_the_lock_is_waited_for_longer_than_it_may_be_held_and_an_incident_longer_than_it_may_take() -> None:
    held = ("WaitForSnapshots", "WaitForStacks", "WaitForBake", "WaitForDeletion")
    recovery = limit("rollback_stage", "WaitForStack")
    for_lock = limit("rollback_stage", "WaitForLock")
    assert sum(limit("deploy_stage", each) for each in held) + recovery <= for_lock
    assert limit("deploy_stage", "WaitForIncident") > for_lock + recovery
    # A stage's execution may have died, and then its wave is rolled back.
    assert limit("deploy_release", "WaitForWave") >= 2 * limit("deploy_stage", "WaitForIncident")
