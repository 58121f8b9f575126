"""What an account needs for its stages, as Belay finds it there: its roles, and the rule that forwards events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from belay.aws.iam import Roles
from belay.control.alone import EachAlone
from belay.control.places import Places
from belay.release.place import Power, StagePlace
from belay.release.registration import Stage
from belay.release.trust import distrust

FORWARD: Final = "belay-forward"
FORWARD_PIPELINES: Final = "belay-forward-pipelines"
"""The rules' names in ``accounts/spoke_region.yaml``; those for pipelines are created and deleted with this one."""

_INVOKE: Final = "lambda:InvokeFunction"


@dataclass(frozen=True)
class SeenThere:
    """What an application finds in a place: what its stages' roles lack, and where events are sent.

    ``roles`` are by power. ``pipelines_to`` is where pipelines' events are sent, None if no stage has a pipeline.
    ``fault`` is why the place could not be read.
    """

    application: str
    account: str
    region: str
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    forwards_to: Sequence[str] = ()
    pipelines_to: Sequence[str] | None = None
    fault: str = ""


@dataclass(frozen=True)
class Spokes:
    """Reads with each account's role ``belay-look``."""

    places: Places

    def seen(self, stages: Iterable[Stage]) -> list[SeenThere]:
        """Return what each application finds in each place with one of its stages, for ``belay doctor`` to judge."""
        found: dict[tuple[StagePlace, str], list[Stage]] = {}
        for each in stages:
            if place := self.places.home.elsewhere(each.place):
                found.setdefault((place, each.application), []).append(each)
        alone = EachAlone()
        return [self._seen(place, stages, alone) for (place, _), stages in sorted(found.items(), key=str)]

    def _seen(self, place: StagePlace, stages: Sequence[Stage], alone: EachAlone) -> SeenThere:
        """Read one place; a region that did not respond before is skipped."""
        about = (stages[0].application, place.account, place.region)
        looked = alone.attempt(partial(self._looked, place, stages), place=place)
        if looked is not None:
            return SeenThere(*about, *looked)
        fault = alone.out_of_reach.get(place.region, alone.faults[-1])
        return SeenThere(*about, fault=f"{type(fault).__name__}: {fault}")

    def _looked(
        self, place: StagePlace, stages: Sequence[Stage]
    ) -> tuple[dict[str, list[str]], list[str], list[str] | None]:
        there = self.places.of(stages[0])
        for stack in stages[0].stacks.values():
            there.stacks.describe_stack(stack.name)
        hub, application = self.places.home.here, stages[0].application
        needed = [power for power in Power if any(needs(each, power) for each in stages)]
        lacks = {
            power.value: [
                *distrust(there.roles.trust(place.roles.of(power)), hub, power, application),
                *_refused(there.roles, place.roles.of(power), uses(stages, power)),
            ]
            for power in needed
        }
        pipelines = any(each.pipeline for each in stages)
        rules = there.event_rules
        return lacks, rules.targets(FORWARD), rules.targets(FORWARD_PIPELINES) if pipelines else None


@dataclass(frozen=True)
class Use:
    """What a role does to something that a registration names, and the ``parameter`` that allows it."""

    parameter: str
    action: str
    resource: str


def uses(stages: Iterable[Stage], power: Power) -> list[Use]:
    """Return what roles do to what the stages of one place name, each once."""
    found: dict[Use, None] = {}
    for stage in stages:
        named: list[Use] = []
        executors = [Use("ExecutorArns", _INVOKE, each.function) for each in stage.executors.values()]
        if power is Power.LOOK and stage.verify.function:
            named = [Use("VerifyFunctionArns", _INVOKE, stage.verify.function)]
        elif power is Power.DEPLOY:
            named = [*executors, *(Use("ParameterTableArns", "dynamodb:GetItem", each) for each in tables_of(stage))]
        elif power is Power.FORECAST and needs(stage, power):
            named = executors
        elif power is Power.PIPELINE:
            named = [Use("PipelineArns", "codepipeline:GetPipeline", each) for each in pipelines_of(stage)]
        found |= dict.fromkeys(named)
    return [*found]


def _refused(roles: Roles, role: str, named: Iterable[Use]) -> list[str]:
    """Say what a role is not allowed to do; nothing for a role that does not exist, which is reported separately."""
    return [
        f"its parameter {each.parameter} does not include {each.resource} ({each.action} is refused)"
        for each in named
        if roles.refused(role, [each.action], each.resource)
    ]


def tables_of(stage: Stage) -> list[str]:
    """Return the tables that hold parameter values for a stage elsewhere."""
    named = sorted({one.table for stack in stage.stacks.values() for one in stack.from_tables.values()})
    return [] if stage.place is None else [stage.place.arn("dynamodb", f"table/{each}") for each in named]


def pipelines_of(stage: Stage) -> list[str]:
    """Return the pipeline of a stage elsewhere, if it has one."""
    place = stage.place
    return [] if stage.pipeline is None or place is None else [place.arn("codepipeline", stage.pipeline.name)]


def needs(stage: Stage, power: Power) -> bool:
    """Whether a power is used in a stage."""
    if power is Power.FORECAST:
        return stage.forecast != "none"
    return stage.pipeline is not None if power is Power.PIPELINE else True
