"""Records and announces the one outcome of an upload."""

from collections.abc import Mapping
from typing import Any

from belay.aws.clock import timestamp
from belay.aws.ssm import APPLICATIONS
from belay.control.endings import Endings
from belay.control.reasons import read_reason
from belay.events.s3 import ObjectCreated
from belay.home import own_home
from belay.release.key import application_of
from belay.release.left_to_do import LeftToDo
from belay.release.reason import Reason, ReleaseProblems
from belay.release.records import Outcome, Upload, upload_of
from belay.settings import DefaultTopic, read


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Close the release, or the upload that did not become one; returns the recorded outcome.

    An upload that another execution claimed is neither recorded nor announced: that execution does so.
    """
    home, settings = own_home(), read(DefaultTopic)
    ledger, artifacts = home.ledger, home.artifacts
    endings = Endings(ledger, artifacts, home.aws.notifications, settings.notification_topic_arn)
    outcome, reason = Outcome(event["outcome"]), read_reason(artifacts, event["reason"])
    upload = upload_in(event["upload"])
    # The function that opens an upload may have died before claiming it.
    claimed = ledger.attempts.claim(upload, event["execution"], timestamp())
    attempt = ledger.attempts.get(upload) if claimed else None
    if attempt is None:
        return {"outcome": outcome}
    told: dict[str, Any] = {"reason": reason}
    if attempt.release is None:
        told["topic"] = home.registrations.topic_of(upload.application)
        told["left_to_do"] = left_to_operator(reason, upload.application)
    endings.close(attempt, outcome, **told)
    standing = ledger.attempts.get(upload)
    return {"outcome": outcome if standing is None else standing.outcome}


def upload_in(event: Mapping[str, Any]) -> Upload:
    """Return the upload that an S3 event is about."""
    created = ObjectCreated.from_event(event)
    application = application_of(created.key) or "unknown"
    return upload_of(application, created.bucket, created.key, created.version_id, created.size)


def left_to_operator(reason: Reason | None, application: str) -> list[LeftToDo]:
    """Say who has to act if the registration is at fault and not the release."""
    if not isinstance(reason, ReleaseProblems) or not reason.by_registration:
        return []
    look = f"aws ssm get-parameters-by-path --path {APPLICATIONS}{application} --recursive"
    todo = "have the operator correct the registration, then upload the same zip again"
    return [LeftToDo(application, todo, look=look)]
