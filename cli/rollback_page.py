"""Writes ``docs/rollback.md`` from the planner: ``python -m cli.rollback_page > docs/rollback.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from belay.release.registration import Stage, Verify
from belay.release.verification import Verified
from belay.release.verification_parts import verification_parts
from belay.rollback.attempts import LIMIT
from belay.rollback.plan import Action, Risk, RollbackPlan, Step
from belay.rollback.planner import plan_rollback
from belay.rollback.question import ANSWER_WITHIN
from belay.rollback.situation import (
    SCALING_ACTIVITIES,
    Scaling,
    ServiceDeployment,
    ServiceSeen,
    Situation,
    StackSeen,
    VerificationSeen,
)
from belay.rollback.stuck import DETECTABLE, MOST_SKIPS
from belay.stack.baseline import Baseline, TemplatePointer
from belay.stack.operation import LONGEST_SILENCE
from belay.stack.status import StackStatus
from belay.stack.stuck import StuckResource
from belay.stack.trace import UnprovedResource

_ID: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-service/1"
_BEFORE: Final = Baseline("orders-service", True, _ID, template=TemplatePointer("artifacts", "t", "v1", "d"))
_UPDATED: Final[Mapping[str, Any]] = {"changed_by_release": True, "baseline": _BEFORE, "completed_by_release": True}
_STUCK: Final = (StuckResource("Topic", "Topic", _ID, "Topic", "AWS::SNS::Topic", "it does not exist"),)
_SKIPPED: Final = UnprovedResource("Topic", _ID, "Topic", "AWS::SNS::Topic")
_WATCHED: Final = Stage("orders", "production", "arn", {}, alarms=("errors",), verify=Verify(bake_minutes=10))
_FREE: Final = dict.fromkeys(SCALING_ACTIVITIES, False)
_REFUSED: Final = "{} answered AccessDenied"
_HELD: Final = Scaling(1, dict.fromkeys(SCALING_ACTIVITIES, True))

_CASES: Final[Mapping[str, Mapping[str, Any]]] = {
    "the release updated it": _UPDATED,
    "the release created it": {"created_by_release": True, "changed_by_release": True},
    "the release created it, and it has data": {
        "created_by_release": True,
        "changed_by_release": True,
        "stateful": ("Table",),
    },
    "an operation that Belay did not start": {"ours": False},
    "the same, with `recover_foreign`": {"ours": False},
}

_HEAD: Final = """\
# Rollback

<!-- Written by `python -m cli.rollback_page`; change the planner, not this page. -->

What Belay does to each stack when a release has failed, or when a person asks for a rollback: for each of the {count}
statuses of a CloudFormation stack, which call is planned, why CloudFormation accepts it in this status, and what it
risks. Belay plans from the state of AWS and the ledger and takes the first step, then looks and plans again, until
nothing is left to do. So a recovery may be killed after any step and started again.

- Stacks come first, in reverse order and including those that succeeded; then [databases](databases.md), services, and
  the verification of the stage. While a stack needs a person, databases and services are left alone.
- No resource with data is deleted, or skipped in a rollback, without an approval that names it. People are asked once;
  after {hours} hours without an answer it is left to them. An ephemeral stage is deleted with everything in it.
- A stack that another stack depends on is left alone while that other stack needs a person.
- An action is tried {limit} times on a stack (a rollback is continued with skipped resources at most {most} times);
  then it is left to a person, with the reason, the choices, what each of them loses, and its command. A call that
  CloudFormation refuses because of a status that will pass does not count until it has been refused five times.
- A stack for which CloudFormation permanently refuses a call is left to a person; the others are rolled back anyway.
- A failure of an operation that Belay did not start is reported; its stuck rollback is continued, and more is done only
  if the registration has `recover_foreign`. A stack kept in UPDATE_FAILED on purpose is being debugged by someone.
- Whoever cancels the release's update of a stack, or deletes a stack that it creates, ends the release: the rest is
  rolled back, and the messages say who did what, as far as CloudFormation tells.
- A stack in progress without an event for {silence} hours is left to a person, and so is what a recovery has not
  finished [in time](../statemachines/rollback_stage/README.md#deadlines).
"""

_STUCK_HEAD: Final = """
## A stuck rollback

| situation | action | reason |
| --- | --- | --- |
"""

_STUCK_TAIL: Final = """
Belay skips the fewest resources that the evidence supports: those that are UPDATE_FAILED because the last rollback
failed (according to its events, and not merely cancelled), except those that depend on another one of them, which are
tried again once that one is skipped. Resources of nested stacks are written `ChildStackName.LogicalID`; a nested stack
itself is skipped only if its deletion failed. `ForceRollback` is not used. A change set that would undo
someone's manual change is not executed. One that would delete or replace a resource with data is executed only to
update a stack back, and only with an approval.

ROLLED_BACK needs evidence for every resource that the failed operation touched, no matter who acted: its own
rollback event succeeded, or drift detection finds it in sync, or the stack's template, parameters and tags are those of
before. The stack's events say what was skipped, by Belay or by a person, and what was not deleted: that is left to a
person where its name is in the way of the next deployment, or where its deletion failed, and else only reported.
Outputs of the stack have to be those of before, except one that tells of a resource that was replaced: one that another
stack imports, or that differs for no visible reason, is left to a person. So an output should not name what each
update makes anew outside the stack.

A resource skipped in a nested stack is checked there, and restored by a change set of the root stack with
`IncludeNestedStacks`, if that change set includes it. AWS does not document that it does:
[drift-aware change sets](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html)
do not mention nested stacks, and updating a root stack updates
[only nested stacks with template changes](https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html).
A change set that does not include it is not executed, and a person is notified. The nested stack is never updated by
itself: "stack updates should be initiated from the root stack".
"""

_SERVICES_HEAD: Final = """
## Services and verification

After stacks and databases, every registered service is restarted once, in the registration's order, and the stage is
[verified](registration.md#verifying-a-deployment). Nothing is restarted or verified if the release changed nothing, or
in an ephemeral stage.

| situation | action | reason |
| --- | --- | --- |
"""


_LEFT: Final = """
## What is left to a person

A release, or a rollback, that ends NEEDS_OPERATOR leaves its incident open. `belay status`, `list`, `show` and the
console say so before all else. That nothing goes on is never said while an incident is open or a stage is mixed.

1. `belay incident show INCIDENT`: the cause, each step with its state and time, what is left to do with each choice,
   what it loses and its command, and the evidence. `belay incident acknowledge INCIDENT` says who is on it; the topic
   is told once.
2. The command of a choice, or what else the incident asks for.
3. The incident is closed by whichever comes first: the sweep, every five minutes, once every stack that was unstable
   can be updated again, if nothing else was left (`healthy-again`); `belay incident close INCIDENT --why TEXT`, which
   is refused while a stack takes no update; the next deployment to the stage, or its rollback.

What a stage runs and what became of an incident are separate facts: closing an incident says nothing of the stacks. A
stage stays mixed until a release is deployed there, or until `belay rollback APPLICATION STAGE` has seen every stack as
it was before.
"""


_ACTIONS_HEAD: Final = """
## Every step

Each step with its call, the statuses it is planned in, why it is legal in them, its risk, and the
check afterwards.

| step | call | planned in | legal because | risk | checked afterwards |
| --- | --- | --- | --- | --- | --- |
"""


def page() -> str:
    """Return the page as Markdown."""
    hours, silence = (limit // timedelta(hours=1) for limit in (ANSWER_WITHIN, LONGEST_SILENCE))
    head = _HEAD.format(count=len(StackStatus), hours=hours, limit=LIMIT, most=MOST_SKIPS, silence=silence)
    stuck = (_STUCK_HEAD, *_stuck_rollbacks(), _STUCK_TAIL)
    return "".join([head, *_statuses(), *stuck, _SERVICES_HEAD, *_services(), *_actions(), _LEFT])


def _plan(seen: StackSeen, **more: Any) -> RollbackPlan:
    return plan_rollback(Situation("orders", "production", "1.3.0", (seen,), goal="1.2.0", **more))


def _seen(status: StackStatus, **values: Any) -> StackSeen:
    change_sets = ("belay-1",) if status is StackStatus.REVIEW_IN_PROGRESS else ()
    known: dict[str, Any] = {"stack_id": _ID, "change_sets": change_sets, "baseline": None} | values
    return StackSeen("service", "orders-service", status=status, **known)


def _statuses() -> Iterator[str]:
    yield "\n## Every status\n\n"
    yield f"| status | {' | '.join(_CASES)} |\n| --- |{' --- |' * len(_CASES)}\n"
    for status in StackStatus:
        plans = [
            _plan(_seen(status, **values), recover_foreign="recover_foreign" in case) for case, values in _CASES.items()
        ]
        yield f"| {status} | {' | '.join(_in_short(plan) for plan in plans)} |\n"
    yield (
        "\n**—** means nothing to do: the stack is as it should be, or not the release's. **person** means that it is "
        "left\nto a person. The other words are [explained below](#every-step).\n"
    )


def _in_short(plan: RollbackPlan) -> str:
    words = [step.action.value for step in plan.steps] + ["**person**"] * len(plan.left_to_do)
    return ", then ".join(dict.fromkeys(words)) or "—"


def _stuck_rollbacks() -> Iterator[str]:
    stuck = _seen(StackStatus.UPDATE_ROLLBACK_FAILED, stuck=_STUCK, **_UPDATED)
    back = replace(stuck, status=StackStatus.UPDATE_ROLLBACK_COMPLETE, stuck=(), completed_by_release=False)
    data = (replace(_STUCK[0], resource_type="AWS::DynamoDB::Table", skip_as="Table", path="Table"),)
    denied = (replace(_STUCK[0], reason="not authorized to perform: sns:SetTopicAttributes"),)
    in_vain = replace(_SKIPPED, left="the update after that, which was to bring it back, was itself rolled back")
    tried = {(Action.CONTINUE_UPDATE_ROLLBACK, "service"): 1}
    for what, seen, more in (
        ("UPDATE_ROLLBACK_FAILED", stuck, {}),
        ("it is stuck again, on a topic", stuck, {"tried": tried}),
        ("it is stuck again, on a table", replace(stuck, stuck=data), {"tried": tried}),
        ("it is stuck again, for a missing permission", replace(stuck, stuck=denied), {"tried": tried}),
        ("it continued without the topic", replace(back, unproved=(_SKIPPED,)), {}),
        ("the topic differs from the template", replace(back, unproved=(replace(_SKIPPED, drift="MODIFIED"),)), {}),
        ("the topic's drift is unknown", replace(back, unproved=(replace(_SKIPPED, drift="UNSUPPORTED"),)), {}),
        ("the change set failed and was rolled back", replace(back, unproved=(in_vain,)), {}),
        ("the topic matches the template", replace(back, unproved=(replace(_SKIPPED, drift="IN_SYNC"),)), {}),
    ):
        yield _row(what, _plan(seen, **more), "the stack is as it was")


def _row(what: str, plan: RollbackPlan, otherwise: str) -> str:
    why = [step.why for step in plan.steps] + [f"{each.what}: {each.why.rstrip('.')}" for each in plan.left_to_do]
    return f"| {what} | {_in_short(plan)} | {'; '.join(why) or otherwise} |\n"


def _services() -> Iterator[str]:
    done = ServiceDeployment("ecs-svc/1", "PRIMARY", "COMPLETED")
    api = ServiceSeen("orders/api", "arn", "ACTIVE", desired=2, running=2, deployments=(done,))
    restarted = replace(api, restarted=done.id)
    failed = (replace(done, rollout_state="FAILED", reason="tasks failed to start."),)
    stopped = replace(api, desired=0, running=0, stopped_from=2, scaling=_HELD, scaled_by=_FREE)
    well = VerificationSeen(verification_parts(_WATCHED), bake_minutes=10)
    refused = replace(well, blocked=_REFUSED.format("CloudWatch.DescribeAlarms"))
    bad = replace(well, verdict=Verified.FAIL, reason="the alarm errors is in ALARM")
    for what, service, verification in (
        ("the service runs", api, None),
        ("its new tasks are starting", replace(restarted, running=1), None),
        ("the desired number of tasks run", restarted, None),
        ("its circuit breaker failed the deployment", replace(restarted, deployments=failed), None),
        ("it is not steady after half an hour", replace(restarted, running=1, waited_seconds=1_801), None),
        ("its deployment controller is not ECS", replace(api, controller="CODE_DEPLOY"), None),
        ("a restore has stopped it", stopped, None),
        ("ECS refuses to show it", ServiceSeen(api.service, unseen=_REFUSED.format("ECS.DescribeServices")), None),
        ("every service is steady", restarted, well),
        ("an alarm is still in ALARM when the bake ends", restarted, bad),
        ("CloudWatch refuses to show the alarms", restarted, refused),
        ("no alarm is in ALARM, and the verify function passes", restarted, replace(well, verdict=Verified.PASS)),
    ):
        seen = _seen(StackStatus.UPDATE_ROLLBACK_COMPLETE, changed_by_release=True, baseline=_BEFORE)
        plan = _plan(seen, services=(service,), verification=verification)
        yield _row(what, plan, "nothing is left to do")


def _actions() -> Iterator[str]:
    yield _ACTIONS_HEAD
    planned: dict[Action, list[tuple[str, Step]]] = {}
    for status, step in _every_step():
        planned.setdefault(step.action, []).append((status, step))
    for action in Action:
        for _, step in planned.get(action, [])[:1]:
            statuses = list(dict.fromkeys(status for status, _ in planned[action]))
            risk = step.risk_in_words if step.risk is Risk.NONE else f"**{step.risk}**: {step.risk_in_words}"
            legal, _, link = step.legal_because.rpartition("; ")
            because = f"[{legal.replace(statuses[0], 'it')}]({link})" if len(statuses) > 1 else f"[{legal}]({link})"
            cells = (action, step.call[1], ", ".join(statuses), because, risk, step.checked_afterwards)
            yield f"| {' | '.join(cells)} |\n"


def _every_step() -> Iterator[tuple[str, Step]]:
    """Yield every step that may be planned for a stack, with the status it is planned in."""
    for case, values in _CASES.items():
        for status in StackStatus:
            plan = _plan(_seen(status, **values), recover_foreign="recover_foreign" in case)
            yield from ((status.value, step) for step in plan.steps)
    stuck = _seen(StackStatus.UPDATE_ROLLBACK_FAILED, stuck=_STUCK, **_UPDATED)
    plan = _plan(stuck, tried={(Action.CONTINUE_UPDATE_ROLLBACK, "service"): 1})
    yield from ((StackStatus.UPDATE_ROLLBACK_FAILED.value, step) for step in plan.steps)
    for drift in (None, "MODIFIED"):
        for status in DETECTABLE:
            seen = _seen(status, unproved=(replace(_SKIPPED, drift=drift),), **_UPDATED)
            yield from ((status.value, step) for step in _plan(seen).steps)


if __name__ == "__main__":
    sys.stdout.write(page())
