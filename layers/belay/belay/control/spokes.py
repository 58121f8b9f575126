"""What an account needs for its stages, as Belay sees it there: its roles, and the rule that forwards events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from belay.aws.gateways import Aws
from belay.control.places import Places
from belay.errors import AwsFault
from belay.release.place import Power, StagePlace
from belay.release.registration import Stage
from belay.release.trust import distrust

FORWARD: Final = "belay-forward"
FORWARD_PIPELINES: Final = "belay-forward-pipelines"
"""The rules' names in ``accounts/spoke_region.yaml``; there are more for pipelines, which come and go with this one."""


@dataclass(frozen=True)
class SeenThere:
    """What an application finds in a place: what each role that its stages need lacks, and where events are sent to.

    ``roles`` are by power. ``pipelines_to`` is where those of pipelines are sent to, None if no stage has one.
    ``fault`` is why it could not be looked at.
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
    """Looks with the role ``belay-look`` of each account."""

    places: Places

    def seen(self, stages: Iterable[Stage]) -> list[SeenThere]:
        """Return what each application finds in each place where it has a stage, for ``belay doctor`` to judge."""
        found: dict[tuple[StagePlace, str], list[Stage]] = {}
        for each in stages:
            if each.place:
                found.setdefault((each.place, each.application), []).append(each)
        return [self._seen(place, stages) for (place, _), stages in sorted(found.items(), key=str)]

    def _seen(self, place: StagePlace, stages: Sequence[Stage]) -> SeenThere:
        about = (stages[0].application, place.account, place.region)
        try:
            return SeenThere(*about, *self._looked(self.places.of(stages[0]), place, stages))
        except AwsFault as fault:
            return SeenThere(*about, fault=f"{type(fault).__name__}: {fault}")

    def _looked(
        self, there: Aws, place: StagePlace, stages: Sequence[Stage]
    ) -> tuple[dict[str, list[str]], list[str], list[str] | None]:
        for stack in stages[0].stacks.values():
            there.stacks.describe_stack(stack.name)
        hub, application = self.places.home.here, stages[0].application
        lacks = {
            power.value: distrust(there.roles.trust(place.roles.of(power)), hub, power, application)
            for power in Power
            if any(needs(each, power) for each in stages)
        }
        pipelines = any(each.pipeline for each in stages)
        rules = there.event_rules
        return lacks, rules.targets(FORWARD), rules.targets(FORWARD_PIPELINES) if pipelines else None


def needs(stage: Stage, power: Power) -> bool:
    """Whether anything is done with a power in a stage."""
    if power is Power.FORECAST:
        return stage.forecast != "none"
    return stage.pipeline is not None if power is Power.PIPELINE else True
