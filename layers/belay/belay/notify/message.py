"""What on-call engineers read: one message for people and programs, and how SNS takes it.

The first line of every message says what to do. Below it stand what happened, the first cause, what was done, what is
left to do, and the command to look closer. The messages of one upload, incident or stage make one thread.
"""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from belay.release.records import Outcome
from belay.stack.cause import Cause
from belay.stack.command_line import failed_events_command

LONGEST_SUBJECT = 99
"""SNS: "must be ASCII text ... and must be less than 100 characters long"
(https://docs.aws.amazon.com/sns/latest/api/API_Publish.html)."""

LARGEST_MESSAGE = 262_144
"""SNS: 256 KB for the message with its attributes, all protocols' bodies together (same page)."""

_LONGEST_SMS = 140

_LONGEST_NAME = 512

_LONGEST_FIRST_LINE = 400

_FILTERED_BY = ("application", "stage", "outcome", "severity", "kind", "thread", "state")

_ROOM = {
    "what": 2_000,
    "cause": 2_000,
    "done": 4_000,
    "left_to_do": 4_000,
    "findings": 8_000,
    "look": 2_000,
    "more": 3_000,
}
"""Bytes for each part, so that two readable bodies and four for programs fit into one message."""


class Severity(StrEnum):
    """How soon somebody should read it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Kind(StrEnum):
    """What a message is about; subscribers filter by it."""

    RELEASE_HELD = "release-held"
    DEPLOYMENT_STARTED = "deployment-started"
    RECOVERY_STARTED = "recovery-started"
    RELEASE_ENDED = "release-ended"
    APPROVAL_REQUESTED = "approval-requested"
    PERSON_NEEDED = "person-needed"
    FOREIGN_STACK_FAILED = "foreign-stack-failed"
    HEALTHY_AGAIN = "healthy-again"
    FINDINGS_APPEARED = "findings-appeared"
    FINDINGS_GONE = "findings-gone"
    PIPELINE_FAILED = "pipeline-failed"
    PIPELINE_RECOVERED = "pipeline-recovered"
    PIPELINE_NOTICE = "pipeline-notice"


class State(StrEnum):
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
    """

    subject: str
    text: str
    data: Mapping[str, Any]
    attributes: Mapping[str, str]
    thread: str
    key: str
    closes: frozenset[Kind] = frozenset()


@dataclass(frozen=True)
class Deployment:
    """What a message is about: a version of an application, in a stage where it is about one, and the execution.

    ``thread`` is the release's or the upload's; without one the message stands in the application's.
    """

    application: str
    version: str
    stage: str | None = None
    execution_arn: str | None = None
    thread: str | None = None

    @property
    def in_words(self) -> str:
        """``orders 1.3.0 in production``."""
        return f"{self.application} {self.version}" + (f" in {self.stage}" if self.stage else "")


def deployment_started(
    deployment: Deployment, *, changes: Sequence[str], replaces: str | None = None, through: Sequence[str] = ()
) -> Message:
    """Tell that a release passed its gates and is on its way to the deployment's stage, its last.

    ``changes`` say what it will change, the riskiest first; ``replaces`` is the version that runs there now;
    ``through`` are the stages it goes through, in order, where there are several.
    """
    name = f"{deployment.application} {deployment.version}"
    way = ", then ".join(through) or _where(deployment)
    today = f"{_where(deployment)} runs {replaces}" if replaces else f"nothing was deployed to {_where(deployment)}"
    return _message(
        Kind.DEPLOYMENT_STARTED,
        Severity.INFO,
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            None,
            "STARTED",
            f"{name} ({way})",
            deployment.thread,
        ),
        what=f"{name} passed its gates and is on its way to {way}. Until then {today}.",
        findings=changes,
        findings_title="What it changes",
        otherwise="Nothing to do.",
        look=_look(deployment, None),
        closes=frozenset({Kind.RELEASE_HELD}),
    )


def release_held(deployment: Deployment, *, why: str, until: str, let_through: str = "") -> Message:
    """Tell that a release waits without harm: ``why``, and ``until`` what, as in ``until somebody resumes``.

    ``let_through`` is the command by which it goes on earlier, where there is one.
    """
    return _message(
        Kind.RELEASE_HELD,
        Severity.INFO,
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            None,
            "HELD",
            deployment.in_words,
            deployment.thread,
        ),
        what=f"{deployment.in_words} is held: {why}. Nothing is lost and nothing was changed.",
        otherwise=f"Nothing to do: it goes on by itself {until}.",
        findings=[f"It goes on earlier by: {let_through}"] if let_through else (),
        findings_title="If it cannot wait",
        look=_look(deployment, None),
        key=f"held-{deployment.stage}" if let_through else "held",
    )


def recovery_started(deployment: Deployment, *, cause: Cause | str | None, steps: Sequence[str]) -> Message:
    """Tell that something failed in a lasting stage and is being taken back; ``steps`` are the plan, in order."""
    return _message(
        Kind.RECOVERY_STARTED,
        Severity.WARNING,
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            None,
            "FAILED, BEING TAKEN BACK",
            deployment.in_words,
            deployment.thread,
        ),
        what=f"{deployment.in_words} failed. {_where(deployment)} is being brought back to what it was.",
        cause=cause,
        findings=steps,
        findings_title="What is being done",
        otherwise="Nothing to do yet: the next message in this thread tells how the recovery ended.",
        look=_look(deployment, cause),
        key=f"recovery-{deployment.stage}",
    )


def release_ended(
    outcome: Outcome,
    deployment: Deployment,
    *,
    what: str | None = None,
    cause: Cause | str | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
    findings: Sequence[str] = (),
    changed: Sequence[str] = (),
    runs_now: str | None = None,
) -> Message:
    """Tell how a release ended.

    ``what`` says it in a sentence or two, and has a default for each outcome; ``cause`` as text may have several lines,
    one a problem; ``done`` are the steps taken, in order; ``findings`` what the gates and the live validation found, or
    ``changed`` what the release changed; ``runs_now`` is the version that the stage runs now.
    """
    return _message(
        Kind.RELEASE_ENDED,
        _SEVERITY[outcome],
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            outcome.value,
            outcome.value,
            deployment.in_words,
            deployment.thread,
        ),
        what=" ".join(
            filter(None, (what or _WHAT[outcome], f"{_where(deployment)} runs {runs_now}." if runs_now else ""))
        ),
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        otherwise=_OTHERWISE[outcome],
        findings=findings or changed,
        findings_title="Findings" if findings else "What changed",
        look=_look(deployment, cause),
        key="ended",
        state=State.OPEN if outcome is Outcome.NEEDS_OPERATOR else State.CLOSED,
        closes=frozenset(
            {
                Kind.RELEASE_HELD,
                Kind.DEPLOYMENT_STARTED,
                Kind.APPROVAL_REQUESTED,
                Kind.RECOVERY_STARTED,
                Kind.PERSON_NEEDED,
            }
        ),
    )


def approval_requested(
    deployment: Deployment,
    *,
    what: str,
    until: str,
    changes: Sequence[str],
    more: Mapping[str, Sequence[str]],
    answers: Sequence[str],
    report: str,
    reminder: bool = False,
) -> Message:
    """Ask people to approve a release in a stage, or remind them that it was asked.

    ``changes`` say what it would change, the riskiest first; ``more`` are other things to know, by their titles;
    ``answers`` say how to answer, ``report`` is the command that opens the full report. ``until`` says when it is
    too late.
    """
    return _message(
        Kind.APPROVAL_REQUESTED,
        Severity.WARNING,
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            None,
            "STILL WAITS FOR APPROVAL" if reminder else "APPROVAL WANTED",
            deployment.in_words,
            deployment.thread,
        ),
        what=f"{what} Without an answer until {until} it ends ABORTED.",
        findings=changes,
        findings_title="What would change, the riskiest first",
        more=more,
        left_to_do=[f"Read the report: {report}", *answers],
        look=_look(deployment, None),
        key=f"{deployment.stage}{'-reminder' if reminder else ''}",
    )


def asked_rollback_ended(
    outcome: Outcome,
    deployment: Deployment,
    *,
    target: str | None,
    reason: str,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
) -> Message:
    """Tell how a rollback ended that a person asked for.

    ``deployment`` names what was undone, ``target`` the version it went back to, None where nothing was before it;
    ``reason`` says who asked, and why.
    """
    goal = f"to {target}" if target else "to what was before"
    ended = {
        Outcome.ROLLED_BACK: f"{_where(deployment)} was brought back {goal}, as a person asked.",
        Outcome.NEEDS_OPERATOR: f"The way back {goal}, which a person asked for, needs a person to finish it.",
    }
    return release_ended(
        outcome, deployment, what=ended[outcome], cause=reason, done=done, left_to_do=left_to_do, runs_now=None
    )


def person_needed(
    deployment: Deployment,
    *,
    why: str,
    left_to_do: Sequence[str],
    cause: Cause | str | None = None,
    done: Sequence[str] = (),
    findings: Sequence[str] = (),
    severity: Severity = Severity.CRITICAL,
) -> Message:
    """Tell that something waits for a person: ``why``, and what that person is to do.

    ``severity`` is WARNING where waiting does no harm, as with an approval.
    """
    return _message(
        Kind.PERSON_NEEDED,
        severity,
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            None,
            "A PERSON IS NEEDED",
            deployment.in_words,
            deployment.thread,
        ),
        what=why,
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        findings=findings,
        look=_look(deployment, cause),
    )


def foreign_stack_failed(
    application: str,
    stage: str,
    *,
    stack: str,
    stack_id: str,
    status: str,
    cause: Cause | str | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
    thread: str | None = None,
) -> Message:
    """Tell that a registered stack failed under somebody else's hands: no release of Belay's did that."""
    name = stack_id.split("/")[1] if "/" in stack_id else stack_id
    return _message(
        Kind.FOREIGN_STACK_FAILED,
        Severity.CRITICAL if left_to_do else Severity.WARNING,
        _Head(
            application, None, stage, None, status, f"{application} in {stage}, stack {stack}, not by a release", thread
        ),
        what=f"The stack {name} went {status} under an operation that somebody else started, not a release.",
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        otherwise="Nothing to do now. Whoever started the operation will want to know the cause.",
        look=[f"belay status {shlex.quote(application)}", failed_events_command(stack_id)],
        key="foreign",
        state=State.OPEN if left_to_do else State.CLOSED,
        closes=frozenset({Kind.RECOVERY_STARTED}),
        stack=stack,
        stack_id=stack_id,
        status=status,
    )


def findings_appeared(
    deployment: Deployment, *, findings: Sequence[str], known: int, grave: bool, seen_at: str
) -> Message:
    """Tell what the re-validation of a deployed stage found that was not there before.

    ``findings`` are the new ones, a line each; ``known`` counts those told before and still there; ``grave`` says
    whether one of the new ones breaks a policy that would have stopped a release. ``seen_at`` tells one occasion from
    the next: what has gone may come back.
    """
    found, was = ("1 finding", "was") if len(findings) == 1 else (f"{len(findings)} findings", "were")
    before = f" {known} told before {'is' if known == 1 else 'are'} still there." if known else ""
    return _message(
        Kind.FINDINGS_APPEARED,
        Severity.CRITICAL if grave else Severity.WARNING,
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            None,
            "NEW FINDINGS",
            deployment.in_words,
            deployment.thread,
        ),
        what=f"{_where(deployment)} was validated again: {found} that {was} not there the last time.{before}",
        findings=findings,
        left_to_do=[
            "Find out who changed the group: CloudTrail has AuthorizeSecurityGroupIngress and ...Egress.",
            "Take the change back, bring it into the template by a release, or let the operator waive it.",
        ],
        look=_look(deployment, None),
        key=seen_at,
    )


def findings_gone(deployment: Deployment, *, gone: Sequence[str], left: int, seen_at: str) -> Message:
    """Tell that findings of a re-validation are no longer there; ``left`` counts those that still are."""
    rest = f" {left} told before {'is' if left == 1 else 'are'} still there." if left else ""
    return _message(
        Kind.FINDINGS_GONE,
        Severity.INFO,
        _Head(
            deployment.application,
            deployment.version,
            deployment.stage,
            None,
            "FINDINGS GONE",
            deployment.in_words,
            deployment.thread,
        ),
        what=f"{_where(deployment)} was validated again: what is listed here is no longer there.{rest}",
        findings=gone,
        findings_title="Gone",
        otherwise="Nothing to do." if not left else "Nothing new to do.",
        look=_look(deployment, None),
        state=State.OPEN if left else State.CLOSED,
        key=seen_at,
        closes=frozenset() if left else frozenset({Kind.FINDINGS_APPEARED}),
    )


def healthy_again(
    application: str, stage: str, *, thread: str, stacks: Sequence[str], version: str | None = None
) -> Message:
    """Tell that the stacks that an incident left to a person are stable again; ``stacks`` say each with its status."""
    about = f"{application}{f' {version}' if version else ''} in {stage}"
    return _message(
        Kind.HEALTHY_AGAIN,
        Severity.INFO,
        _Head(application, version, stage, None, "HEALTHY AGAIN", about, thread),
        what="Every stack that the incident had left to a person is stable again. This closes it.",
        findings=stacks,
        findings_title="Stacks",
        otherwise="Nothing to do, unless the message that is closed here asked for more than stacks.",
        look=[f"belay status {shlex.quote(application)}"],
        state=State.CLOSED,
        closes=frozenset({Kind.RELEASE_ENDED, Kind.FOREIGN_STACK_FAILED, Kind.PERSON_NEEDED}),
    )


def in_thread(message: Message, number: int, told: Sequence[str]) -> Message:
    """Return a message with its number in its thread, and the numbers of those it closes.

    ``told`` are the keys of the thread's messages in order.
    """
    kinds = [Kind(key.split("/")[0]) for key in told[: number - 1]]
    closed = [each for each, kind in enumerate(kinds, start=1) if kind in message.closes]
    closes = f", closes {', '.join(map(str, closed))}" if closed else ""
    footer = f"\nMessage {number} of the thread {message.thread}{closes}\n"
    data = {**message.data, "id": f"{message.thread}/{number}", "sequence": number, "closes": closed}
    return replace(message, text=message.text + footer, data=data)


def pipeline_failed(
    application: str,
    stage: str,
    *,
    pipeline: str,
    execution: str,
    failure: str,
    cause: str,
    evidence: Sequence[str] = (),
    taken_back: Sequence[str] = (),
    by_codepipeline: bool = False,
    left_to_do: Sequence[str] = (),
    look: Sequence[str] = (),
    thread: str | None = None,
) -> Message:
    """Tell why an execution of a registered pipeline failed.

    ``failure`` tells this failure from a later one of the same execution; ``cause`` is the diagnosis in a sentence,
    ``evidence`` what it rests on, ``left_to_do`` the likely fix. ``taken_back`` are the stacks that are being brought
    back; where there are any, another message of the thread tells how that ended. ``by_codepipeline`` says that
    CodePipeline is configured to roll the stage back itself.
    """
    back = f" What it had deployed ({', '.join(taken_back)}) is being taken back." if taken_back else ""
    if by_codepipeline:
        back = " CodePipeline rolls the stage back itself, in an execution of its own."
    return _message(
        Kind.PIPELINE_FAILED,
        Severity.WARNING,
        _Head(
            application, None, stage, None, "PIPELINE FAILED", f"{application} in {stage}, pipeline {pipeline}", thread
        ),
        what=f"The execution {execution} of the pipeline {pipeline} failed.{back}",
        cause=cause,
        left_to_do=left_to_do,
        otherwise="Nothing to do yet: the next message in this thread tells how the recovery ended."
        if taken_back
        else "Nothing to do on the stage. Correct the cause and release the change again.",
        findings=evidence,
        findings_title="Evidence",
        look=look,
        key=failure,
        state=State.OPEN if taken_back else State.CLOSED,
        pipeline=pipeline,
        execution=execution,
    )


def pipeline_recovered(
    application: str,
    stage: str,
    *,
    pipeline: str,
    execution: str,
    incident: str,
    outcome: Outcome,
    cause: str,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
    thread: str | None = None,
) -> Message:
    """Tell how the way back from a failed execution of a pipeline ended: ROLLED_BACK or NEEDS_OPERATOR."""
    rolled_back = outcome is Outcome.ROLLED_BACK
    how = "was taken back" if rolled_back else "could not be taken back without a person"
    return _message(
        Kind.PIPELINE_RECOVERED,
        _SEVERITY[outcome],
        _Head(
            application,
            None,
            stage,
            outcome.value,
            outcome.value,
            f"{application} in {stage}, pipeline {pipeline}",
            thread,
        ),
        what=f"What the execution {execution} of the pipeline {pipeline} had deployed to {stage} {how}.",
        cause=cause,
        done=done,
        left_to_do=left_to_do,
        otherwise=_OTHERWISE[outcome]
        if not rolled_back
        else "Nothing to do now. Correct the cause, then release again.",
        key=incident,
        state=State.CLOSED if rolled_back else State.OPEN,
        closes=frozenset({Kind.PIPELINE_FAILED, Kind.PERSON_NEEDED}),
        pipeline=pipeline,
        execution=execution,
    )


def pipeline_notice(
    application: str, stage: str | None, *, text: str, severity: Severity, job: str, execution: str | None = None
) -> Message:
    """Tell what a pipeline's own action wants told; ``job`` is the action's, so that a retry tells nothing twice."""
    where = f"{application} in {stage}" if stage else application
    return _message(
        Kind.PIPELINE_NOTICE,
        severity,
        _Head(application, None, stage, None, "PIPELINE", where, None),
        what=text,
        otherwise="Nothing to do, unless the text says so.",
        key=job,
        state=State.CLOSED,
        execution=execution or "",
    )


def publish_arguments(message: Message, topic_arn: str) -> dict[str, Any]:
    """The arguments of SNS Publish: readable text for people, JSON for programs, one line for SMS.

    A message that would still be too large for SNS goes out without its lists; its subject and the command to look
    closer stay
    (https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html describes
    ``MessageStructure=json``).
    """
    body = _body(message.text, dict(message.data), message.subject)
    if len(body.encode()) + _ATTRIBUTES_ROOM > LARGEST_MESSAGE:
        short = {key: value for key, value in message.data.items() if isinstance(value, str | int) and key != "cause"}
        body = _body(_cut(message.text, LARGEST_MESSAGE // 32), short, message.subject)
    return {
        "TopicArn": topic_arn,
        "Subject": message.subject,
        "MessageStructure": "json",
        "Message": body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        },
    }


_ATTRIBUTES_ROOM = 2_048

_SEVERITY = {
    Outcome.DEPLOYED: Severity.INFO,
    Outcome.REJECTED: Severity.WARNING,
    Outcome.ABORTED: Severity.WARNING,
    Outcome.ROLLED_BACK: Severity.WARNING,
    Outcome.NEEDS_OPERATOR: Severity.CRITICAL,
}

_WHAT = {
    Outcome.DEPLOYED: "The release is deployed and validated.",
    Outcome.REJECTED: "The release was refused.",
    Outcome.ABORTED: "The release was stopped before it changed anything.",
    Outcome.ROLLED_BACK: "The release failed and was taken back.",
    Outcome.NEEDS_OPERATOR: "The release failed, and the way back could not be finished without a person.",
}


_OTHERWISE = {
    Outcome.DEPLOYED: "Nothing to do.",
    Outcome.REJECTED: "Nothing to do on the stage. Correct the release and upload it again.",
    Outcome.ABORTED: "Nothing to do.",
    Outcome.ROLLED_BACK: "Nothing to do now. Find the cause before this version is deployed again.",
    Outcome.NEEDS_OPERATOR: "Do this now: look at every stack of the stage; what is left to do is not known.",
}
"""What is left to do where nobody said so."""


@dataclass(frozen=True)
class _Head:
    """What subject and attributes are made of."""

    application: str
    version: str | None
    stage: str | None
    outcome: str | None
    word: str
    about: str
    thread: str | None


def _message(
    kind: Kind,
    severity: Severity,
    head: _Head,
    *,
    what: str,
    cause: Cause | str | None = None,
    done: Sequence[str] = (),
    left_to_do: Sequence[str] = (),
    findings: Sequence[str] = (),
    findings_title: str = "Findings",
    look: Sequence[str] = (),
    otherwise: str = "",
    key: str = "",
    state: State = State.OPEN,
    closes: frozenset[Kind] = frozenset(),
    more: Mapping[str, Sequence[str]] | None = None,
    **named: str,
) -> Message:
    said = cause.in_words() if isinstance(cause, Cause) else cause or ""
    parts = {
        "what": _bounded([what], _ROOM["what"]),
        "cause": _bounded([line for line in said.splitlines() if line.strip()], _ROOM["cause"]),
        "done": _bounded(done, _ROOM["done"]),
        "left_to_do": _bounded(left_to_do, _ROOM["left_to_do"]),
        "findings": _bounded(findings, _ROOM["findings"]),
        "look": _bounded(look, _ROOM["look"]),
    }
    thread = head.thread or head.application
    known = {
        "application": head.application,
        "version": head.version,
        "stage": head.stage,
        "outcome": head.outcome,
        "severity": severity.value,
        "kind": kind.value,
        "thread": thread,
        "state": state.value,
    }
    clean = {name: _cut(_one_line(value), _LONGEST_NAME) for name, value in (known | named).items() if value}
    also = {title: _bounded(lines, _ROOM["more"]) for title, lines in (more or {}).items()}
    text = _text(
        _first_line(severity, parts["left_to_do"], otherwise),
        f"{head.about}: {head.word}",
        parts,
        {findings_title: parts["findings"], **also},
    )
    return Message(
        subject=_subject(f"{head.word}: {head.about}"),
        text=text,
        data=clean
        | {"what": parts["what"][0], "cause": "\n".join(parts["cause"]) or None}
        | {name: parts[name] for name in ("done", "left_to_do", "findings", "look")}
        | ({"more": also} if also else {}),
        attributes={name: _ascii(clean[name]) for name in _FILTERED_BY if name in clean},
        thread=clean["thread"],
        key=f"{kind}/{key or hashlib.sha256(text.encode()).hexdigest()[:12]}",
        closes=closes,
    )


def _first_line(severity: Severity, left_to_do: Sequence[str], otherwise: str) -> str:
    """What to do, for whoever reads one line only."""
    if not left_to_do:
        return otherwise
    more = f" ({len(left_to_do) - 1} more below)" if len(left_to_do) > 1 else ""
    first = _cut(left_to_do[0].strip(), _LONGEST_FIRST_LINE)
    return f"{'Do this now' if severity is Severity.CRITICAL else 'To do'}: {first}{more}"


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
    return "\n\n".join([f"{first_line}\n{_one_line(title)}", *written]) + "\n"


def _listed(lines: Sequence[str], mark: str) -> str:
    """One line each; a line that is indented belongs to the one before it and gets no mark of its own."""
    return "\n".join(f"  {' ' * len(mark) if line.startswith(' ') else mark}{line}" for line in lines)


def _look(deployment: Deployment, cause: Cause | str | None) -> list[str]:
    commands = [f"belay show {shlex.quote(f'{deployment.application}/{deployment.version}')}"]
    if isinstance(cause, Cause):
        commands.append(failed_events_command(cause.stack_id))
    if deployment.execution_arn:
        commands.append(f"aws stepfunctions describe-execution --execution-arn {shlex.quote(deployment.execution_arn)}")
    return commands


def _where(deployment: Deployment) -> str:
    return deployment.stage or "The stage"


def _bounded(lines: Sequence[str], room: int) -> list[str]:
    """The lines, each on one line, until ``room`` bytes are used up; then how many there are more."""
    kept: list[str] = []
    for number, line in enumerate(lines):
        indent = "  " if line.startswith(" ") else ""
        clean = _cut(indent + _one_line(line), room)
        if sum(len(each.encode()) for each in kept) + len(clean.encode()) > room:
            return [*kept, f"... and {len(lines) - number} more"]
        kept.append(clean)
    return kept


def _one_line(text: str) -> str:
    """Without line breaks and control characters, which SNS refuses in a subject and nobody wants in a mail.

    Nor with what turns the direction of text round, by which a command could look like another one.
    """
    readable = text.encode(errors="replace").decode()
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+", " ", readable).split())


def _cut(text: str, room: int) -> str:
    """The text in at most ``room`` bytes of UTF-8, three dots at the end where it was longer."""
    encoded = text.encode()
    return text if len(encoded) <= room else encoded[: room - 3].decode(errors="ignore") + "..."


def _subject(text: str) -> str:
    return _cut(_ascii(text), LONGEST_SUBJECT)


def _ascii(text: str) -> str:
    return _one_line(text).encode("ascii", errors="replace").decode()


def _body(text: str, data: dict[str, Any], subject: str) -> str:
    document = json.dumps(data | {"subject": subject, "text": text}, ensure_ascii=False, separators=(",", ":"))
    bodies = {"default": text, "email": text, "sms": _cut(_sms(subject, data), _LONGEST_SMS)}
    return json.dumps(bodies | dict.fromkeys(("sqs", "lambda", "http", "https"), document), ensure_ascii=False)


def _sms(subject: str, data: Mapping[str, Any]) -> str:
    cause = data.get("cause")
    return f"{subject}. {cause}" if cause else subject
