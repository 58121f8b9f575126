"""What on-call engineers read: one message for people and programs.

The first line of every message says what to do. Below it stand what happened, the first cause, what was done, what is
left to do, and the command to look closer. The messages of one upload, incident or stage make one thread.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from belay.notify.credentials import commands_of, whose_credentials
from belay.notify.lines import ascii_only, bounded, bounded_documents, cut, one_line
from belay.notify.thread import Thread
from belay.notify.told import cause_document, cause_lines, finding_document, finding_line, findings_of, todo_document
from belay.release.left_to_do import LeftToDo
from belay.release.place import AccountRegion
from belay.release.reason import FoundInStages, Reason
from belay.release.records import Outcome

SCHEMA = 1
"""The number of the JSON document's form, docs/message.schema.json."""

LONGEST_SUBJECT = 99
"""SNS: "must be ASCII text ... and must be less than 100 characters long"
(https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""

_LONGEST_NAME = 512

_LONGEST_FIRST_LINE = 400

_FILTERED_BY = ("application", "stage", "outcome", "severity", "kind", "thread", "state")

_ROOM = {
    "what": 2_000,
    "cause": 4_000,
    "done": 4_000,
    "left_to_do": 6_000,
    "findings": 8_000,
    "list": 8_000,
    "look": 2_000,
    "more": 3_000,
}
"""Bytes for each part, so that two readable bodies and four for programs fit into one message."""


class Urgency(StrEnum):
    """How soon somebody should read it; programs get it as ``severity``."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class MessageKind(StrEnum):
    """What a message is about; subscribers filter by it."""

    RELEASE_HELD = "release-held"
    DEPLOYMENT_STARTED = "deployment-started"
    RECOVERY_STARTED = "recovery-started"
    STAGE_ENDED = "stage-ended"
    RELEASE_ENDED = "release-ended"
    APPROVAL_REQUESTED = "approval-requested"
    PERSON_NEEDED = "person-needed"
    FOREIGN_STACK_FAILED = "foreign-stack-failed"
    HEALTHY_AGAIN = "healthy-again"
    INCIDENT_ACKNOWLEDGED = "incident-acknowledged"
    INCIDENT_CLOSED = "incident-closed"
    FINDINGS_APPEARED = "findings-appeared"
    FINDINGS_GONE = "findings-gone"
    PIPELINE_FAILED = "pipeline-failed"
    PIPELINE_RECOVERED = "pipeline-recovered"
    PIPELINE_NOTICE = "pipeline-notice"
    REGISTRATION_UNREADABLE = "registration-unreadable"
    STACKS_SHARED = "stacks-shared"
    REGISTRATION_CORRECTED = "registration-corrected"
    VAULT_COPY_FAILED = "vault-copy-failed"
    VAULT_COPIED = "vault-copied"


class ThreadState(StrEnum):
    """Whether what a thread is about goes on after a message, for tools that open and close incidents."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Message:
    """One notification.

    ``subject`` is ASCII and shorter than 100 characters, ``text`` is for people, ``data`` the same for programs (a JSON
    document), ``attributes`` what subscriptions filter by: application, stage, outcome, severity, kind, thread, state,
    where known. ``thread`` names what it belongs to, ``key`` the message in it: a second one of the same key is the
    same message told again. ``closes`` are the kinds of earlier messages in the thread that are settled by it.
    ``withheld`` is the beginning of a link that answers for whoever has it: it is sent, and kept nowhere. ``commands``
    are those about the stage's resources.
    """

    subject: str
    text: str
    data: Mapping[str, Any]
    attributes: Mapping[str, str]
    thread: str
    key: str
    closes: frozenset[MessageKind] = frozenset()
    withheld: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class About:
    """What a message is about: how the subject says it, and what subscriptions filter by.

    ``thread`` is the release's, the upload's or the incident's; without one the message stands in the application's.
    """

    application: str
    in_words: str
    version: str | None = None
    stage: str | None = None
    thread: str | None = None


def in_thread(message: Message, thread: Thread) -> Message:
    """Return a message with its number in its thread, and the numbers of those it closes."""
    number = thread.number_of(message.key)
    earlier = thread.before(message.key)
    closed = [thread.number_of(key) for key in earlier if MessageKind(key.partition("/")[0]) in message.closes]
    closes = f", closes {', '.join(map(str, closed))}" if closed else ""
    footer = f"\nMessage {number} of the thread {message.thread}{closes}\n"
    data = {**message.data, "id": f"{message.thread}/{number}", "sequence": number, "closes": closed}
    return replace(message, text=message.text + footer, data=data)


def with_credentials(message: Message, places: Sequence[AccountRegion | None], account: str) -> Message:
    """Return a message about ``places`` that says whose credentials its commands need if not those of ``account``."""
    lines = whose_credentials(message.commands, places, account)
    if not lines:
        return message
    section = f"\nWhose credentials\n{_listed(lines, '- ')}\n"
    return replace(message, text=message.text + section, data={**message.data, "credentials": lines})


def compose(
    kind: MessageKind,
    urgency: Urgency,
    about: About,
    word: str,
    *,
    what: str,
    outcome: Outcome | None = None,
    reason: Reason | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[LeftToDo] = (),
    findings: Sequence[FoundInStages | str] = (),
    findings_title: str = "Findings",
    lists: Mapping[str, tuple[str, Sequence[str]]] | None = None,
    look: Sequence[str] = (),
    look_there: Sequence[str] = (),
    otherwise: str = "",
    key: str = "",
    state: ThreadState = ThreadState.OPEN,
    closes: frozenset[MessageKind] = frozenset(),
    more: Mapping[str, Sequence[str]] | None = None,
    **named: str,
) -> Message:
    """Return a message: ``word`` says in capitals what came of what it is ``about``, ``what`` happened in a sentence.

    Its lists are cut where they are too long to read. ``reason`` is told as the findings that it is made of, or else as
    the first cause. ``otherwise`` is the first line where nothing is ``left_to_do``; ``findings`` stand under
    ``findings_title``; ``lists`` are a heading and lines each, by their names for programs, ``more`` are lists under
    titles of their own. ``look_there`` are commands about the stage's resources, ``look`` others. ``key`` tells the
    message from the others of its kind in the thread; without one its text does.
    ``named`` are further names for programs.
    """
    found, cause = [*findings_of(reason), *findings], cause_document(reason)
    evidence = [] if cause is None else cause.pop("evidence", [])
    shows_cause: str | None = None if cause is None else cause["command"]
    to_look = [*look, *look_there, *([shows_cause] if shows_cause and shows_cause not in look_there else [])]
    parts = {
        "what": bounded([what], _ROOM["what"]),
        "cause": bounded(cause_lines(cause), _ROOM["cause"]),
        "done": bounded(done, _ROOM["done"]),
        "left_to_do": bounded([line for todo in left_to_do for line in todo.lines()], _ROOM["left_to_do"]),
        "findings": bounded([finding_line(each) for each in found], _ROOM["findings"]),
        "look": bounded(to_look, _ROOM["look"]),
    }
    headed = {"evidence": ("Evidence", evidence), **(lists or {})}
    listed = {name: (title, bounded(lines, _ROOM["list"])) for name, (title, lines) in headed.items() if lines}
    also = {title: bounded(lines, _ROOM["more"]) for title, lines in (more or {}).items()}
    known = {
        "application": about.application,
        "version": about.version,
        "stage": about.stage,
        "outcome": outcome,
        "severity": urgency,
        "kind": kind,
        "thread": about.thread or about.application,
        "state": state,
    }
    clean = {name: cut(one_line(value), _LONGEST_NAME) for name, value in (known | named).items() if value}
    text = _text(
        _first_line(urgency, left_to_do, parts["left_to_do"], otherwise),
        f"{about.in_words}: {word}",
        parts,
        {findings_title: parts["findings"], **dict(listed.values()), **also},
    )
    return Message(
        subject=cut(ascii_only(f"{word}: {about.in_words}"), LONGEST_SUBJECT),
        text=text,
        data={"schema": SCHEMA}
        | clean
        | {"what": parts["what"][0], "done": parts["done"], "look": parts["look"]}
        | _documents(cause, found, left_to_do)
        | {name: lines for name, (_, lines) in listed.items()}
        | ({"more": also} if also else {}),
        attributes={name: ascii_only(clean[name]) for name in _FILTERED_BY if name in clean},
        thread=clean["thread"],
        key=f"{kind}/{key or hashlib.sha256(text.encode()).hexdigest()[:12]}",
        closes=closes,
        commands=commands_of(left_to_do, *look_there, shows_cause),
    )


def _documents(
    cause: Mapping[str, Any] | None, found: Sequence[FoundInStages | str], left_to_do: Sequence[LeftToDo]
) -> dict[str, Any]:
    """What was found, the first cause and what is left to do, as data; ``left_out`` counts what did not fit."""
    told = {
        "findings": bounded_documents([finding_document(each) for each in found], _ROOM["findings"] * 3 // 2),
        "left_to_do": bounded_documents([todo_document(each) for each in left_to_do], _ROOM["left_to_do"] * 3 // 2),
    }
    return {
        "cause": None if cause is None else bounded_documents([cause], 4 * _ROOM["cause"])[0],
        **told,
        "left_out": {
            "findings": len(found) - len(told["findings"]),
            "left_to_do": len(left_to_do) - len(told["left_to_do"]),
        },
    }


def _first_line(urgency: Urgency, left_to_do: Sequence[LeftToDo], lines: Sequence[str], otherwise: str) -> str:
    """What to do, for people who read only one line; ``lines`` are those of what is left to do."""
    if not left_to_do:
        return otherwise
    others, ways = len(left_to_do) - 1, any(each.choices for each in left_to_do)
    below = [*([f"{others} more"] if others else []), *(["the choices"] if ways else [])]
    more = f" ({' and '.join(below)} below)" if below else ""
    first = cut(lines[0].strip(), _LONGEST_FIRST_LINE)
    return f"{'Do this now' if urgency is Urgency.CRITICAL else 'To do'}: {first}{more}"


def _text(first_line: str, title: str, parts: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> str:
    several = len(parts["cause"]) > 1
    sections = (
        ("What happened", parts["what"], ""),
        ("What was found" if several else "First cause", parts["cause"], "- " if several else ""),
        *((heading, lines, "- ") for heading, lines in found.items()),
        ("What was done", parts["done"], "- "),
        ("Left to do", parts["left_to_do"], "- "),
        ("Look closer", parts["look"], ""),
    )
    written = [f"{heading}\n{_listed(lines, mark)}" for heading, lines, mark in sections if any(lines)]
    return "\n\n".join([f"{first_line}\n{one_line(title)}", *written]) + "\n"


def _listed(lines: Sequence[str], mark: str) -> str:
    """One line each; a line that is indented belongs to the one before it and gets no mark of its own."""
    return "\n".join(f"  {' ' * len(mark) if line.startswith(' ') else mark}{line}" for line in lines)
