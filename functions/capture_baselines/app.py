"""Captures every stack of the stage as it is before the release touches it, whoever deployed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.stage import StageContext
from belay.observability import observed
from belay.release.manifest import digest
from belay.settings import read
from belay.stack.baseline import TemplatePointer, baseline_of
from belay.stack.plan import StackPlan


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Keep template, parameters and tags of each stack; what an earlier try captured stands."""
    settings = read(Settings)
    run = StageContext.enter(event, settings.ledger_table, settings.artifact_bucket)
    known = run.ledger.baselines(run.release, run.stage.name)
    for stack in run.plan().stacks:
        if stack.stack not in known:
            capture(run, stack)
    return {"stacks": [stack.stack for stack in run.plan().stacks]}


def capture(run: StageContext, stack: StackPlan) -> None:
    """Keep one stack: its template in the artifact bucket, the rest in the ledger."""
    description = run.stacks.describe_stack(stack.stack_name)
    template = None
    if description is not None and description["StackStatus"] != "REVIEW_IN_PROGRESS":
        body = run.stacks.get_template(description["StackId"])
        key = run.release.stage_key(run.stage.name, f"baselines/{stack.stack}.template")
        version_id = run.artifacts.put_bytes(key, body)
        template = TemplatePointer(run.artifacts.name, key, version_id, digest(body))
    baseline = baseline_of(description, template, name=stack.stack_name)
    run.ledger.record_baseline(run.release, run.stage.name, stack.stack, baseline.to_dict())
