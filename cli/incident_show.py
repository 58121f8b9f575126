"""``belay incident show INCIDENT``: the cause, the steps, what is left to do with each choice, and the evidence."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from belay.ledger.incidents import IncidentRecord
from belay.notify.credentials import commands_of, whose_credentials
from belay.notify.told import todo_document
from belay.rollback.plan import Step
from belay.rollback.question import AskedQuestion
from belay.rollback.taken import StepTaken
from belay.stack.stack_id import name_of_stack
from belay.wording import counted
from cli.account import Account, Where, calls_aws, registered_stages
from cli.options import argument
from cli.output import at, duration, section, tell
from cli.problems import Refused
from cli.views.incidents import (
    IncidentShown,
    answer_until,
    described,
    find_incident,
    read_incident,
    state_in_words,
    todo_lines,
)
from cli.views.stacks import StackNow, stacks_of

incident_argument = argument("incident", help="its name, as messages and `belay incidents` have it")


@click.command()
@incident_argument
@calls_aws
def command(incident: str, where: Where, output: str) -> int:
    """Show one incident: its cause, each step, what is left to do with the choices and their commands, the evidence."""
    belay = Account.of(where)
    record = record_of(belay, incident)
    if record is None:
        raise Refused(f"there is no incident {incident}; see `belay incidents --all`")
    shown = read_incident(belay.ledger, belay.artifacts, record.incident.application, incident)
    if shown is None:
        raise Refused(f"there is no incident {incident} any more")
    found = gather(belay, shown)
    tell(output, found, render(found))
    return 0


def record_of(belay: Account, incident: str) -> IncidentRecord | None:
    """Return the incident of this name; of a closed one, the registered applications may have to be read."""
    ledger = belay.ledger
    return find_incident(ledger, incident) or find_incident(ledger, incident, registered_stages(belay))


def gather(belay: Account, shown: IncidentShown) -> dict[str, Any]:
    """Return all that is known of an incident as plain data; ``next`` are the commands that a person may go on with."""
    line = shown.line
    stacks = stacks_of_attempt(belay, shown)
    left_to_do = [todo_document(each) for each in shown.left]
    commands = commands_of(shown.left, shown.look)
    return {
        **described(line),
        "cause": list(shown.cause),
        "look": shown.look,
        "runs": belay.ledger.stages.in_words(line.application, line.stage),
        "mixed": [asdict(each) for each in belay.ledger.stages.left(line.application, line.stage)],
        "questions": [_question_document(each, shown) for each in shown.questions],
        "left_to_do": left_to_do,
        "credentials": whose_credentials(commands, [shown.place], belay.aws.account),
        "taken": [_taken(each, over=line.outcome is not None) for each in shown.taken],
        "planned": [_planned(each) for each in shown.planned],
        "evidence": {
            "stacks": [_stack(each) for each in stacks],
            "in_doubt": list(shown.unproved),
            "not_rolled_back": dict(shown.blocked),
            "remarks": list(shown.remarks),
        },
        "unstable": [name_of_stack(each) for each in shown.unstable],
        "messages": shown.thread,
        "next": list(_next(shown)),
    }


def stacks_of_attempt(belay: Account, shown: IncidentShown) -> list[StackNow]:
    """Return the stacks of the release that failed, with what became of each resource; none where it was no release."""
    if shown.attempt is None:
        return []
    attempt = belay.ledger.attempts.of_id(shown.line.application, shown.attempt)
    release = None if attempt is None else attempt.release
    return stacks_of(belay.artifacts, belay.aws, release, shown.line.stage)


def _question_document(asked: AskedQuestion, shown: IncidentShown) -> dict[str, Any]:
    is_open = asked in shown.open_questions
    words = ("approve", shown.line.application, "--incident", shown.line.name, "--question", asked.name)
    return {
        "question": asked.name,
        "text": asked.text,
        "asked_at": asked.asked_at,
        "answer": asked.answer,
        "by": asked.by,
        "at": asked.at,
        "comment": asked.comment,
        "until": answer_until(asked) if is_open else None,
        "command": f"belay {shlex.join(words)}" if is_open else None,
    }


def _taken(step: StepTaken, *, over: bool) -> dict[str, Any]:
    ended = over or step.seconds is not None
    state = "refused" if step.refused else "done" if ended else "now"
    return {
        "state": state,
        "action": step.action.value,
        "subject": step.subject,
        "why": step.why,
        "at": step.at,
        "seconds": step.seconds,
    }


def _planned(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.value,
        "subject": step.subject,
        "why": step.why,
        "call": ".".join(step.call),
        "risk": step.risk_in_words,
        "estimate_seconds": step.estimate_seconds,
    }


def _stack(stack: StackNow) -> dict[str, Any]:
    return {
        "stack": stack.stack,
        "name": stack.name,
        "progress": stack.progress.value,
        "unseen": stack.unseen or None,
        "resources": [asdict(each) for each in stack.resources],
    }


def _next(shown: IncidentShown) -> Iterator[dict[str, str]]:
    """Yield what a person may do next about the whole incident: what for, and the command."""
    if not shown.line.state.is_open:
        return
    name = shlex.quote(shown.line.name)
    if shown.line.acknowledged is None:
        yield {"what": "say that you are on it", "command": f"belay incident acknowledge {name}"}
    if shown.line.outcome is None:
        return
    if shown.again is not None:
        yield {"what": "let Belay roll back again, once the cause is fixed", "command": f"{shown.again} --plan"}
    if shown.unstable:
        names = ", ".join(name_of_stack(each) for each in shown.unstable)
        yield {"what": f"it can be closed once {names} can be updated again", "command": "belay incidents"}
    else:
        yield {"what": "close it, once all that is left is done", "command": f"belay incident close {name} --why TEXT"}


def render(found: Mapping[str, Any]) -> list[str]:
    """Render it as text."""
    evidence, left = found["evidence"], "Left to do" if found["outcome"] else "Will be left to a person"
    return [
        f"{found['incident']}  {state_in_words(found)}",
        f"  about     {found['application']} {found['subject']} in {found['stage']}",
        f"  opened    {at(found['opened_at'])}",
        *([f"  ended     {at(found['ended_at'])}"] if found["ended_at"] else []),
        *([f"  on it     {_said(found['acknowledged'])}"] if found["acknowledged"] else []),
        *([f"  closed    {_said(found['closed'])}"] if found["closed"] else []),
        f"  runs now  {found['stage']}: {found['runs'] or 'nothing'}",
        *section("It asks", [line for each in found["questions"] if each["command"] for line in _question(each)]),
        *section(left, [line for each in found["left_to_do"] for line in todo_lines(each)]),
        *section("What to do next", [f"{each['what']}: {each['command']}" for each in found["next"]]),
        *section("Cause", [*found["cause"], *([found["look"]] if found["look"] else [])]),
        *section("Whose credentials", found["credentials"]),
        *section("Steps taken", [_step(each) for each in found["taken"]]),
        *section("Steps planned", [_step_to_come(each) for each in found["planned"]]),
        *(line for each in evidence["stacks"] for line in _events(each)),
        *section("Resources in doubt", evidence["in_doubt"]),
        *section("Not rolled back", [f"{name}: {why}" for name, why in evidence["not_rolled_back"].items()]),
        *section("Remarks", evidence["remarks"]),
        *section("Answered", [_answered(each) for each in found["questions"] if each["answer"]]),
        "",
        f"Its messages: belay messages {shlex.quote(found['incident'])}",
    ]


def _said(answer: Mapping[str, Any]) -> str:
    return f"{answer['by']}, {at(answer['at'])}" + (f": {answer['comment']}" if answer["comment"] else "")


def _question(question: Mapping[str, Any]) -> list[str]:
    return [
        str(question["text"]),
        f"  asked {at(question['asked_at'])}, until {at(question['until'])}",
        f"  yes: {question['command']}",
        f"  no:  {str(question['command']).replace('belay approve', 'belay reject', 1)}",
    ]


def _answered(question: Mapping[str, Any]) -> str:
    comment = f": {question['comment']}" if question["comment"] else ""
    return f"{question['text']} {question['answer']} by {question['by']}, {at(question['at'])}{comment}"


def _step(step: Mapping[str, Any]) -> str:
    took = "" if step["seconds"] is None else f" ({duration(timedelta(seconds=step['seconds']))})"
    return f"{at(step['at'])}  {step['state']:<8} {step['subject']}: {step['why']}{took}"


def _step_to_come(step: Mapping[str, Any]) -> str:
    known = step["estimate_seconds"]
    took = "" if known is None else f", about {duration(timedelta(seconds=known))}"
    return f"{step['subject']}: {step['why']} ({step['call']}{took}); {step['risk']}"


def _events(stack: Mapping[str, Any]) -> Sequence[str]:
    """Describe a stack's resources after the release's operation: which failed, and how many others there are."""
    failed = [each for each in stack["resources"] if "FAILED" in each["status"] or each["reason"]]
    rows = [
        f"{at(each['began'])}  {each['status']:<28} {each['name']} ({each['kind']})"
        + (f": {each['reason']}" if each["reason"] else "")
        for each in failed
    ]
    others = Counter(each["status"] for each in stack["resources"] if each not in failed)
    rows += [
        f"{f'{count} more' if failed else counted(count, 'resource')}: {status}" for status, count in others.items()
    ]
    unseen = [f"its events cannot be read: {stack['unseen']}"] if stack["unseen"] else []
    return section(f"What the release did to {stack['stack']} ({stack['name']})", [*rows, *unseen])
