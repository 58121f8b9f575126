"""Generated stack trees whose rollback got stuck, and what may be skipped, defined independently of the planner.

The code gets a tree as CloudFormation returns it: resources, events and what each template's resources need.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from belay.stack.status import StackStatus
from belay.stack.stuck import StuckResource, stuck_in_rollback, stuck_resources

NESTED = "AWS::CloudFormation::Stack"
ACCOUNT = "arn:aws:cloudformation:eu-west-1:111122223333:stack"

ROLLED_BACK, FAILED_BACK, FAILED_FORWARD, CANCELLED, DELETE_FAILED = "ok", "back", "forward", "cancelled", "delete"
"""A resource's state: rolled back; not rolled back; failed before the rollback; cancelled after another failure; not
deleted.
"""


@dataclass(frozen=True)
class Resource:
    """One resource of a stack; ``needs`` are logical ids of the same stack, ``inside`` is a nested stack."""

    name: str
    kind: str
    fate: str
    needs: tuple[str, ...] = ()
    inside: "Tree | None" = None


@dataclass(frozen=True)
class Tree:
    """A stack with its resources and nested stacks."""

    name: str
    resources: tuple[Resource, ...]

    @property
    def stack_id(self) -> str:
        return f"{ACCOUNT}/{self.name}/6a7e8fe0-b491-11ee-8cf7-0a1b2c3d4e5f"

    def trees(self) -> Iterator["Tree"]:
        yield self
        for each in self.resources:
            if each.inside is not None:
                yield from each.inside.trees()

    def everything(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Tree", Resource]]:
        for each in self.resources:
            yield (*path, each.name), self, each
            if each.inside is not None:
                yield from each.inside.everything((*path, each.name))

    # -- as CloudFormation returns it -----------------------------------------------------------------------------

    def summaries(self) -> dict[str, list[dict[str, Any]]]:
        return {tree.stack_id: [summary(each) for each in tree.resources] for tree in self.trees()}

    def events(self) -> dict[str, list[dict[str, Any]]]:
        return {tree.stack_id: list(tree.told()) for tree in self.trees()}

    def told(self) -> Iterator[dict[str, Any]]:
        for second, each in enumerate(self.resources):
            if each.fate == FAILED_FORWARD:
                yield event(self, each.name, "UPDATE_FAILED", second)
        yield event(self, self.name, "UPDATE_ROLLBACK_IN_PROGRESS", 20, physical=self.stack_id)
        for second, each in enumerate(self.resources, 21):
            if each.fate != FAILED_FORWARD:
                yield event(self, each.name, STATUS[each.fate], second, reason=REASON.get(each.fate, ""))
        yield event(self, self.name, "UPDATE_ROLLBACK_FAILED", 59, physical=self.stack_id)

    def needs(self) -> dict[str, dict[str, tuple[str, ...]]]:
        return {tree.stack_id: {each.name: each.needs for each in tree.resources} for tree in self.trees()}

    def stuck(self) -> tuple[StuckResource, ...]:
        return stuck_in_rollback(self.stack_id, self.summaries(), self.events(), self.needs())

    def failed_resources(self) -> tuple[str, ...]:
        return stuck_resources(self.stack_id, StackStatus.UPDATE_ROLLBACK_FAILED, self.summaries())

    # -- what may be skipped: the page of ContinueUpdateRollback ---------------------------------------------------

    def skippable(self) -> dict[tuple[str, ...], str]:
        """By path, the spelling that ``ResourcesToSkip`` accepts."""
        found = {}
        for path, tree, each in self.everything():
            allowed = each.fate == DELETE_FAILED if each.kind == NESTED else each.fate == FAILED_BACK
            if allowed:
                found[path] = each.name if tree is self else f"{tree.name}.{each.name}"
        return found

    def least(self) -> set[str]:
        """What must be skipped now: what no other stuck resource can have made fail."""
        edges = self.edges()
        skippable = self.skippable()
        return {name for path, name in skippable.items() if not reachable(path, edges) & (set(skippable) - {path})}

    def edges(self) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
        """Which resource waits for which: resources of a nested stack wait, and are waited for, with the stack."""
        under = {
            path: {other for other, _, _ in self.everything() if other[: len(path)] == path}
            for path, _, _ in self.everything()
        }
        found: dict[tuple[str, ...], set[tuple[str, ...]]] = {path: set() for path in under}
        for path, _, each in self.everything():
            for name in each.needs:
                for inner in under[path]:
                    found[inner] |= under[*path[:-1], name]
        return found


def reachable(start: tuple[str, ...], edges: Mapping[tuple[str, ...], set[tuple[str, ...]]]) -> set[tuple[str, ...]]:
    seen: set[tuple[str, ...]] = set()
    waiting = [*edges[start]]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += edges[each]
    return seen


STATUS = {
    ROLLED_BACK: "UPDATE_COMPLETE",
    FAILED_BACK: "UPDATE_FAILED",
    FAILED_FORWARD: "UPDATE_FAILED",
    CANCELLED: "UPDATE_FAILED",
    DELETE_FAILED: "DELETE_FAILED",
}
REASON = {CANCELLED: "Resource update cancelled", FAILED_BACK: "Topic does not exist"}


def summary(each: Resource) -> dict[str, Any]:
    physical = each.inside.stack_id if each.inside else f"physical-{each.name}"
    known = {"LogicalResourceId": each.name, "ResourceType": each.kind, "PhysicalResourceId": physical}
    return known | {"ResourceStatus": STATUS[each.fate], "ResourceStatusReason": REASON.get(each.fate, "")}


def event(tree: Tree, name: str, status: str, second: int, *, physical: str = "", reason: str = "") -> dict[str, Any]:
    return {
        "StackId": tree.stack_id,
        "LogicalResourceId": name,
        "PhysicalResourceId": physical or f"physical-{name}",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": f"2026-11-21T08:00:{second:02}+00:00",
    }


@st.composite
def trees(draw: st.DrawFn, name: str, depth: int = 2) -> Tree:
    """A tree of stacks, at most three deep; needs lead from later resources to earlier ones, as templates allow."""
    made: list[Resource] = []
    for number in range(draw(st.integers(0, 4))):
        kinds = ["AWS::SNS::Topic", "AWS::SSM::Parameter", "AWS::DynamoDB::Table", *([NESTED] if depth else [])]
        kind = draw(st.sampled_from(kinds))
        logical_id = f"R{number}"
        inside = draw(trees(f"{name}-{logical_id}-ABC", depth - 1)) if kind == NESTED else None
        fates = [ROLLED_BACK, FAILED_BACK, FAILED_FORWARD, CANCELLED, DELETE_FAILED]
        earlier = [each.name for each in made]
        needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        made.append(Resource(logical_id, kind, draw(st.sampled_from(fates)), tuple(needs), inside))
    return Tree(name, tuple(made))
