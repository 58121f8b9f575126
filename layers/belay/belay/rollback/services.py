"""The services' part of a rollback plan: every registered service restarted once, in order, and waited for.

New tasks carry nothing over from the release that was rolled back: no connection, no cache, no schema. A database's
restore stops the services that write to it; they are started again here.
"""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from belay.release.left_to_do import Choice, LeftToDo
from belay.rollback.noted import Noted
from belay.rollback.plan import Action, Kind, Risk, Step, Todo
from belay.rollback.situation import SCALING_ACTIVITIES, ServiceSeen, Situation

PATIENCE_SECONDS = 1_800
"""How long a service may take to become steady. Without a circuit breaker ECS restarts failing tasks forever."""

_ECS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/"
_SCALING = "https://docs.aws.amazon.com/autoscaling/application/APIReference/"


def plan_services(situation: Situation) -> tuple[Todo, ...]:
    """Plan the recovery of the stage's services, once its stacks are recovered.

    A release that changed nothing disturbed no service; an ephemeral stage's services were deleted with its stacks.
    """
    disturbed = any(stack.changed_by_release for stack in situation.stacks) and not situation.ephemeral
    return tuple(todo for seen in situation.services for todo in _for_service(seen, disturbed=disturbed))


def stop_services(situation: Situation) -> tuple[Todo, ...]:
    """Plan how every writing service is stopped, in order, while databases are swapped.

    Empty once no registered service runs a task; ``plan_services`` starts them again. A service that cannot be stopped
    is left to a person, which blocks whatever needs it stopped.
    """
    return tuple(todo for seen in situation.services for todo in _stop(seen))


def _stop(seen: ServiceSeen) -> tuple[Todo, ...]:
    if seen.unseen:
        return _unseen(seen, "stopped")
    if not seen.exists or (seen.desired == 0 and seen.running == 0):
        return ()
    if seen.daemon:
        return (_left(seen, "a daemon has no desired count, so it could not be stopped.", "stop it manually"),)
    if seen.blocked:
        return _refused(seen)
    if seen.desired == 0:
        return (_wait(seen, "wait until its last tasks have stopped"),)
    return (*([] if seen.scaling is None or seen.scaling.held else [_suspend(seen)]), _stop_tasks(seen))


def _for_service(seen: ServiceSeen, *, disturbed: bool) -> tuple[Todo, ...]:
    if seen.unseen:
        touched = disturbed or seen.stopped_from or seen.scaled_by is not None
        return _unseen(seen, "restarted") if touched else ()
    return _bring_back(seen, disturbed=disturbed) if seen.exists else ()


def _bring_back(seen: ServiceSeen, *, disturbed: bool) -> tuple[Todo, ...]:
    """The steps for one service; empty if it runs as it should, or was never meant to run.

    A stopped service gets new tasks when it is started, so it needs no restart.
    """
    if seen.blocked:
        return _refused(seen)
    started = tuple(_start(seen))
    if started or seen.stopped_from:
        return started or _follow(seen)
    if not disturbed or seen.desired == 0:
        return ()
    if seen.controller != "ECS":
        why = f"{seen.controller} deploys it, so Belay did not restart it."
        return (_left(seen, why, f"let {seen.controller} deploy it again"),)
    return (_restart(seen),) if seen.restarted is None else _follow(seen)


def _start(seen: ServiceSeen) -> Iterator[Todo]:
    """Undo what stopped a service: its tasks first, because resuming its scaling corrects its count immediately."""
    if seen.stopped_from and seen.desired == 0:
        yield _start_tasks(seen)
    if seen.scaling is not None and seen.scaled_by is not None:
        before, now = _activities(seen.scaled_by), _activities(seen.scaling.suspended)
        if before != now:
            yield _resume(seen, before)


def _follow(seen: ServiceSeen) -> tuple[Todo, ...]:
    """Wait for a service that was restarted or started, until it is steady, has failed, or takes too long."""
    failed = next(
        (each for each in seen.deployments if each.id == seen.restarted and each.rollout_state == "FAILED"), None
    )
    if failed is not None:
        said = " ".join(filter(None, (failed.reason, *seen.events[:1])))
        why = f"the deployment that restarted it failed: {said.strip() or 'ECS gives no reason'}"
        return (_left(seen, why, _STEADY),)
    if seen.steady:
        return ()
    if seen.waited_seconds > PATIENCE_SECONDS:
        said = seen.events[0] if seen.events else "no events"
        why = f"it is not steady after {PATIENCE_SECONDS // 60} minutes, {seen.running} of {seen.desired} tasks run"
        return (_left(seen, f"{why}; last event: {said}", _STEADY),)
    return (_wait(seen, f"wait until it is steady, {seen.running} of {seen.desired} tasks run"),)


_STEADY: Final = "find out why it is not steady"


def _refused(seen: ServiceSeen) -> tuple[LeftToDo, ...]:
    """Leave to a person a permanent refusal by AWS, and undoing what this incident did to the service."""
    return _unknown(seen, f"nothing more was done to it: {str(seen.blocked).rstrip('.')}.")


def _unseen(seen: ServiceSeen, deed: str) -> tuple[LeftToDo, ...]:
    """Whether there is anything to do is unknown: the stacks are recovered, but the service is not called healthy."""
    return _unknown(seen, f"it was not {deed}, because it could not be read: {str(seen.unseen).rstrip('.')}.")


def _unknown(seen: ServiceSeen, why: str) -> tuple[LeftToDo, ...]:
    done = _as_it_was(seen.service, seen.stopped_from, seen.scaled_by)
    return (_left(seen, why, "check that it runs properly"), *done)


def left_stopped(noted: Mapping[str, Noted]) -> list[LeftToDo]:
    """Return how to start every service that an incident stopped, if its recovery no longer can.

    ``noted`` are the facts about subjects in the incident's record.
    """
    facts = [(name, each.stopped_from, each.scaled_by) for name, each in noted.items()]
    return [todo for each in facts for todo in _as_it_was(*each)]


def _as_it_was(service: str, count: int | None, scaled_by: Mapping[str, bool] | None) -> Iterator[LeftToDo]:
    """The calls that restore a service's task count, and then its scaling."""
    cluster, _, name = service.partition("/")
    if count:
        about = f"--cluster {shlex.quote(cluster)} --service {shlex.quote(name)}"
        command = f"aws ecs update-service {about} --desired-count {int(count)}"
        tasks = f"{int(count)} task{'' if int(count) == 1 else 's'}"
        yield LeftToDo(service, f"unless it does, let it run {tasks} again", "the recovery stopped it.", then=command)
    if scaled_by is not None:
        about = f"--service-namespace ecs --resource-id {shlex.quote(f'service/{service}')}"
        state = shlex.quote(json.dumps(_activities(scaled_by)))
        command = f"--scalable-dimension ecs:service:DesiredCount --suspended-state {state}"
        then = f"aws application-autoscaling register-scalable-target {about} {command}"
        yield LeftToDo(service, "then resume its scaling", then=then)


def _restart(seen: ServiceSeen) -> Step:
    return _step(
        Action.RESTART_SERVICE,
        seen,
        ("ecs", "UpdateService"),
        _named(seen) | {"forceNewDeployment": True},
        why="replace its tasks, so that none runs with the rolled-back release",
        legal_because=f"it is ACTIVE and ECS itself deploys it; {_ECS}API_UpdateService.html",
        risk=(Risk.DOWNTIME, "none if its deployment configuration keeps enough tasks running"),
        expected=("COMPLETED",),
        checked_afterwards="that the deployment is COMPLETED and the desired number of tasks run",
    )


def _wait(seen: ServiceSeen, why: str) -> Step:
    return _step(
        Action.WAIT,
        seen,
        ("ecs", "DescribeServices"),
        {"cluster": _cluster(seen), "services": [_name(seen)]},
        why=why,
        legal_because=f"{_ECS}API_DescribeServices.html may be called at any time",
        risk=(Risk.NONE, "none but time"),
        expected=("COMPLETED",),
        checked_afterwards="the service's deployments and tasks",
    )


def _suspend(seen: ServiceSeen) -> Step:
    return _step(
        Action.SUSPEND_SCALING,
        seen,
        ("application-autoscaling", "RegisterScalableTarget"),
        _target(seen) | {"SuspendedState": dict.fromkeys(SCALING_ACTIVITIES, True)},
        why="suspend its scaling, which would start tasks while it must be stopped",
        legal_because="a scalable target can be suspended at any time, while its desired count is within the bounds; "
        f"{_SCALING}API_RegisterScalableTarget.html",
        risk=(Risk.NONE, "it does not scale until it is resumed"),
        expected=("suspended",),
        checked_afterwards="that every scaling activity is suspended",
    )


def _stop_tasks(seen: ServiceSeen) -> Step:
    return _step(
        Action.STOP_SERVICE,
        seen,
        ("ecs", "UpdateService"),
        _named(seen) | {"desiredCount": 0},
        why=f"stop its {seen.desired} tasks, so that nothing writes",
        legal_because=f"it is ACTIVE and no daemon; {_ECS}API_UpdateService.html",
        risk=(Risk.DOWNTIME, "it is unavailable until it is started again"),
        expected=("runningCount 0",),
        checked_afterwards="that no task runs any more",
    )


def _start_tasks(seen: ServiceSeen) -> Step:
    return _step(
        Action.START_SERVICE,
        seen,
        ("ecs", "UpdateService"),
        _named(seen) | {"desiredCount": seen.stopped_from},
        why=f"start its {seen.stopped_from} tasks again",
        legal_because=f"it is ACTIVE and no daemon; {_ECS}API_UpdateService.html",
        risk=(Risk.NONE, "none: it runs nothing now"),
        expected=(f"runningCount {seen.stopped_from}",),
        checked_afterwards="that as many tasks run as before",
    )


def _resume(seen: ServiceSeen, before: Mapping[str, bool]) -> Step:
    return _step(
        Action.RESUME_SCALING,
        seen,
        ("application-autoscaling", "RegisterScalableTarget"),
        _target(seen) | {"SuspendedState": dict(before)},
        why="resume its scaling",
        legal_because="its desired count is what it was, so nothing is scaled by the call itself; "
        f"{_SCALING}API_RegisterScalableTarget.html",
        risk=(Risk.NONE, "none"),
        expected=("resumed",),
        checked_afterwards="that its scaling is suspended no more than it was before",
    )


def _step(
    action: Action,
    seen: ServiceSeen,
    call: tuple[str, str],
    parameters: Mapping[str, Any],
    *,
    why: str,
    legal_because: str,
    risk: tuple[Risk, str],
    expected: tuple[str, ...],
    checked_afterwards: str,
) -> Step:
    return Step(
        action=action,
        kind=Kind.SERVICE,
        subject=seen.service,
        subject_id=seen.arn or seen.service,
        call=call,
        parameters=parameters,
        why=why,
        legal_because=legal_because,
        risk=risk[0],
        risk_in_words=risk[1],
        expected=expected,
        checked_afterwards=checked_afterwards,
    )


def _left(seen: ServiceSeen, why: str, what: str) -> LeftToDo:
    about = f"--cluster {shlex.quote(_cluster(seen))} --services {shlex.quote(_name(seen))}"
    look = f"aws ecs describe-services {about} --query 'services[0].[deployments,events[:10]]'"
    restart = Choice(
        "fix the cause, then restart its tasks",
        "its tasks are replaced one after the other; no data is lost",
        f"aws ecs update-service --cluster {shlex.quote(_cluster(seen))} --service {shlex.quote(_name(seen))} "
        "--force-new-deployment",
    )
    leave = Choice("leave it as it is, if it serves well", "nothing is lost, but it may run with what was rolled back")
    return LeftToDo(seen.service, what, why, look, choices=(restart, leave))


def _named(seen: ServiceSeen) -> dict[str, Any]:
    return {"cluster": _cluster(seen), "service": _name(seen)}


def _target(seen: ServiceSeen) -> dict[str, Any]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{seen.service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }


def _activities(suspended: Mapping[str, bool]) -> dict[str, bool]:
    return {each: suspended.get(each, False) for each in SCALING_ACTIVITIES}


def _cluster(seen: ServiceSeen) -> str:
    return seen.service.split("/")[0]


def _name(seen: ServiceSeen) -> str:
    return seen.service.split("/")[1]
