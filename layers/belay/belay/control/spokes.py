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
"""The rule's name in ``accounts/spoke_region.yaml``."""


@dataclass(frozen=True)
class SeenThere:
    """What an application finds in a place: what each role lacks by its power, and what the rule sends events to.

    ``fault`` is why it could not be looked at.
    """

    application: str
    account: str
    region: str
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    forwards_to: Sequence[str] = ()
    fault: str = ""


@dataclass(frozen=True)
class Spokes:
    """Looks with the role ``belay-look`` of each account."""

    places: Places

    def seen(self, stages: Iterable[Stage]) -> list[SeenThere]:
        """Return what each application finds in each place where it has a stage, for ``belay doctor`` to judge."""
        first = {(each.place, each.application): each for each in reversed([*stages]) if each.place}
        return [self._seen(stage, place) for (place, _), stage in sorted(first.items(), key=str) if place]

    def _seen(self, stage: Stage, place: StagePlace) -> SeenThere:
        about = (stage.application, place.account, place.region)
        try:
            return SeenThere(*about, *self._looked(self.places.of(stage), stage, place))
        except AwsFault as fault:
            return SeenThere(*about, fault=f"{type(fault).__name__}: {fault}")

    def _looked(self, there: Aws, stage: Stage, place: StagePlace) -> tuple[dict[str, list[str]], list[str]]:
        for stack in stage.stacks.values():
            there.stacks.describe_stack(stack.name)
        hub = self.places.home.here
        lacks = {
            power.value: distrust(there.roles.trust(place.roles.of(power)), hub, power, stage.application)
            for power in Power
        }
        return lacks, there.event_rules.targets(FORWARD)
