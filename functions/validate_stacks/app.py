"""The live validation: holds the security groups that the deployed stacks really have against the policies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import now, timestamp
from belay.aws.ec2 import SecurityGroups
from belay.aws.stage import StageContext
from belay.observability import observed
from belay.policy.gate import check_groups
from belay.policy.settings import Settings as PolicySettings
from belay.policy.verdict import Verdict
from belay.release.gate import in_words
from belay.settings import read

GROUP = "AWS::EC2::SecurityGroup"


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return PASS, FAIL or REVIEW, with the reason in words. What could not be decided is no pass."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    security_groups = SecurityGroups(client("ec2"))
    groups = security_groups.describe(group_ids(run))
    prefix_lists = security_groups.prefix_lists(groups)
    policies = PolicySettings.from_registration(run.stage.policies, run.stage.trusted_networks)
    report = check_groups(groups, prefix_lists, policies, now().date(), path=run.stage.name)
    run.artifacts.put_json(run.release.stage_key(run.stage.name, "live-report.json"), report.to_json())
    run.ledger.record(run.release, run.stage.name, f"VALIDATED {report.verdict}", timestamp())
    reason = None if report.verdict is Verdict.PASS else in_words(report)
    return {"verdict": report.verdict, "reason": reason}


def group_ids(run: StageContext) -> list[str]:
    """Return the security groups of the release's stacks, and of the stacks nested in them."""
    standing = [stack.stack_id or stack.stack_name for stack in run.plan().stacks]
    return sorted(
        resource["PhysicalResourceId"]
        for stack in standing
        for resources in run.stacks.resources_by_stack(stack).values()
        for resource in resources
        if resource["ResourceType"] == GROUP and resource["ResourceStatus"] != "DELETE_COMPLETE"
    )
