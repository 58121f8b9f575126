"""Asks people to approve a release in a stage, and seals what they are asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from belay.approval.seal import Seal
from belay.aws.clients import client
from belay.aws.clock import now
from belay.aws.endings import Endings
from belay.aws.sealing import sealed_now
from belay.aws.stage import StageContext
from belay.notify.message import Deployment, Severity, person_needed
from belay.observability import observed
from belay.release.gate import change_set_report, in_words
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Seal what is asked about, keep the task token where only the answer can use it, and tell the approvers."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    release, stage, asked_at = run.release, run.stage, now()
    sealed = sealed_now(run, asked_at.date())
    seal = Seal.of(sealed)
    expires_at = asked_at + timedelta(days=stage.approval.expires_after_days)
    run.artifacts.put_json(release.stage_key(stage.name, "seal.json"), seal.to_dict())
    run.ledger.ask_approval(
        release,
        stage.name,
        {
            "expires_at": expires_at.isoformat(timespec="milliseconds"),
            "four_eyes": stage.approval.four_eyes,
            "seal": seal.to_dict(),
        },
        task_token=event["task_token"],
        now=asked_at.isoformat(timespec="milliseconds"),
    )
    run.ledger.record(release, stage.name, "AWAITING APPROVAL", asked_at.isoformat(timespec="milliseconds"))
    report = change_set_report(sealed.plan)
    message = person_needed(
        Deployment(
            release.application,
            release.version,
            stage.name,
            thread=release.thread,
        ),
        severity=Severity.WARNING,
        why=f"{stage.name} wants an approval (policies say {event['verdict']} of its templates, "
        f"{report.verdict} of its change sets); "
        f"without one the release is aborted after {stage.approval.expires_after_days} days.",
        findings=[*sealed.plan.describe(), *in_words(report).splitlines()],
        left_to_do=[
            f"Approve: belay approve {release.application}/{release.version} --stage {stage.name}",
            f"Reject: belay reject {release.application}/{release.version} --stage {stage.name} --comment WHY",
        ],
    )
    Endings(run.ledger, run.artifacts, client("sns"), settings.notification_topic_arn).topic_of(release).publish(
        message
    )
    return {}
