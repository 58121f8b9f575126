"""The static gate: holds every template of a release against the policies, with the values each stage will pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import now, timestamp
from belay.aws.s3 import ArtifactBucket, ReleaseFiles
from belay.control.guard import GuardPack
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.observability import observed
from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.gate import decide
from belay.release.records import ReleaseReference
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    guard_function_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the verdict of each stage, and whether they refuse the release."""
    settings = read(Settings)
    release = ReleaseReference.from_dict(event["release"])
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    accepted = AcceptedRelease.from_dict(artifacts.require_json(release.document_key))
    files = ReleaseFiles(artifacts, release.prefix, accepted.manifest.digests)
    pack = GuardPack(client("lambda"), settings.guard_function_arn, artifacts)
    reports = {stage: check_stage(accepted, release, stage, files, artifacts.name) for stage in accepted.stages}
    for stage, report in reports.items():
        policies, templates = policies_of(accepted, stage), report.paths
        found = pack.check(release, stage, files, templates, settings=policies, today=now().date())
        reports[stage] = report.merged(found)
    for stage, report in reports.items():
        artifacts.put_json(release.stage_key(stage, "static-report.json"), report.to_json())
    gated = decide(reports, accepted.stages)
    ledger = Ledger(client("dynamodb"), settings.ledger_table)
    ledger.releases.record(
        release, None, "CHECKED" if gated.refusal is None else "REFUSED BY POLICY", timestamp(), in_words(gated.refusal)
    )
    refused = gated.refusal is not None
    return {"verdicts": dict(gated.verdicts), "refused": refused, "reason": in_words(gated.refusal)}


def check_stage(
    accepted: AcceptedRelease, release: ReleaseReference, stage: str, files: Mapping[str, bytes], bucket: str
) -> Report:
    """Return one report over every stack of the release in one stage."""
    policies = policies_of(accepted, stage)
    reports = [
        check_template(
            files,
            stack.template,
            accepted.parameters(stage, stack, release.attempt, bucket, release.prefix),
            policies,
            now().date(),
        )
        for stack in accepted.manifest.stacks
    ]
    return Report().merged(*reports)


def policies_of(accepted: AcceptedRelease, stage: str) -> PolicySettings:
    """Return what the operator set for the policies in a stage."""
    registered = accepted.stages[stage]
    return PolicySettings.from_registration(registered.policies, registered.trusted_networks)
