"""Requests a release's approval in a stage, and seals what it covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.approval.page import render
from belay.aws.clock import now
from belay.control.approvals import Approvals
from belay.control.endings import Endings
from belay.control.links import Links
from belay.control.stage import StageContext
from belay.control.stage_files import StageFiles
from belay.home import own_home
from belay.observability import observed
from belay.release.place import Power
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    notification_topic_arn: str
    link_key_id: str
    link_url: str


@observed
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Seal the request, write the report, store the task token for the answer, and notify the approvers.

    A request of this attempt from an execution that this one continues is neither changed nor announced again. Raises
    ``ReleaseSuperseded``; checked once the token is stored, so that a newer release finds the token or is found.
    """
    home, settings = own_home(), read(Settings)
    run = StageContext.enter(event, home.ledger, home.artifacts)
    there = run.at(home.aws, Power.LOOK)
    asked = home.ledger.approvals.asked_of(run.release, run.stage.name)
    if asked is not None:
        home.ledger.approvals.ask_on(run.release, asked, event["task_token"])
        run.refuse_superseded()
        return {}
    endings = Endings(run.ledger, run.artifacts, home.aws.notifications, settings.notification_topic_arn)
    approvals = Approvals(run.ledger, run.artifacts, endings)
    links = Links(home.aws.mac_key(settings.link_key_id), settings.link_url)
    request = links.add_to(approvals.gather(StageFiles.kept_by(home.aws, run), there.stacks, now()))
    approvals.keep(request, render(request))
    approvals.record(request, event["task_token"])
    run.refuse_superseded()
    approvals.announce(request)
    return {}
