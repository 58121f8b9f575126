"""What DescribeEvents reports, in words: warnings and repetitions of the end are left out."""

from typing import Any

import pytest

from belay.stack.validation import sends_to_events, with_events

EARLY = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early "
    "Validation errors, use the DescribeEvents API for detailed failure information."
)
SAID = "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]"


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"EventType": kind, "LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket", **more}


TAKEN = event("VALIDATION_ERROR", ValidationPath="/Resources/Bucket", ValidationStatusReason="it already exists.")


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (TAKEN, "Bucket (AWS::S3::Bucket): it already exists"),
        (
            event(
                "VALIDATION_ERROR", ValidationPath="/Resources/Bucket/Properties/Tags/0", ValidationStatusReason="no\n"
            ),
            "Bucket (AWS::S3::Bucket), property Tags/0: no",
        ),
        (event("VALIDATION_ERROR"), "Bucket (AWS::S3::Bucket): CloudFormation gives no reason"),
        (
            event("HOOK_INVOCATION_ERROR", HookType="Acme::S3::Encrypted", HookStatusReason="must be encrypted"),
            "Bucket (AWS::S3::Bucket), hook Acme::S3::Encrypted: must be encrypted",
        ),
        (event("PROVISIONING_ERROR", ResourceStatusReason="no capacity"), "Bucket (AWS::S3::Bucket): no capacity"),
    ],
)
def test_an_event_names_resource_property_and_reason(found: dict[str, Any], named: str) -> None:
    found = {"StackId": "stack", **found}
    assert with_events(EARLY, [found, found]) == f"{SAID}: {named}"


@pytest.mark.parametrize(
    "found",
    [
        event("VALIDATION_ERROR", ValidationFailureMode="WARN", ValidationStatusReason="not empty"),
        event("HOOK_INVOCATION_ERROR", HookFailureMode="WARN", HookStatusReason="not encrypted"),
        event("PROVISIONING_ERROR", StackId="stack", PhysicalResourceId="stack", ResourceStatusReason="failed"),
        event("STACK_EVENT", ResourceStatusReason="failed"),
    ],
)
def test_what_did_not_make_it_fail_is_left_out(found: dict[str, Any]) -> None:
    assert with_events(EARLY, [found]) == EARLY


def test_a_long_list_is_cut_and_counted() -> None:
    many = [{**TAKEN, "LogicalResourceId": f"Bucket{number}"} for number in range(13)]
    assert with_events(EARLY, many).endswith("; and 3 more")


@pytest.mark.parametrize(
    ("reason", "sends"),
    [(EARLY, True), ("Validation failed with 1 error(s). Call DescribeEvents to retrieve it.", True), ("no", False)],
)
def test_a_reason_that_names_nothing_is_known(reason: str, sends: bool) -> None:
    assert sends_to_events(reason) is sends
