"""One thing that ``belay doctor`` looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from belay.release.registration import Stage
from cli.account import Account


class Condition(StrEnum):
    """All right; wrong; not allowed to these credentials, which may be intended; or unknown, as they may not look."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_ALLOWED = "not allowed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Examined:
    """One thing that was looked at: what, its condition, in words, and what to do about it."""

    what: str
    state: Condition
    detail: str
    do: str = ""


Examination = Callable[[Account], Iterator[Examined]]


def ok(what: str, detail: str) -> Examined:
    """Return something that is all right."""
    return Examined(what, Condition.OK, detail)


def problem(what: str, detail: str, do: str) -> Examined:
    """Return something that is wrong, with what to do."""
    return Examined(what, Condition.PROBLEM, detail, do)


def unknown(what: str, detail: str, do: str = "") -> Examined:
    """Return something that could not be looked at."""
    return Examined(what, Condition.UNKNOWN, detail, do)


def named(stage: Stage) -> str:
    """Return ``orders/production``."""
    return f"{stage.application}/{stage.name}"
