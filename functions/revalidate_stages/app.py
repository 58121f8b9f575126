"""Holds every deployed stage against the policies again, and tells what was not there the last time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clients import client
from belay.aws.clock import now
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.live import LiveStages
from belay.control.registrations import Registrations
from belay.control.revalidations import Revalidations
from belay.errors import BelayError, StagesNotValidated
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.registration import Stage
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """What this function is told by its environment."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Validate every stage, or those of the ``application`` and the ``stage`` that whoever calls by hand names.

    One stage's fault does not keep the others from being validated. Raises ``StagesNotValidated`` in the end.
    """
    settings = read(Settings)
    artifacts = ArtifactBucket(client("s3"), settings.artifact_bucket)
    registrations = Registrations(ParameterStore(client("ssm")), client("s3"))
    revalidations = Revalidations(
        Ledger(client("dynamodb"), settings.ledger_table),
        artifacts,
        registrations,
        LiveStages.here(artifacts),
        sns=client("sns"),
        default_topic=settings.notification_topic_arn,
    )
    verdicts, problems = {}, []
    for stage in wanted(registrations.stages(), event):
        name = f"{stage.application}/{stage.name}"
        try:
            verdicts[name] = revalidations.revalidate(stage, now().date())
        except BelayError as error:
            problems.append(f"{name}: {type(error).__name__}: {error}")
    if problems:
        raise StagesNotValidated(problems)
    return {"verdicts": verdicts}


def wanted(stages: list[Stage], event: Mapping[str, Any]) -> list[Stage]:
    """Return the stages that an invocation is about; the schedule's is about all of them."""
    return [
        stage
        for stage in stages
        if event.get("application", stage.application) == stage.application
        and event.get("stage", stage.name) == stage.name
    ]
