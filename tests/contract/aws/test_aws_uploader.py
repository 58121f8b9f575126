"""Recording who uploaded a release, from CloudTrail's event to the ledger."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from modules import ROOT, function

from belay.approval.principal import Principal
from belay.ledger.ledger import Ledger
from belay.release.records import upload_of

SAMPLE = ROOT / "events" / "aws.s3" / "api_call_via_cloudtrail.json"
KEY = "releases/orders/orders 1.4.0+build.7.zip"
VERSION = "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"

Record = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def record(ledger: Ledger) -> Record:
    """The function's handler, given the changes to the sample's detail."""
    app = function("record_uploader")

    def call(changes: dict[str, Any]) -> dict[str, Any]:
        event = json.loads(SAMPLE.read_text())
        event["detail"] |= changes
        return dict(app.handler(event, None))

    return call


def uploader(ledger: Ledger, version: str | None = VERSION) -> Principal | None:
    return ledger.uploads.uploader(upload_of("orders", "DOC-EXAMPLE-BUCKET1", KEY, version, 48213))


@pytest.mark.parametrize("call", ["PutObject", "CompleteMultipartUpload", "CopyObject", "PostObject"])
def test_whoever_wrote_a_named_version_uploaded_it(ledger: Ledger, record: Record, call: str) -> None:
    assert record({"eventName": call}) == {"recorded": True}
    found = uploader(ledger)
    assert found is not None
    assert found.principal_id == "AROAIOSFODNN7EXAMPLE:jo.novak@example.com"
    assert uploader(ledger, "another") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"eventName": "CompleteMultipartUpload", "responseElements": None},
        {"errorCode": "AccessDenied"},
        {"userIdentity": {"type": "AWSService", "invokedBy": "replication.amazonaws.com"}},
        {"requestParameters": {"bucketName": "DOC-EXAMPLE-BUCKET1", "key": "releases/orders/notes.txt"}},
    ],
    ids=["no version", "refused", "a service", "no release"],
)
def test_what_names_nobody_or_no_version_tells_nobody(ledger: Ledger, record: Record, changes: dict[str, Any]) -> None:
    assert record(changes) == {"recorded": False}
    assert uploader(ledger) is None
    assert uploader(ledger, None) is None
