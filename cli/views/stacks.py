"""A stack's operation as it goes: each resource with what became of it, from CloudFormation's events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket
from belay.errors import AwsFault
from belay.release.records import ReleaseReference
from belay.stack.cause import Event, event_time
from belay.stack.command_line import failed_events_command
from belay.stack.operation import BEGINS
from belay.stack.plan import Progress, StackPlan, StagePlan

_IN_PROGRESS = "_IN_PROGRESS"


@dataclass(frozen=True)
class ResourceNow:
    """One resource of an operation: its newest status and that status's reason, when it began and when it ended."""

    name: str
    kind: str
    status: str
    reason: str
    began: str
    ended: str | None

    @property
    def tone(self) -> str:
        """What colours it."""
        if "FAILED" in self.status:
            return "call"
        if self.ended is None:
            return "going"
        return "back" if "ROLLBACK" in self.status else "good"


@dataclass(frozen=True)
class StackNow:
    """One stack of a release in a stage. ``unseen`` says why its operation could not be looked at, if it could not."""

    stack: str
    name: str
    progress: Progress
    changes: tuple[str, ...]
    resources: tuple[ResourceNow, ...] = ()
    unseen: str = ""

    @property
    def done(self) -> int:
        """How many resources the operation has finished."""
        return sum(each.ended is not None for each in self.resources)

    @property
    def total(self) -> int:
        """How many resources it changes, as far as is known."""
        return max(len(self.resources), len(self.changes))

    @property
    def now(self) -> str:
        """The resources that change at this moment."""
        return ", ".join(each.name for each in self.resources if each.ended is None)


def stack_now(aws: Aws, plan: StackPlan) -> StackNow:
    """Return a stack as it is now, in whatever region; what these credentials are not shown is said, and is no status.

    Nothing is asked about a stack of another account: only the roles of Belay's functions may look there.
    """
    known = StackNow(plan.stack, plan.stack_name, plan.progress, plan.changes)
    if plan.stack_id is None or plan.token is None or plan.progress not in (Progress.EXECUTING, Progress.EXECUTED):
        return known
    _, _, _, region, account, _ = plan.stack_id.split(":", 5)
    if account != aws.account:
        why = (
            f"it is in account {account}, where only Belay's functions look, and these credentials are for "
            f"{aws.account}. With credentials for {account}: {failed_events_command(plan.stack_id)}"
        )
        return replace(known, unseen=why)
    try:
        events = aws.in_region(region).stacks.events(plan.stack_id)
        resources = of_operation(events, plan.stack_id, plan.token)
    except AwsFault as fault:
        why = f"in account {account}, region {region}: {fault}"
        return replace(known, unseen=why)
    return replace(known, resources=tuple(resources))


def stacks_of(artifacts: ArtifactBucket, aws: Aws, release: ReleaseReference | None, stage: str) -> list[StackNow]:
    """Return the stacks of a release in a stage as they are now; none before they were planned."""
    document = None if release is None else artifacts.get_json(release.stage_key(stage, "plan.json"))
    plan = StagePlan(()) if document is None else StagePlan.from_dict(document)
    return [stack_now(aws, each) for each in plan.stacks]


def of_operation(events: Iterable[Event], stack_id: str, token: str) -> list[ResourceNow]:
    """Return the resources that an operation changed, in the order in which it began with them.

    ``events`` are the stack's, newest first; only those of the operation are read.
    """
    found: dict[str, ResourceNow] = {}
    for event in events:
        if event.get("ClientRequestToken") != token:
            if found:
                break
            continue
        status, at = event["ResourceStatus"], event_time(event).isoformat(timespec="milliseconds")
        if event.get("PhysicalResourceId") == stack_id:
            if status in BEGINS:
                break
            continue
        name = event["LogicalResourceId"]
        newer = found.pop(name, None)
        ended = None if status.endswith(_IN_PROGRESS) else at
        found[name] = ResourceNow(
            name=name,
            kind=event.get("ResourceType", ""),
            status=status if newer is None else newer.status,
            reason=event.get("ResourceStatusReason", "") if newer is None else newer.reason,
            began=at,
            ended=ended if newer is None else newer.ended,
        )
    return list(reversed(found.values()))
