"""The accounts and regions of several stages, for work that spans releases."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from belay.aws.gateways import Aws
from belay.aws.sessions import Session
from belay.errors import AccessDenied, InvalidRegistration
from belay.release.accepted import AcceptedRelease
from belay.release.place import PlaceRoles, Power, StagePlace
from belay.release.registration import Stage, misplaced
from belay.release.stack_claim import StackClaim
from belay.subject.incident import Incident

Found = TypeVar("Found")


@dataclass(frozen=True)
class Places:
    """The accounts and regions of stages, with one power there. ``work`` names the work there, such as ``sweep``."""

    home: Aws
    power: Power
    work: str

    def is_home(self, arn: str) -> bool:
        """Whether a resource is in Belay's own account and region, by its ARN."""
        return arn.split(":")[3:5] == [self.home.region, self.home.account]

    def of(self, stage: Stage) -> Aws:
        """Return a stage's account and region."""
        return self.at(stage.place, stage.application, stage.name)

    def of_incident(self, incident: Incident) -> Aws:
        """Return the account and region that an incident's stage was in when it was opened."""
        return self.at(incident.place, incident.application, incident.stage)

    def of_claim(self, claim: StackClaim, stages: Iterable[Stage]) -> StagePlace | None:
        """Return the account and region of a stack that is not registered any more, given the registered stages; None
        for home.

        It is reached through its application's roles there, or else through the default role names.
        """
        where = (claim.account, claim.region)
        if where == (self.home.account, self.home.region):
            return None
        known = (each.place for each in stages if each.place and each.application == claim.application)
        usual = PlaceRoles.named_alike(self.home.partition, claim.account)
        place = next((each for each in known if (each.account, each.region) == where), None)
        return place or StagePlace(self.home.partition, *where, usual)

    def at(self, place: StagePlace | None, application: str, stage: str) -> Aws:
        """Return an account and region, for the work on a stage of an application."""
        return self.home.at(place, self.power, Session(application, stage, self.work))

    def with_databases(self, stages: Iterable[Stage]) -> dict[StagePlace | None, dict[str, str]]:
        """Return home, as None, and each other place where stages have databases: a stage there, by application."""
        found: dict[StagePlace | None, dict[str, str]] = {None: {"": ""}}
        for each in stages:
            if each.databases and (place := self.home.elsewhere(each.place)):
                found.setdefault(place, {})[each.application] = each.name
        return found

    def for_whichever(self, place: StagePlace | None, stages: Mapping[str, str], act: Callable[[Aws], Found]) -> Found:
        """Do something in a place with the first application that has access; ``stages`` has one for each."""
        *others, last = stages.items()
        for each in others:
            with suppress(AccessDenied):
                return act(self.at(place, *each))
        return act(self.at(place, *last))


@dataclass(frozen=True)
class Placing:
    """Places the stages of accepted releases; ``home`` is Belay's own account and region, as a stage names any other.

    ``files_buckets`` is the prefix, before the region, of the names of the buckets with files for stages elsewhere.
    """

    home: Aws
    files_buckets: str

    def placed(self, accepted: AcceptedRelease) -> AcceptedRelease:
        """Return a release with its stages placed: at home, or elsewhere with their files in a bucket there.

        Raises ``InvalidRegistration`` for a stage in another partition than Belay's, which no role can reach, and for
        resources outside their stage's account and region.
        """
        home, stages, buckets, problems = self.home, dict(accepted.stages), {}, []
        for name, stage in accepted.stages.items():
            place = home.elsewhere(stage.place)
            if place is None:
                stages[name] = replace(stage, place=None)
            elif {place.partition, home.in_region(place.region).partition} != {home.partition}:
                problems.append(
                    f"stage {name}: {place} is in another partition than Belay, which is in {home.partition}"
                )
            else:
                buckets[name] = f"{self.files_buckets}{place.region}"
        problems += misplaced(accepted.application, stages.values(), home.here)
        if problems:
            raise InvalidRegistration(problems)
        return replace(accepted, stages=stages, buckets=buckets)
