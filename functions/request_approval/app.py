"""Asks people to approve a release in a stage, and keeps the token that their answer needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import timestamp
from belay.aws.endings import Endings
from belay.aws.stage import StageContext
from belay.notify.message import Deployment, Severity, person_needed, thread_of
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
    """Keep the task token in the ledger, where only its readers can answer, and tell what waits for whom."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    release, stage, plan = run.release, run.stage, run.plan()
    report = change_set_report(plan)
    run.ledger.record_approval(release, stage.name, event["task_token"], timestamp())
    run.ledger.record(release, stage.name, "AWAITING APPROVAL", timestamp())
    item = f'{{"PK":{{"S":"RELEASE#{release.application}#{release.version}"}},"SK":{{"S":"APPROVAL#{stage.name}"}}}}'
    message = person_needed(
        Deployment(
            release.application,
            release.version,
            stage.name,
            thread=thread_of(release.application, release.attempt),
        ),
        severity=Severity.WARNING,
        why=f"{stage.name} wants an approval (policies say {event['verdict']} of its templates, "
        f"{report.verdict} of its change sets); "
        f"without one the release is aborted after {stage.approval.expires_after_days} days.",
        findings=[*plan.describe(), *in_words(report).splitlines()],
        left_to_do=[
            f"Read the token: aws dynamodb get-item --table-name {settings.ledger_table} --key '{item}' "
            "--query Item.task_token.S --output text",
            "Approve: aws stepfunctions send-task-success --task-output '{}' --task-token TOKEN",
            "Reject: aws stepfunctions send-task-failure --error ApprovalDenied --cause WHY --task-token TOKEN",
        ],
    )
    Endings(run.ledger, run.artifacts, client("sns"), settings.notification_topic_arn).topic_of(release).publish(
        message
    )
    return {}
