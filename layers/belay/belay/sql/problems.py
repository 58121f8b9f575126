"""The messages by which unreadable changes are refused: where, what was expected, what was found."""

from types import TracebackType
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import SourcePlace

_MOST_SHOWN: Final = 80


def problem_at(place: SourcePlace, problem: str) -> str:
    """Return a problem prefixed by its location, as ``changes/0001-orders.sql:3:1: expected ..., found ...``."""
    return f"{place.path}:{place.line}:{place.column}: {problem}"


def shown(text: str) -> str:
    """Quote hostile text for a message: control characters escaped, long text shortened."""
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")


class Collected:
    """The problems of several files. As a context it collects those of one, so that the next is read too."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def add(self, problem: str) -> None:
        """Add one problem."""
        self._problems.append(problem)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(fault, UnreadableChanges):
            self._problems += fault.problems
            return True
        return False

    def raise_all(self) -> None:
        """Raise :class:`UnreadableChanges` if there is any problem."""
        if self._problems:
            raise UnreadableChanges(self._problems)
