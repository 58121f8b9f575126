"""Work on many items in isolation: a failure of one does not affect the others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from belay.errors import AwsFault, BelayError, ServiceUnavailable
from belay.release.place import StagePlace

Found = TypeVar("Found")


@dataclass(frozen=True)
class EachAlone:
    """Collects what each item raises, bugs included, and raises it at the end: ``problems`` has a line for each.

    A region that does not respond is tried only once, because each try takes time: ``out_of_reach`` has these regions
    with the fault, and those there was not ``enough_time`` for. Everything in one place is ``about`` that place and in
    its ``region``; Belay's own is empty.
    """

    faults: list[Exception] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    out_of_reach: dict[str, ServiceUnavailable] = field(default_factory=dict)
    about: str = ""
    region: str = ""
    enough_time: Callable[[], bool] = lambda: True

    def at(self, place: StagePlace | None) -> "EachAlone":
        """Return the collector for one place, None for Belay's own; its faults are collected here."""
        return self if place is None else replace(self, about=str(place), region=place.region)

    def attempt(self, act: Callable[[], Found], *, about: str = "", place: StagePlace | None = None) -> Found | None:
        """Do one thing. None if it raises, or is in a region that cannot be reached."""
        region = self.region if place is None else place.region
        if region and region not in self.out_of_reach and not self.enough_time():
            left_out = ServiceUnavailable("Belay", "NoTimeLeft", f"nothing was checked in {region}", answered=False)
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
        """Record what was raised."""
        self.faults.append(fault)
        self.say(str(fault) if isinstance(fault, AwsFault) else f"{type(fault).__name__}: {fault}", about)

    def note_each(self, faults: Mapping[str, Exception]) -> None:
        """Record what was raised earlier, by what it is about."""
        for about, fault in faults.items():
            self.note(fault, about)

    def say(self, problem: str, about: str = "") -> None:
        """Add a problem that was not raised, once."""
        line = ": ".join(filter(None, (self.about, about, problem)))
        if line not in self.problems:
            self.problems.append(line)

    def tell(self, error: Callable[[list[str]], BelayError]) -> None:
        """Raise one error with every problem, if there are any."""
        if self.problems:
            cause = ExceptionGroup("not everything was done", self.faults) if self.faults else None
            raise error(self.problems) from cause
