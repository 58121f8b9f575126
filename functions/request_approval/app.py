"""Requests a release's approval in a stage, and seals what it covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.approval.page import render
from belay.aws.clock import now
from belay.aws.gateways import own_aws
from belay.control.approvals import Approvals
from belay.control.endings import Endings
from belay.control.links import Links
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.ledger.ledger import Ledger
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    ledger_table: str
    artifact_bucket: str
    notification_topic_arn: str
    link_key_id: str
    link_url: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Seal the request, write the report, store the task token for the answer, and notify the approvers.

    A request of this attempt from an execution that this one continues is neither changed nor announced again.
    Raises ``ReleaseSuperseded``; asked once the token is stored, so that a newer release finds the token or is found.
    """
    settings, aws = read(Settings), own_aws()
    ledger, artifacts = Ledger(aws.table(settings.ledger_table)), aws.artifacts(settings.artifact_bucket)
    run = StageContext.enter(event, ledger, artifacts)
    there = run.at(aws, Power.LOOK)
    asked = ledger.approvals.asked_of(run.release, run.stage.name)
    if asked is not None:
        ledger.approvals.ask_on(run.release, asked, event["task_token"])
        run.refuse_superseded()
        return {}
    endings = Endings(run.ledger, run.artifacts, aws.notifications, settings.notification_topic_arn)
    approvals = Approvals(run.ledger, run.artifacts, endings)
    links = Links(aws.mac_key(settings.link_key_id), settings.link_url)
    request = links.add_to(approvals.gather(StageFiles.kept_by(aws, run), there.stacks, now()))
    approvals.keep(request, render(request))
    approvals.record(request, event["task_token"])
    run.refuse_superseded()
    approvals.announce(request)
    return {}
