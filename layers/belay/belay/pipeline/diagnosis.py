"""Why a pipeline execution failed: the root cause, its evidence, and the likely fix."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from belay.masking import masked
from belay.pipeline.execution import ActionExecution, PipelineExecution
from belay.pipeline.known_failures import known_failure
from belay.release.reason import PipelineFailure
from belay.stack.cause import Cause
from belay.stack.command_line import failed_events_command
from belay.stack.stack_id import name_of_stack

_MOST_LINES: Final = 15
_LONGEST_LINE: Final = 300
_MOST_TARGETS: Final = 5

_TELLING: Final = re.compile(
    r"\b(?:error|fail(?:ed|ure|ing)?|fatal|exception|traceback|panic|denied|not found|no such|cannot|could not|unable|"
    r"timed? ?out|killed|exit (?:status|code) [1-9])\b",
    re.IGNORECASE,
)
_NOISE: Final = re.compile(
    r"Phase (?:complete|context status)|Entering phase|^\s*$|^\[Container\] [\d/ :.]+ (?:Phase|Entering)"
)


@dataclass(frozen=True)
class Evidence:
    """What AWS reports about the failed action, as far as it could be read.

    ``build`` is one of BatchGetBuilds' ``builds`` and ``log`` its last lines; ``deployment`` is GetDeployment's
    ``deploymentInfo`` and ``targets`` BatchGetDeploymentTargets' ``deploymentTargets``; ``stack`` is the root cause of
    a stack's failure; ``unread`` says what could not be read and why.
    """

    build: Mapping[str, Any] | None = None
    log: tuple[str, ...] = ()
    deployment: Mapping[str, Any] | None = None
    targets: tuple[Mapping[str, Any], ...] = ()
    stack: Cause | None = None
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """One failure. ``failure`` is the id of the failed action execution; secrets are masked in all texts.

    ``cause`` is one sentence, ``evidence`` are lines; ``fix`` and ``link`` are set for a known failure, ``known`` is
    its name in docs/pipeline-failures.md. ``look`` are commands to investigate with.
    """

    failure: str
    stage: str
    action: str
    cause: str
    evidence: tuple[str, ...] = ()
    known: str | None = None
    fix: str | None = None
    link: str | None = None
    look: tuple[str, ...] = ()

    @property
    def reason(self) -> PipelineFailure:
        """The failure, for a message."""
        return PipelineFailure(self.cause, self.evidence, self.fix, self.link, self.look)


def diagnose(seen: PipelineExecution, evidence: Evidence) -> Diagnosis:
    """Diagnose a failed execution from the action that failed first and what its provider reports."""
    failed = seen.first_failure
    if failed is None:
        summary = masked(seen.status_summary or "CodePipeline gives no reason")
        return Diagnosis("", "", "", f"the execution failed without a failed action: {summary}")
    found = _by_provider(failed, evidence)
    diagnosis = replace(
        found,
        cause=_short(masked(found.cause)),
        evidence=tuple(_short(masked(line)) for line in (*found.evidence, *evidence.unread)),
        look=(*found.look, _history_command(seen)),
    )
    # The provider's report names the cause better than a log, in which any warning may look like one.
    reported = [found.cause, failed.error_code or "", failed.error_message or "", failed.summary or ""]
    known = known_failure(failed.provider, "\n".join(reported)) or known_failure(
        failed.provider, "\n".join(found.evidence)
    )
    if known is None:
        return diagnosis
    return replace(diagnosis, known=known.slug, fix=known.fix, link=known.link)


def last_lines_that_matter(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines of a build's log that show why it failed, oldest first, with secrets masked.

    They are the last lines that mention an error, each with the two lines before it, or else the last lines of all.
    """
    clean = [line for line in masked("\n".join(lines)).splitlines() if not _NOISE.search(line)]
    telling = [number for number, line in enumerate(clean) if _TELLING.search(line)]
    if not telling:
        return tuple(clean[-_MOST_LINES:])
    wanted = sorted({near for number in telling for near in range(max(number - 2, 0), number + 1)})
    return tuple(clean[number] for number in wanted[-_MOST_LINES:])


def _by_provider(failed: ActionExecution, evidence: Evidence) -> Diagnosis:
    where = Diagnosis(failed.id, failed.stage, failed.action, _of_action(failed))
    if failed.is_approval:
        return replace(where, cause=_of_approval(failed))
    if evidence.build is not None:
        return _of_build(where, evidence.build, evidence.log)
    if evidence.deployment is not None:
        return _of_deployment(where, evidence.deployment, evidence.targets)
    if evidence.stack is not None:
        stack = f"in the stack {name_of_stack(evidence.stack.stack_id)}, {evidence.stack.in_words()}"
        return replace(
            where,
            cause=f"{failed.stage}/{failed.action}: {stack}",
            look=(failed_events_command(evidence.stack.stack_id),),
        )
    return where


def _of_action(failed: ActionExecution) -> str:
    said = ": ".join(each for each in (failed.error_code, failed.error_message or failed.summary) if each)
    return f"{failed.stage}/{failed.action} ({failed.provider}) failed: {said or 'CodePipeline gives no reason'}"


def _of_approval(failed: ActionExecution) -> str:
    """Return how a failed approval ended: rejected by a person, or expired unanswered.

    "If you reject an action, or if no one responds to the approval request within seven days ..., the result is the
    same as an action failing" (https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html).
    """
    name = f"the approval {failed.action} in {failed.stage}"
    if failed.updated_by is None:
        return f"{name} expired: nobody answered within {_span(failed.updated - failed.started)}"
    comment = f": {failed.summary}" if failed.summary else ", without a comment"
    return f"{name} was rejected by {failed.updated_by}{comment}"


def _of_build(where: Diagnosis, build: Mapping[str, Any], log: Sequence[str]) -> Diagnosis:
    phases = [each for each in build.get("phases", []) if each.get("phaseStatus") in ("FAILED", "FAULT", "TIMED_OUT")]
    project, status = build.get("projectName", "of an unknown project"), build.get("buildStatus", "FAILED")
    command = f"aws codebuild batch-get-builds --ids {build.get('id', '')}"
    if not phases:
        cause = f"{where.stage}/{where.action}: the build of {project} is {status}, although none of its phases failed"
        return replace(where, cause=cause, evidence=last_lines_that_matter(log), look=(command,))
    phase = phases[0]
    said = "; ".join(
        f"{each.get('statusCode', '')}: {each.get('message', '')}".strip(": ") for each in phase.get("contexts", [])
    ).strip("; ")
    cause = f"{where.stage}/{where.action}: in the build of {project}, the phase {phase['phaseType']} is"
    return replace(
        where,
        cause=f"{cause} {phase['phaseStatus']}: {said or 'CodeBuild gives no reason'}",
        evidence=last_lines_that_matter(log),
        look=(command,),
    )


def _of_deployment(where: Diagnosis, deployment: Mapping[str, Any], targets: Sequence[Mapping[str, Any]]) -> Diagnosis:
    failures = [failure for target in targets if (failure := _failed_event(target)) is not None]
    failures.sort(key=lambda each: each[0])
    error = deployment.get("errorInformation", {})
    said = ": ".join(each for each in (error.get("code"), error.get("message")) if each) or "CodeDeploy gives no reason"
    name = f"{deployment.get('applicationName')}/{deployment.get('deploymentGroupName')}"
    cause = f"{where.stage}/{where.action}: the deployment {deployment.get('deploymentId')} to {name} failed"
    first = f"{cause}: {failures[0][1]}" if failures else f"{cause}: {said}"
    evidence = [f"CodeDeploy: {said}"] if failures else []
    for _, words, tail in failures[:_MOST_TARGETS]:
        evidence += [words, *(f"  {line}" for line in tail)]
    if len(failures) > _MOST_TARGETS:
        more = len(failures) - _MOST_TARGETS
        evidence.append(f"... and {more} more target{'' if more == 1 else 's'}")
    command = f"aws deploy get-deployment --deployment-id {deployment.get('deploymentId')}"
    return replace(where, cause=first, evidence=tuple(evidence), look=(command,))


def _failed_event(target: Mapping[str, Any]) -> tuple[str, str, tuple[str, ...]] | None:
    """Return when the first lifecycle event of a deployment target failed, how, and its last log lines."""
    kinds = ("instanceTarget", "ecsTarget", "lambdaTarget", "cloudFormationTarget")
    inner: Mapping[str, Any] = next((target[kind] for kind in kinds if kind in target), {})
    event = next((each for each in inner.get("lifecycleEvents", []) if each.get("status") == "Failed"), None)
    if event is None:
        return None
    found = event.get("diagnostics", {})
    script = f" in the script {found['scriptName']}" if found.get("scriptName") else ""
    said = ": ".join(each for each in (found.get("errorCode"), found.get("message")) if each) or "no reason given"
    words = f"{event['lifecycleEventName']} failed on {inner.get('targetId')}{script}: {said}"
    tail = last_lines_that_matter((found.get("logTail") or "").splitlines())
    ended = event.get("endTime") or inner.get("lastUpdatedAt")
    return ("" if ended is None else ended.isoformat(), words, tail)


def _history_command(seen: PipelineExecution) -> str:
    return (
        f"aws codepipeline list-action-executions --pipeline-name {seen.pipeline} "
        f"--filter pipelineExecutionId={seen.id}"
    )


def _short(line: str) -> str:
    clean = " ".join(line.split()) if not line.startswith("  ") else f"  {' '.join(line.split())}"
    return clean if len(clean) <= _LONGEST_LINE * 2 else f"{clean[: _LONGEST_LINE * 2]}..."


def _span(length: timedelta) -> str:
    days, hours = length.days, round(length.seconds / 3600)
    if days:
        return f"{days} day{'' if days == 1 else 's'}"
    minutes = round(length.seconds / 60)
    if hours:
        return f"{hours} hour{'' if hours == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
