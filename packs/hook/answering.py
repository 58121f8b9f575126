"""Processes the Hook's invocations, configured by environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.control.registrations import Registrations
from belay.ledger.ledger import Ledger
from belay.observability import logger
from belay.settings import read
from packs.hook.checking import TemplateRules
from packs.hook.invocation import fetch_template, read_invocation
from packs.hook.judging import Judge


@dataclass(frozen=True)
class Settings:
    """Environment variables. ``stacks`` is REGISTERED or ALL, ``undecided`` is WARN or FAIL."""

    ledger_table: str
    artifact_bucket: str
    stacks: str
    undecided: str


def answered(event: Mapping[str, Any]) -> dict[str, Any]:
    """Process one invocation."""
    settings, aws = read(Settings), own_aws()
    artifacts = aws.artifacts(settings.artifact_bucket)
    judge = Judge(
        Ledger(aws.table(settings.ledger_table)).operations,
        Registrations(aws.parameters, artifacts),
        aws.stacks,
        TemplateRules(artifacts),
        fetch_template,
        every_stack=settings.stacks == "ALL",
        undecided_holds=settings.undecided == "FAIL",
    )
    asked = read_invocation(event)
    answer = judge.answer(asked, now().date())
    logger().info(
        "answered", stack=asked.stack_id, change_set=asked.change_set_id, holds=answer.holds, said=answer.message
    )
    return answer.to_response(asked.token)
