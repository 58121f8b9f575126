"""Work on many things, each done alone: what keeps one from being done keeps no other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from belay.errors import AwsFault, BelayError, ServiceUnavailable
from belay.release.place import StagePlace

Found = TypeVar("Found")


@dataclass(frozen=True)
class EachAlone:
    """Keeps what things raised, even a bug of ours, for their end: ``problems`` has a line for each.

    A region that answers nothing is tried once, for each try takes its time: ``out_of_reach`` has those, each with how
    it was noticed, and those that there was not ``enough_time`` for. Everything in one place is ``about`` that, and in
    its ``region``; Belay's own is empty.
    """

    faults: list[Exception] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    out_of_reach: dict[str, ServiceUnavailable] = field(default_factory=dict)
    about: str = ""
    region: str = ""
    enough_time: Callable[[], bool] = lambda: True

    def at(self, place: StagePlace | None) -> "EachAlone":
        """Return the work in one place, None for Belay's own; what it keeps is kept here."""
        return self if place is None else replace(self, about=str(place), region=place.region)

    def attempt(self, act: Callable[[], Found], *, about: str = "", region: str = "") -> Found | None:
        """Do one thing. None if it raises, or lies in a region that is out of reach."""
        region = region or self.region
        if region and region not in self.out_of_reach and not self.enough_time():
            left_out = ServiceUnavailable("Belay", "NoTimeLeft", f"nothing was looked at in {region}", answered=False)
            self.out_of_reach[region] = left_out
            self.note(left_out, about)
        if region in self.out_of_reach:
            return None
        try:
            return act()
        except Exception as fault:
            if region and isinstance(fault, ServiceUnavailable) and not fault.answered:
                self.out_of_reach[region] = fault
            self.note(fault, about)
            return None

    def note(self, fault: Exception, about: str = "") -> None:
        """Keep what was raised."""
        self.faults.append(fault)
        self.say(str(fault) if isinstance(fault, AwsFault) else f"{type(fault).__name__}: {fault}", about)

    def note_each(self, faults: Mapping[str, Exception]) -> None:
        """Keep what was raised before, each by what it is about."""
        for about, fault in faults.items():
            self.note(fault, about)

    def say(self, problem: str, about: str = "") -> None:
        """Keep a problem that nothing raised, once."""
        line = ": ".join(filter(None, (self.about, about, problem)))
        if line not in self.problems:
            self.problems.append(line)

    def tell(self, error: Callable[[list[str]], BelayError]) -> None:
        """Raise an error that says every problem, if there is one."""
        if self.problems:
            cause = ExceptionGroup("not everything was done", self.faults) if self.faults else None
            raise error(self.problems) from cause
