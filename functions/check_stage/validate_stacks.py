"""The live validation: holds the security groups that the deployed stacks really have against the policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now, timestamp
from belay.aws.gateways import own_aws
from belay.control.live import live_stages
from belay.control.stage import StageContext
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.observability import observed
from belay.policy.verdict import Verdict
from belay.release.gate import refusal_of
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return PASS, FAIL or REVIEW, with the reason in words. What could not be decided is no pass."""
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    stages = live_stages(aws, run.artifacts)
    report = stages.validate(run.release, run.accepted, run.stage, run.plan().standing(), now().date())
    run.artifacts.put_json(run.release.stage_key(run.stage.name, "live-report.json"), report.to_json())
    run.ledger.releases.record(run.release, run.stage.name, f"VALIDATED {report.verdict}", timestamp())
    reason = None if report.verdict is Verdict.PASS else in_words(refusal_of(report))
    return {"verdict": report.verdict, "reason": reason}
