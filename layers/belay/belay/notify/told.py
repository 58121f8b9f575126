"""Findings, causes and things left to do: documents for programs, lines for people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from belay.release.gate import finding_in_words
from belay.release.left_to_do import LeftToDo
from belay.release.reason import (
    Fault,
    FoundInStages,
    PersonDecided,
    PipelineFailure,
    PolicyFindings,
    Reason,
    ReleaseProblems,
    StackFailure,
    StageEnd,
    Statement,
    WaveEnd,
)
from belay.stack.command_line import failed_events_command, group_rules_command, look_command


def in_words(reason: Reason | None) -> str:
    """Say why something ended as text of several lines."""
    return "\n".join(reason_lines(reason))


def reason_lines(reason: Reason | None) -> list[str]:
    """Say why something ended, a line each: what was found, or the first cause with its evidence."""
    if isinstance(reason, WaveEnd):
        return [line for each in reason.stages for line in _stage_lines(each)]
    cause = cause_document(reason)
    evidence = [f"  {line}" for line in (cause or {}).get("evidence", ())]
    left_out = [f"and {reason.left_out} more"] if isinstance(reason, PolicyFindings) and reason.left_out else []
    return [*map(finding_line, findings_of(reason)), *left_out, *cause_lines(cause), *evidence]


def _stage_lines(end: StageEnd) -> list[str]:
    """Say how a stage of a wave ended and all that is known of why."""
    first, *others = reason_lines(end.reason) or [""]
    return [f"{end.stage} {end.outcome}" + (f": {first}" if first else ""), *(f"  {line}" for line in others)]


def _stage_line(end: StageEnd) -> str:
    """Say how a stage of a wave ended, with its cause; findings are listed separately."""
    return ": ".join((f"{end.stage} {end.outcome}", *cause_lines(cause_document(end.reason))[:1]))


# -- findings ----------------------------------------------------------------------------------------------------------


def findings_of(reason: Reason | None) -> Sequence[FoundInStages | str]:
    """Return what refused a release: findings of policies, or problems of the upload in a sentence each."""
    match reason:
        case ReleaseProblems():
            return reason.problems
        case PolicyFindings():
            return reason.findings
        case WaveEnd():
            return [_found_in(found, end.stage) for end in reason.stages for found in findings_of(end.reason)]
        case _:
            return ()


def _found_in(found: FoundInStages | str, stage: str) -> FoundInStages | str:
    return f"{stage}: {found}" if isinstance(found, str) else replace(found, stages=(stage,))


def finding_line(found: FoundInStages | str) -> str:
    """Say in one line where something was found, what it is and what fixes it."""
    if isinstance(found, str):
        return found
    word = "stage" if len(found.stages) == 1 else "stages"
    stages = f" ({word} {', '.join(found.stages)})" if found.stages else ""
    return f"{finding_in_words(found.finding)}{stages}"


def finding_document(found: FoundInStages | str) -> dict[str, Any]:
    """Return a finding as programs get it; ``why`` is the policy that it breaks."""
    if isinstance(found, str):
        return {"what": found, "why": None, "command": None}
    finding = found.finding
    group = finding.group or finding.resource
    return {
        "what": finding.message,
        "why": finding.policy,
        "command": group_rules_command(group) if group.startswith("sg-") else None,
        "fix": finding.fix,
        "verdict": finding.verdict.value,
        "severity": finding.severity.value,
        "path": finding.path,
        "line": finding.line,
        "resource": finding.resource,
        "property": finding.property,
        "stages": list(found.stages),
    }


# -- causes ------------------------------------------------------------------------------------------------------------


def cause_document(reason: Reason | None) -> dict[str, Any] | None:
    """Return the first cause as programs get it; None where nothing failed: findings are listed separately."""
    document: dict[str, Any] | None = None
    match reason:
        case StackFailure():
            document = _of_stack(reason)
        case PipelineFailure():
            known = {"evidence": list(reason.evidence), "fix": reason.fix, "link": reason.link}
            document = _cause(reason, reason.cause, command=next(iter(reason.look), None)) | known
        case PersonDecided():
            document = _cause(reason, f"{reason.by} {reason.what}", reason.comment) | {"by": reason.by}
        case Statement():
            document = _cause(reason, reason.what) | {"about": reason.about.value}
        case Fault():
            document = _cause(reason, reason.error, reason.message)
        case WaveEnd():
            document = _cause(reason, ";\n".join(map(_stage_line, reason.stages)))
    return document


def _cause(reason: Reason, what: str, why: str = "", command: str | None = None) -> dict[str, Any]:
    return {"kind": reason.kind, "what": what, "why": why or None, "command": command}


def _of_stack(failure: StackFailure) -> dict[str, Any]:
    """A stack's cause; ``resource`` is the path of the one that failed first, where one is to blame."""
    first = failure.cause
    why = failure.said if first is None else first.in_words()
    look = failed_events_command(failure.stack_id) if first is None else look_command(first)
    document = _cause(failure, f"{failure.stack_name} is {failure.status}", why, look)
    document |= {"stack_id": failure.stack_id, "status": failure.status}
    if first is not None:
        document |= {"resource": "/".join(first.path) or None, "resource_type": first.resource_type}
        document |= {"resource_status": first.status, "at": first.time.isoformat()}
    return document


def cause_lines(cause: Mapping[str, Any] | None) -> list[str]:
    """Say a first cause; text that Belay 0.1 kept may have several lines."""
    told = "" if cause is None else ": ".join(filter(None, (cause["what"], cause["why"])))
    return [line for line in told.splitlines() if line.strip()]


# -- left to do --------------------------------------------------------------------------------------------------------


def todo_document(todo: LeftToDo) -> dict[str, Any]:
    """Return something left to do as programs get it: ``command`` does it, ``look`` shows more."""
    ways = {"choices": [asdict(each) for each in todo.choices]} if todo.choices else {}
    return {
        "subject": todo.subject or None,
        "what": todo.what,
        "why": todo.why or None,
        "command": todo.then,
        "look": todo.look,
        **ways,
    }
