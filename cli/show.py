"""``belay show RELEASE``: an attempt's timeline, causes, changes, findings, snapshots and approvals; or its report."""

from __future__ import annotations

import json
import tempfile
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from belay.approval.asked import AskedApproval
from belay.approval.forecast_report import ForecastReport, page
from belay.aws.s3 import ArtifactBucket
from belay.control.endings import once_more
from belay.database.forecast import FORECAST_DOCUMENT, DatabaseForecast
from belay.database.snapshots import SNAPSHOTS, SnapshotsTaken
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.notify.told import todo_document
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt, StageDeployment, Transition, numbered
from belay.release.records import Outcome, ReleaseReference
from belay.stack.plan import StagePlan
from belay.subject.life import IncidentState
from belay.subject.names import incident_of
from cli.account import Account, Where, calls_aws
from cli.naming import ReleaseName, find_attempts, release_argument
from cli.output import at, duration, reason_parts, section, tell
from cli.problems import Refused
from cli.views.incidents import IncidentShown, described, read_incident, state_in_words, todo_lines

REPORT: Final = "report.html"
_REPORTS: Final = {"static-report.json": "templates", "live-report.json": "live"}


@click.command()
@release_argument
@click.option("--attempt", metavar="N", help="its number (1: the oldest of 100) or its id; default: the newest")
@click.option("--report", is_flag=True, help="open the approval report")
@click.option("--forecast", is_flag=True, help="show what its database changes did in the forecast")
@click.option(
    "--stage", metavar="STAGE", help="with --report or --forecast: the stage; default: the newest that has one"
)
@calls_aws
def command(
    *,
    release: ReleaseName,
    attempt: str | None,
    report: bool,
    forecast: bool,
    stage: str | None,
    where: Where,
    output: str,
) -> int:
    """Show one release: timeline, causes, changes, findings, snapshots and approvals; or its report."""
    if stage and not (report or forecast):
        raise Refused("--stage needs --report or --forecast; without them, every stage is shown")
    belay = Account.of(where)
    attempts = find_attempts(belay.ledger, release)
    one = chosen(attempts, attempt, release)
    if report:
        found = save_report(belay.artifacts, one, stage)
        shown = output == "text" and webbrowser.open(Path(found["file"]).as_uri())
        tell(output, found, [f"{'opened' if shown else 'saved'} {found['file']}"])
        return 0
    if forecast:
        forecasted = read_forecast(belay.artifacts, one, stage)
        file = save_page(one, forecasted.stage, "forecast", page(forecasted).encode())
        tell(output, forecasted.to_json(), [*forecasted.lines(), "", f"saved {file}"])
        return 0
    found = gather(belay.ledger, belay.artifacts, one, attempts)
    tell(output, found, render(found))
    return 0


def chosen(attempts: Sequence[Attempt], asked: str | None, name: ReleaseName) -> Attempt:
    """Return the attempt of this number or these twelve digits; default: the newest. Raises ``Refused``."""
    if asked is None:
        return attempts[-1]
    by_name = {each.id: each for each in attempts} | {str(n): each for n, each in enumerate(attempts, 1)}
    if asked not in by_name:
        known = ", ".join(f"{number} ({each.id})" for number, each in enumerate(attempts, 1))
        raise Refused(f"{name} has no attempt {asked}; its attempts are {known}")
    return by_name[asked]


def gather(ledger: Ledger, artifacts: ArtifactBucket, attempt: Attempt, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Return all records of an attempt, one of ``attempts``, as plain data; ephemeral stages come last."""
    release, history = attempt.release, ledger.attempts.history(attempt)
    document = None if release is None else artifacts.get_json(release.document_key)
    accepted = None if document is None else AcceptedRelease.from_dict(document)
    entered = dict.fromkeys(each.stage for each in history if each.stage)
    stages = sorted(entered, key=lambda stage: accepted is not None and accepted.stages[stage].ephemeral)
    deployments = [
        each
        for stage in dict.fromkeys([*stages, *(each.stage for each in attempt.stages)])
        for each in ledger.stages.history(attempt.application, stage)
        if each.release.attempt == attempt.id
    ]
    incidents = [] if release is None else _incidents(ledger, artifacts, release, stages, history, deployments)
    return {
        "application": attempt.application,
        "release": None if release is None else f"{attempt.application}/{attempt.version}",
        "version": attempt.version,
        "description": "" if accepted is None else accepted.manifest.description,
        "digest": attempt.digest,
        "attempt": attempt.id,
        "number": numbered(attempts, attempt.id),
        "attempts": [
            {"number": number, "attempt": each.id, "state": each.standing, "claimed_at": each.claimed_at}
            for number, each in enumerate(attempts, 1)
        ],
        "outcome": attempt.outcome,
        "state": attempt.standing,
        "stage": attempt.stage,
        **reason_parts(attempt.reason),
        "upload": asdict(attempt.upload),
        "execution": attempt.execution,
        "claimed_at": attempt.claimed_at,
        "ended_at": attempt.ended_at,
        "deployments": [
            {
                "stage": each.stage,
                "at": each.at,
                "incident": each.incident,
                "taken_back": None if each.taken_back is None else asdict(each.taken_back),
            }
            for each in deployments
        ],
        "runs": {stage: ledger.stages.in_words(attempt.application, stage) for stage in stages},
        "mixed": [stage for stage in stages if ledger.stages.left(attempt.application, stage)],
        "left_to_do": _left_to_do(attempt, incidents, newest=attempt.id == attempts[-1].id),
        "timeline": [
            {"at": each.at, "stage": each.stage, "state": each.words, "detail": each.detail} for each in history
        ],
        "stages": [] if release is None else [_stage(artifacts, release, each, accepted) for each in stages],
        "approvals": [] if release is None else _approvals(ledger, release),
        "incidents": incidents,
    }


def _left_to_do(attempt: Attempt, incidents: Sequence[Mapping[str, Any]], *, newest: bool) -> list[dict[str, Any]]:
    """Return what is left to a person: by its open incidents, or of an attempt that was interrupted without one."""
    left = [
        {"incident": each["incident"], "stage": each["stage"], **todo}
        for each in incidents
        for todo in each["left_to_do"]
    ]
    if attempt.outcome is not Outcome.NEEDS_OPERATOR or incidents or not newest:
        return left
    return [{"incident": None, "stage": attempt.stage, **todo_document(once_more(attempt))}]


def _incidents(  # noqa: PLR0917 - all are what an attempt left
    ledger: Ledger,
    artifacts: ArtifactBucket,
    release: ReleaseReference,
    stages: Sequence[str],
    history: Sequence[Transition],
    deployments: Sequence[StageDeployment],
) -> list[dict[str, Any]]:
    """Return this attempt's incidents, and the rollbacks that people asked for."""
    asked = [each.incident for each in history if each.incident]
    taken_back = [each.taken_back.incident for each in deployments if each.taken_back is not None]
    names = dict.fromkeys([*(incident_of(release.origin, stage) for stage in stages), *asked, *taken_back])
    found = [ledger.incidents.get(release.application, name) for name in names]
    shown = [
        (each, read_incident(ledger, artifacts, release.application, each.incident.name)) for each in found if each
    ]
    return [_incident(record, one) for record, one in shown if one is not None]


def _stage(
    artifacts: ArtifactBucket, release: ReleaseReference, stage: str, accepted: AcceptedRelease | None
) -> dict[str, Any]:
    plan = artifacts.get_json(release.stage_key(stage, "plan.json"))
    reports = {name: artifacts.get_json(release.stage_key(stage, key)) for key, name in _REPORTS.items()}
    taken = SnapshotsTaken.from_dict(artifacts.get_json(release.stage_key(stage, SNAPSHOTS))).taken
    databases = [] if accepted is None else accepted.stages[stage].databases
    return {
        "stage": stage,
        "changes": [] if plan is None else StagePlan.from_dict(plan).describe(),
        "findings": {
            name: {part: Report.from_json(report).to_json()[part] for part in ("verdict", "findings")}
            for name, report in reports.items()
            if report is not None
        },
        "snapshots": [each.snapshot_name(release.origin, stage) for each in databases if each.identifier in taken],
    }


def _approvals(ledger: Ledger, release: ReleaseReference) -> list[dict[str, Any]]:
    """Return an attempt's approvals."""
    return [_approval(each) for each in ledger.approvals.of_attempt(release)]


def _approval(asked: AskedApproval) -> dict[str, Any]:
    """Return an approval without its task token, which only the function needs."""
    return {
        "stage": asked.stage,
        "requested_at": asked.requested_at,
        "expires_at": asked.expires_at,
        "four_eyes": asked.four_eyes,
        "seal": asked.seal.to_dict(),
        **({} if asked.answer is None else {"answer": asked.answer.to_dict()}),
    }


def _incident(record: IncidentRecord, shown: IncidentShown) -> dict[str, Any]:
    line = described(shown.line)
    return {
        "incident": record.incident.name,
        "stage": record.incident.stage,
        "state": line["state"],
        "acknowledged": line["acknowledged"],
        "closed": line["closed"],
        "left_to_do": [todo_document(each) for each in shown.left],
        **reason_parts(record.incident.reason),
        "opened_at": record.opened_at,
        "ended_at": record.ended_at,
        "outcome": record.outcome,
        "questions": [
            {"question": each.name, **{part: getattr(each, part) for part in ("text", "answer", "by", "at", "comment")}}
            for each in shown.questions
        ],
        "steps": [{"at": each.at, "subject": each.subject, "why": each.why} for each in record.tried],
    }


def render(found: Mapping[str, Any]) -> list[str]:
    """Render it as text."""
    upload = found["upload"]
    where = f"s3://{upload['bucket']}/{upload['key']} (version {upload['version_id']})"
    several = f", {found['number']} of {len(found['attempts'])}" if len(found["attempts"]) > 1 else ""
    lines = [
        f"{found['release'] or where}  {found['state']}",
        *([f"  {found['description']}"] if found["description"] else []),
        *(["  not accepted as a release"] if found["outcome"] and not found["release"] else []),
        f"  uploaded  {at(found['claimed_at'])}, {where}",
        *([f"  content   {found['digest']}"] if found["digest"] else []),
        f"  attempt   {found['attempt']}{several}",
        f"  ended     {at(found['ended_at'])}",
    ]
    open_ones = [each for each in found["incidents"] if IncidentState(each["state"]).is_open]
    lines += section("Open incidents", [_open_incident(each) for each in open_ones])
    lines += section("Mixed stages", [f"{stage}: {found['runs'][stage]}" for stage in found["mixed"]])
    lines += section("Left to do", [line for each in found["left_to_do"] for line in todo_lines(each)])
    if found["reason"]:
        lines += section("Reason", str(found["reason"]).splitlines())
    lines += section("Deployed", [_deployment(each) for each in found["deployments"]])
    lines += section(
        "Runs now", [f"{stage}: {runs or '-'}" for stage, runs in found["runs"].items() if stage not in found["mixed"]]
    )
    others = [each for each in found["attempts"] if each["attempt"] != found["attempt"]]
    lines += section(
        "Other attempts", [f"{o['number']}  {o['attempt']}  {at(o['claimed_at'])}  {o['state']}" for o in others]
    )
    lines += section("Timeline", _timeline(found["timeline"], found["reason"]))
    for each in found["stages"]:
        lines += section(f"Changes in {each['stage']}", each["changes"])
        for name, report in each["findings"].items():
            told = [_finding(finding) for finding in report["findings"] if finding["blocking"] or finding["waiver"]]
            advice = len(report["findings"]) - len(told)
            told += [f"{advice} more {'is' if advice == 1 else 'are'} advice: see --output json"] if advice else []
            lines += section(f"Findings in {each['stage']}, {name}: {report['verdict']}", told or ["none"])
        lines += section(f"Snapshots in {each['stage']}", each["snapshots"])
    lines += section("Approvals", [_approval_in_words(each) for each in found["approvals"]])
    for each in found["incidents"]:
        steps = [f"{at(step['at'])}  {step['subject']}: {step['why']}" for step in each["steps"]]
        asked = [
            f"asked: {question['text']} {question['answer'] or 'not answered'}"
            + (f" by {question['by']}" if question["by"] else "")
            for question in each["questions"]
        ]
        why = [] if _same(each["reason"], found["reason"]) else [f"why: {' '.join(str(each['reason']).split())}"]
        told = [*why, *steps, *asked, f"ended: {each['outcome'] or 'not yet'}"]
        lines += section(f"Incident {each['incident']} in {each['stage']}, {at(each['opened_at'])}", told)
    return lines


def _open_incident(incident: Mapping[str, Any]) -> str:
    name, who = incident["incident"], incident["acknowledged"]
    on_it = f", {who['by']} is on it" if who else ""
    return f"{incident['stage']}: {state_in_words(incident)}{on_it}: belay incident show {name}"


def _same(text: str | None, other: str | None) -> bool:
    """Whether two texts say the same: a cause is told once."""
    return (text or "").split() == (other or "").split()


def _deployment(deployment: Mapping[str, Any]) -> str:
    back = deployment["taken_back"]
    by = f" by a rollback, incident {deployment['incident']}" if deployment["incident"] else ""
    gone = f"; rolled back {at(back['at'])} by {back['by']}, incident {back['incident']}" if back else ""
    return f"{deployment['stage']}: {at(deployment['at'])}{by}{gone}"


def _timeline(transitions: Sequence[Mapping[str, Any]], reason: str | None) -> list[str]:
    lines, before = [], None
    for each in transitions:
        when = datetime.fromisoformat(each["at"])
        took = f"+{duration(when - before)}" if before else ""
        before = when
        detail = "" if _same(each["detail"], reason) else " ".join(str(each["detail"]).split())
        lines.append(f"{at(each['at'])}  {took:<11} {each['stage'] or '-':<12} {each['state']}  {detail}".rstrip())
    return lines


def _finding(finding: Mapping[str, Any]) -> str:
    waived = f" (waived: {finding['waiver']})" if finding.get("waiver") else ""
    place = f"{finding['path']}:{finding['line']}" if finding.get("line") else finding["path"]
    return f"{finding['verdict']} {finding['policy']} {place} {finding['resource']}: {finding['message']}{waived}"


def _approval_in_words(approval: Mapping[str, Any]) -> str:
    answer = approval.get("answer")
    if answer:
        comment = f": {answer['comment']}" if answer.get("comment") else ""
        return f"{approval['stage']}: {answer['decision']} by {answer['by']}, {at(answer['at'])}{comment}"
    until = f", until {at(approval['expires_at'])}" if approval.get("expires_at") else ""
    return f"{approval['stage']}: requested {at(approval['requested_at'])}{until}"


# -- the report --------------------------------------------------------------------------------------------------------


def save_report(artifacts: ArtifactBucket, attempt: Attempt, stage: str | None) -> dict[str, Any]:
    """Save the report of a stage to a file. Raises ``Refused`` if there is none."""
    release, where, data = _newest(artifacts, attempt, stage, REPORT, _NO_REPORT)
    file = save_page(attempt, where, "", data)
    return {"release": f"{release.application}/{release.version}", "stage": where, "file": str(file)}


def read_forecast(artifacts: ArtifactBucket, attempt: Attempt, stage: str | None) -> ForecastReport:
    """Return the forecast of a stage. Raises ``Refused`` if there is none."""
    release, where, data = _newest(artifacts, attempt, stage, FORECAST_DOCUMENT, _NO_FORECAST)
    gate = artifacts.get_json(release.stage_key(where, "static-report.json"))
    report = Report() if gate is None else Report.from_json(gate)
    return ForecastReport.of(release, where, DatabaseForecast.from_dict(json.loads(data)), report)


_NO_REPORT: Final = "has no report{}: only a stage that requires approval has one"
_NO_FORECAST: Final = (
    "has no forecast{}: only a stage with a registered forecast has one, for a release with database changes"
)


def _newest(
    artifacts: ArtifactBucket, attempt: Attempt, stage: str | None, key: str, otherwise: str
) -> tuple[ReleaseReference, str, bytes]:
    """Return a release, the last of its stages that has a document, and the document. Raises ``Refused``."""
    name, release = f"{attempt.application}/{attempt.name}", attempt.release
    if release is None:
        raise Refused(f"{name} was not accepted as a release, so it has no report")
    document = artifacts.get_json(release.document_key)
    known = [] if document is None else list(AcceptedRelease.from_dict(document).stages)
    for each in [stage] if stage else known[::-1]:
        data = artifacts.get_bytes(release.stage_key(each, key))
        if data is not None:
            return release, each, data
    raise Refused(f"{name} {otherwise.format(f' in {stage}' if stage else '')}")


def save_page(attempt: Attempt, stage: str, what: str, data: bytes) -> Path:
    """Save a page to a file of its own."""
    name = "-".join(filter(None, (attempt.application, attempt.version, stage, what)))
    file = Path(tempfile.mkdtemp(prefix="belay-")) / f"{name}.html"
    file.write_bytes(data)
    return file
