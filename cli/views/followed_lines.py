"""What is followed, as text: whole as it is now, for a terminal, or what is new since the last look, for a log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from belay.notify.told import reason_lines
from belay.release.attempt import Transition
from belay.release.life import State
from belay.stack.plan import Progress
from cli.output import ago, at, duration, plain
from cli.views.followed import Followed, PersonAsked, StageFollowed
from cli.views.incidents import IncidentShown
from cli.views.stacks import ResourceNow, StackNow

_TONES: Final = {"good": "green", "back": "magenta", "call": "bold red", "going": "yellow", "empty": "dim"}
"""The styles of what the console colours by the same names."""
_TOLD_BELOW: Final = (State.RECOVERING, State.ENDED)
"""The states whose detail is a cause, which is shown in full separately."""


@dataclass(frozen=True)
class ShownLine:
    """A line of text with its style on a terminal."""

    text: str
    style: str = ""


# -- as it is now ------------------------------------------------------------------------------------------------------


def now_lines(seen: Sequence[Followed], now: datetime) -> list[ShownLine]:
    """Return everything that is followed, a line for each release and stage with its stacks below."""
    return [ShownLine(plain(line.text), line.style) for each in seen for line in _followed(each, now)]


def _followed(seen: Followed, now: datetime) -> Iterator[ShownLine]:
    yield ShownLine(f"{seen.name}  {seen.state}, since {ago(datetime.fromisoformat(seen.since), now)}", "bold")
    for stage in seen.stages:
        yield ShownLine(f"  {stage.track.stage:<12} {_stage(stage, now)}", _TONES[stage.track.tone])
        if stage.track.ended is None:
            for stack in stage.stacks:
                yield from _stack(stack, now)
    for note in seen.notes:
        yield ShownLine(f"  {note}")
    for incident in seen.incidents:
        yield from _incident(incident, now)
    for asked in seen.asks:
        yield from _asked(asked)
    if seen.outcome is not None:
        yield from (ShownLine(f"  {each}", "red") for each in reason_lines(seen.reason))


def _stage(stage: StageFollowed, now: datetime) -> str:
    """Return its state, how long it has taken, and how long it usually takes."""
    took = duration(timedelta(seconds=stage.worked(now)))
    if stage.track.ended is not None:
        return f"{stage.track.words}, {took}"
    if stage.usual is None or stage.track.words == State.RECOVERING:
        return f"{_doing(stage)}, {took}"
    return f"{_doing(stage)}, {took} of about {duration(timedelta(seconds=stage.usual))}"


def _doing(stage: StageFollowed) -> str:
    """Return the step of the stage that is under way, and the state in it."""
    step = next((each.name.lower() for each in stage.track.steps if each.stands == "now"), None)
    return f"{step}: {stage.track.words}" if step else stage.track.words


def _stack(stack: StackNow, now: datetime) -> Iterator[ShownLine]:
    yield ShownLine(f"    {stack.stack:<14} {_progress(stack)}", "" if stack.progress is Progress.EXECUTING else "dim")
    for each in stack.resources:
        if each.ended is None or each.tone == "call":
            took = f", {ago(datetime.fromisoformat(each.began), now)}" if each.ended is None else ""
            yield ShownLine(f"      {each.name:<22} {each.status}{took}{_why(each)}", _TONES[each.tone])


def _progress(stack: StackNow) -> str:
    if stack.unseen:
        return f"{stack.progress}; its resources cannot be seen: {stack.unseen}"
    known = stack.total and stack.progress is not Progress.UNCHANGED
    return f"{stack.progress}, {stack.done} of {stack.total} resources" if known else str(stack.progress)


def _why(resource: ResourceNow) -> str:
    return f": {resource.reason}" if resource.tone == "call" and resource.reason else ""


def _incident(incident: IncidentShown, now: datetime) -> Iterator[ShownLine]:
    line = incident.line
    since = "" if line.outcome else f", since {ago(datetime.fromisoformat(line.opened_at), now)}"
    yield ShownLine(
        f"  rollback of {line.stage}: {line.outcome or State.RECOVERING}{since}  ({line.name})", _TONES["back"]
    )
    yield from (ShownLine(f"    {each}", "red") for each in incident.cause)
    for step in incident.taken:
        goes_on = step.seconds is None and line.outcome is None
        yield ShownLine(f"    {'now ' if goes_on else 'done'}  {step.in_words}", "yellow" if goes_on else "")
    begun = {(each.action, each.subject) for each in incident.taken if each.seconds is None}
    planned = [each for each in incident.planned if (each.action, each.subject) not in begun]
    yield from (ShownLine(f"    next  {each.in_words()}", "dim") for each in planned)


def _asked(asked: PersonAsked) -> Iterator[ShownLine]:
    until = f", until {at(asked.until)}" if asked.until else ""
    yield ShownLine(f"  waits for a person: {asked.what}{until}", _TONES["call"])
    yield ShownLine(f"    who may answer: {asked.who}")
    yield from (ShownLine(f"    {each}") for each in asked.commands)


# -- what is new -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class News:
    """Something that happened ``at`` a time (ISO 8601) to what has this ``key``, reported once.

    Its ``name`` may change: an upload gets its version when it is opened.
    """

    at: str
    key: str
    stage: str
    text: str
    name: str = field(compare=False)

    @property
    def line(self) -> str:
        """The line of a log."""
        return plain(f"{self.at[11:19]}  {self.name}  {self.stage or '-':<10}  {self.text}")


def news(seen: Sequence[Followed]) -> list[News]:
    """Return everything that has happened so far, in order; a log tells what it has not told yet."""
    told = (News(at, each.key, stage or "", text, each.name) for each in seen for at, stage, text in _told(each))
    return sorted(told, key=lambda each: each.at)


_Told = tuple[str, str | None, str]
"""When, in which stage, what."""


def _told(seen: Followed) -> Iterator[_Told]:
    if not seen.lines and not seen.stages and not seen.incidents:
        yield from ((seen.since, None, each) for each in (seen.state, *seen.notes))
    yield from ((each.at, None, _transition(each)) for each in seen.lines)
    for stage in seen.stages:
        name = stage.track.stage
        yield from ((each.at, name, _transition(each)) for each in stage.lines)
        yield from ((at, name, text) for stack in stage.stacks for at, text in _changed(stack))
    for incident in seen.incidents:
        yield from _recovered(incident)
    for asked in seen.asks:
        yield from ((_asked_at(seen, asked), asked.stage, line.text.strip()) for line in _asked(asked))


def _asked_at(seen: Followed, asked: PersonAsked) -> str:
    """Return when a person was asked, as far as the history shows."""
    times = [
        line.at
        for stage in seen.stages
        if stage.track.stage == asked.stage
        for line in stage.lines
        if line.what is State.AWAITING_APPROVAL
    ]
    asked_at = [one.asked_at for incident in seen.incidents for one in incident.open_questions]
    return max([*times, *asked_at], default=seen.since)


def _transition(line: Transition) -> str:
    detail = "" if line.what in _TOLD_BELOW else " ".join(str(line.detail).split())
    return f"{line.words}{': ' if detail else ''}{detail}"


def _changed(stack: StackNow) -> Iterator[tuple[str, str]]:
    """Yield each resource that is done, with how long it took and, if it failed, why."""
    for each in stack.resources:
        if each.ended is not None:
            took = duration(datetime.fromisoformat(each.ended) - datetime.fromisoformat(each.began))
            yield each.ended, f"{stack.stack}/{each.name} ({each.kind}) {each.status}, {took}{_why(each)}"


def _recovered(incident: IncidentShown) -> Iterator[_Told]:
    line = incident.line
    yield from ((line.opened_at, line.stage, each) for each in incident.cause)
    yield from ((step.at, line.stage, f"rollback: {step.subject}: {step.why}") for step in incident.taken)
    if line.outcome is not None and line.ended_at is not None:
        yield line.ended_at, line.stage, f"rollback: {line.outcome}"


def still(seen: Sequence[Followed], now: datetime) -> list[str]:
    """Return a line for each that goes on, for when nothing has happened for a while."""
    return [plain(f"{each.name}  still {_going(each, now)}") for each in seen if not each.over]


def _going(seen: Followed, now: datetime) -> str:
    stages = [each for each in seen.stages if each.track.ended is None]
    if not stages:
        return f"{seen.state}, since {ago(datetime.fromisoformat(seen.since), now)}"
    going = [each for stage in stages for each in _going_in(stage, now)]
    waits = [f"waits for {each.what}" for each in seen.asks]
    return "; ".join([*going, *waits, *seen.notes])


def _going_in(stage: StageFollowed, now: datetime) -> list[str]:
    stacks = [f"{each.stack} {_progress(each)}" for each in stage.stacks if each.progress is Progress.EXECUTING]
    return [f"{_stage(stage, now)} in {stage.track.stage}", *stacks]
