"""A rollback on request: its format, its possible targets, and what has to be undone.

A request is a JSON object:

    {"application": "orders", "stage": "production", "to": "1.2.0", "plan_only": true, "comment": "..."}

``to`` is a version that was deployed there; without it the stage goes back to the last-known-good release, or, if
that one is running, to the one before it. With ``plan_only`` nothing is done. The response is

    {"incident": "...", "execution": "...", "plan": {...}, "lines": ["1. ...", ...]}

with ``incident`` and ``execution`` null for a plan alone; ``plan`` is ``RollbackPlan.to_dict``, ``lines`` describe it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from belay.events.function_url import Refusal
from belay.release.attempt import StageDeployment, standing_in
from belay.release.names import NAME, NAME_RULE
from belay.release.records import ReleaseReference
from belay.stack.baseline import Baseline
from belay.stack.plan import Progress, StackPlan, StagePlan

_LONGEST_REQUEST: Final = 16_384
_LONGEST_COMMENT: Final = 1_024
_TEXTS: Final = ("application", "stage", "to", "comment")


@dataclass(frozen=True)
class RollbackRequest:
    """A person's request. ``to`` is empty for the default."""

    application: str
    stage: str
    to: str = ""
    plan_only: bool = False
    comment: str = ""


@dataclass(frozen=True)
class RollbackRange:
    """From the running release to the target: ``undone`` are the releases to be undone, the newest first.

    ``target`` is None if nothing was deployed before them.
    """

    undone: tuple[ReleaseReference, ...]
    target: ReleaseReference | None

    @property
    def newest(self) -> ReleaseReference:
        """The running release, or the remains of the last one."""
        leads_from = [*self.undone, *filter(None, [self.target])]
        return leads_from[0]


@dataclass(frozen=True)
class Undone:
    """The combined changes of several releases: their stacks as they are, and as they were before the oldest."""

    plan: StagePlan
    baselines: Mapping[str, Baseline]


def parse_request(body: str) -> RollbackRequest | Refusal:
    """Read a request from untrusted input."""
    try:
        document = json.loads(body) if len(body.encode(errors="replace")) <= _LONGEST_REQUEST else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not set(document) <= {*_TEXTS, "plan_only"}:
        return _invalid(f"expected a JSON object with {', '.join((*_TEXTS, 'plan_only'))}, in {_LONGEST_REQUEST} bytes")
    texts = {name: document.get(name, "") for name in _TEXTS}
    if not all(isinstance(text, str) for text in texts.values()) or document.get("plan_only", False) not in (
        True,
        False,
    ):
        return _invalid(f"{', '.join(_TEXTS)} are texts, plan_only is true or false")
    for name in ("application", "stage"):
        if not NAME.fullmatch(texts[name]):
            return _invalid(f"{name}: expected {NAME_RULE}")
    texts["comment"] = " ".join(texts["comment"].split())[:_LONGEST_COMMENT]
    return RollbackRequest(**texts, plan_only=bool(document.get("plan_only")))


def rollback_range(
    request: RollbackRequest, history: Sequence[StageDeployment], remains: ReleaseReference | None
) -> RollbackRange | Refusal:
    """Find what to undo. ``remains`` is a release that failed in the stage and was not rolled back completely.

    A request for the running version recovers what is stuck, and undoes nothing.
    """
    standing = tuple(each.release for each in standing_in(history))
    place = f"{request.application} in {request.stage}"
    if not standing and remains is None:
        return Refusal(404, "Unknown", f"nothing was ever deployed to {place}")
    if not request.to:
        keep = len(standing) if remains else len(standing) - 1
    else:
        versions = [release.version for release in standing]
        if request.to not in versions:
            known = ", ".join(dict.fromkeys(versions)) or "none"
            return Refusal(404, "Unknown", f"{request.to} is not an earlier release of {place}; known are {known}")
        keep = len(versions) - versions[::-1].index(request.to)
    if keep == 0 and remains is None:
        return Refusal(
            409,
            "NothingBefore",
            f"{standing[-1].version} is the first release of {place}, so there is none to roll back to",
        )
    undone = (*reversed(standing[keep:]),)
    return RollbackRange(undone=(remains, *undone) if remains else undone, target=standing[keep - 1] if keep else None)


def undone_together(releases: Sequence[tuple[StagePlan, Mapping[str, Baseline]]]) -> Undone:
    """Combine what several releases did, newest first: each with its plan and its baselines by stack.

    Every stack returns to its state before the oldest of them that changed it. Stacks are distinguished by id: a
    registered name may have meant another stack then, which is undone under its own name.
    """
    names: dict[str, str] = {}
    stacks: dict[str, StackPlan] = {}
    baselines: dict[str, Baseline] = {}
    for plan, captured in releases:
        here = {stack.stack: _name(stack, names) for stack in plan.stacks}
        baselines |= {here[stack]: baseline for stack, baseline in captured.items() if stack in here}
        for stack in plan.stacks:
            name = here[stack.stack]
            newer = stacks.get(name, stack)
            changed = {stack.progress, newer.progress} & {Progress.EXECUTED, Progress.EXECUTING}
            stacks[name] = replace(
                newer,
                stack=name,
                depends_on=newer.depends_on
                if name in stacks
                else tuple(here.get(each, each) for each in stack.depends_on),
                progress=Progress.EXECUTED if changed else newer.progress,
                creates=stack.creates,
                stack_id=newer.stack_id or stack.stack_id,
                change_set_id=None,
                report=None,
            )
    return Undone(StagePlan(tuple(stacks.values())), baselines)


def _name(stack: StackPlan, names: dict[str, str]) -> str:
    """Return a stack's name in the rollback; ``names`` has those given so far, by the stack's id or name."""
    known = names.get(stack.stack_id or stack.stack_name) or names.get(stack.stack_name, "")
    free = (each for each in (stack.stack, stack.stack_name) if each not in names.values())
    name = known or next(free, f"{stack.stack}-{stack.stack_name}")
    names[stack.stack_id or stack.stack_name] = name
    return name


def _invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidRequest", message)
