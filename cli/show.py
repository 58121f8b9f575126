"""``belay show RELEASE``: one release's way, causes, changes, findings, snapshots and approvals; or its report."""

from __future__ import annotations

import argparse
import tempfile
import webbrowser
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from belay.approval.asked import AskedApproval
from belay.aws.s3 import ArtifactBucket
from belay.ledger.incidents import IncidentRecord
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.release.accepted import AcceptedRelease
from belay.release.records import ReleaseReference
from belay.rollback.question import AskedQuestion
from belay.stack.plan import StagePlan
from belay.subject.subjects import AskedRollback, Subject
from cli.account import Account, add_account_arguments
from cli.naming import ReleaseName, find_release, release_name
from cli.output import at, duration, section, tell
from cli.problems import Refused

REPORT: Final = "report.html"
_REPORTS: Final = {"static-report.json": "templates", "live-report.json": "live"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("release", type=release_name, metavar="RELEASE", help="orders/1.2.0, or orders for its newest")
    parser.add_argument("--report", action="store_true", help="open the report that its approvers are shown")
    parser.add_argument("--stage", metavar="STAGE", help="with --report: of this stage; default: the newest there is")
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tell about a release, or of the upload that became none."""
    if arguments.stage and not arguments.report:
        raise Refused("--stage goes with --report: without it every stage is shown")
    belay = Account.of(arguments)
    refused = refused_upload(belay.ledger, arguments.release)
    if refused is not None:
        tell(arguments, refused, render_upload(refused))
        return 0
    record = find_release(belay.ledger, arguments.release)
    if arguments.report:
        found = save_report(belay.artifacts, record, arguments.stage)
        shown = arguments.output == "text" and webbrowser.open(Path(found["file"]).as_uri())
        tell(arguments, found, [f"{'opened' if shown else 'saved'} {found['file']}"])
        return 0
    found = gather(belay.ledger, belay.artifacts, record)
    tell(arguments, found, render(found))
    return 0


# -- an upload that became no release ----------------------------------------------------------------------------------


def refused_upload(ledger: Ledger, name: ReleaseName) -> dict[str, Any] | None:
    """Return the newest upload of a version or file name that no release came of; None where one did."""
    if name.version is None or ledger.releases.get(name.application, name.version) is not None:
        return None
    uploads = [
        each
        for each in ledger.of_application(name.application)
        if str(each["SK"]).startswith("UPLOAD#")
        and name.version in (each.get("version"), each["upload"]["key"].rsplit("/", 1)[-1])
    ]
    if not uploads:
        return None
    newest = max(uploads, key=lambda each: str(each["claimed_at"]))
    return {
        "application": name.application,
        "upload": newest["upload"],
        "version": newest.get("version"),
        "outcome": newest.get("outcome"),
        "reason": newest.get("reason"),
        "claimed_at": newest["claimed_at"],
        "ended_at": newest.get("ended_at"),
        "execution": newest["execution"],
    }


def render_upload(found: Mapping[str, Any]) -> list[str]:
    """Say how an upload ended that became no release."""
    upload = found["upload"]
    return [
        f"s3://{upload['bucket']}/{upload['key']} (version {upload['version_id']}) became no release",
        f"  outcome   {found['outcome'] or 'none yet'}",
        f"  uploaded  {at(found['claimed_at'])}",
        f"  ended     {at(found['ended_at'])}",
        *section("Why", str(found["reason"] or "").splitlines()),
    ]


# -- a release ---------------------------------------------------------------------------------------------------------


def gather(ledger: Ledger, artifacts: ArtifactBucket, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything that is kept about a release's newest attempt, as plain data."""
    release = ReleaseReference.from_dict(record)
    history = ledger.releases.details(release.application, release.version)
    mine = [each for each in history if each.get("attempt") == release.attempt]
    transitions = [each for each in mine if str(each["SK"]).startswith("TRANSITION#")]
    stages = list(dict.fromkeys(str(each["stage"]) for each in transitions if each["stage"]))
    document = artifacts.get_json(release.document_key)
    accepted = None if document is None else AcceptedRelease.from_dict(document)
    return {
        "release": f"{release.application}/{release.version}",
        "description": "" if accepted is None else accepted.manifest.description,
        "digest": release.digest,
        "attempt": release.attempt,
        "outcome": record.get("outcome"),
        "state": record.get("state"),
        "stage": record.get("stage") or None,
        "reason": record.get("reason") or None,
        "upload": record["upload"],
        "execution": record["execution"],
        "claimed_at": record["claimed_at"],
        "ended_at": record.get("ended_at"),
        "timeline": [
            {"at": each["at"], "stage": each["stage"] or None, "state": each["state"], "detail": each["detail"]}
            for each in transitions
        ],
        "earlier_attempts": len({each["attempt"] for each in history if "attempt" in each} - {release.attempt}),
        "stages": [_stage(artifacts, release, stage, accepted) for stage in stages],
        "approvals": [
            _approval(each)
            for each in ledger.approvals.of_release(release.application, release.version)
            if each.attempt == release.attempt
        ],
        "incidents": [
            _incident(each, ledger.decisions.of_incident(release.application, each.incident.name))
            for each in ledger.incidents.of_application(release.application)
            if _is_about(each.incident.subject, release)
        ],
    }


def _is_about(subject: Subject, release: ReleaseReference) -> bool:
    """Whether an incident is this attempt's, or the way back from it that a person asked for, an attempt of its own."""
    asked = isinstance(subject, AskedRollback) and subject.release.version == release.version
    return asked or subject.attempt == release.attempt


def _stage(
    artifacts: ArtifactBucket,
    release: ReleaseReference,
    stage: str,
    accepted: AcceptedRelease | None,
) -> dict[str, Any]:
    plan = artifacts.get_json(release.stage_key(stage, "plan.json"))
    reports = {name: artifacts.get_json(release.stage_key(stage, key)) for key, name in _REPORTS.items()}
    taken = (artifacts.get_json(release.stage_key(stage, "snapshots.json")) or {"taken": []})["taken"]
    databases = [] if accepted is None else accepted.stages[stage].databases
    return {
        "stage": stage,
        "changes": [] if plan is None else StagePlan.from_dict(plan).describe(),
        "findings": {
            name: {"verdict": report["verdict"], "findings": report["findings"]}
            for name, report in reports.items()
            if report is not None
        },
        "snapshots": [each.snapshot_name(release.origin, stage) for each in databases if each.identifier in taken],
    }


def _approval(asked: AskedApproval) -> dict[str, Any]:
    """Return an approval without the task token, which only the decision's function needs."""
    return {
        "stage": asked.stage,
        "requested_at": asked.requested_at,
        "expires_at": asked.expires_at,
        "four_eyes": asked.four_eyes,
        "seal": asked.seal.to_dict(),
        **({} if asked.answer is None else {"answer": asked.answer.to_dict()}),
    }


def _incident(record: IncidentRecord, questions: Mapping[str, AskedQuestion]) -> dict[str, Any]:
    return {
        "incident": record.incident.name,
        "stage": record.incident.stage,
        "reason": in_words(record.incident.reason),
        "opened_at": record.opened_at,
        "ended_at": record.ended_at,
        "outcome": record.outcome,
        "questions": [
            {"question": name, **{part: getattr(each, part) for part in ("text", "answer", "by", "at", "comment")}}
            for name, each in questions.items()
        ],
        "steps": [{"at": each.at, "subject": each.subject, "why": each.why} for each in record.tried],
    }


def render(found: Mapping[str, Any]) -> list[str]:
    """Say it as lines for people."""
    earlier = found["earlier_attempts"]
    lines = [
        f"{found['release']}  {found['outcome'] or found['state']}",
        *([f"  {found['description']}"] if found["description"] else []),
        f"  uploaded  {at(found['claimed_at'])}, s3://{found['upload']['bucket']}/{found['upload']['key']} "
        f"(version {found['upload']['version_id']})",
        f"  content   {found['digest']}",
        f"  attempt   {found['attempt']}{f', after {earlier} earlier' if earlier else ''}",
        f"  ended     {at(found['ended_at'])}",
    ]
    if found["reason"]:
        lines += section("Why it ended so", str(found["reason"]).splitlines())
    lines += section("Timeline", _timeline(found["timeline"]))
    for each in found["stages"]:
        lines += section(f"Changes in {each['stage']}", each["changes"])
        for name, report in each["findings"].items():
            told = [_finding(finding) for finding in report["findings"] if finding["blocking"] or finding["waiver"]]
            advice = len(report["findings"]) - len(told)
            told += [f"{advice} more {'is' if advice == 1 else 'are'} advice: --output json has all"] if advice else []
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
        why = f"why: {' '.join(str(each['reason']).split())}"
        told = [why, *steps, *asked, f"ended: {each['outcome'] or 'not yet'}"]
        lines += section(f"Incident {each['incident']} in {each['stage']}, {at(each['opened_at'])}", told)
    return lines


def _timeline(transitions: Sequence[Mapping[str, Any]]) -> list[str]:
    lines, before = [], None
    for each in transitions:
        when = datetime.fromisoformat(each["at"])
        took = f"+{duration(when - before)}" if before else ""
        before = when
        detail = " ".join(str(each["detail"]).split())
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
    return f"{approval['stage']}: asked for {at(approval['requested_at'])}{until}"


# -- the report --------------------------------------------------------------------------------------------------------


def save_report(artifacts: ArtifactBucket, record: Mapping[str, Any], stage: str | None) -> dict[str, Any]:
    """Save the report of a stage to a file of its own. Raises ``Refused`` where there is none."""
    release = ReleaseReference.from_dict(record)
    document = artifacts.get_json(release.document_key)
    stages = [] if document is None else list(AcceptedRelease.from_dict(document).stages)
    for each in [stage] if stage else reversed(stages):
        data = artifacts.get_bytes(release.stage_key(each, REPORT))
        if data is not None:
            folder = Path(tempfile.mkdtemp(prefix="belay-"))
            file = folder / f"{release.application}-{release.version}-{each}.html"
            file.write_bytes(data)
            return {"release": f"{release.application}/{release.version}", "stage": each, "file": str(file)}
    where = f" in {stage}" if stage else ""
    raise Refused(
        f"{release.application}/{release.version} has no report{where}: only a stage that asks for approval has"
    )
