import re

import pytest
from hypothesis import strategies as st

from belay.release.records import (
    Outcome,
    ReleaseReference,
    Upload,
    upload_of,
)

STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-production-network/6a7e8fe0"
names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,39}", fullmatch=True)


def reference(**changed: str) -> ReleaseReference:
    values = {"application": "orders", "version": "1.0.0", "digest": "d" * 64, "attempt": "0123456789ab"}
    return ReleaseReference(**values | changed)


def test_an_upload_is_named_by_what_it_is() -> None:
    upload = upload_of("orders", "bucket", "releases/orders/a.zip", "v1", 7)
    assert upload == Upload("orders", "bucket", "releases/orders/a.zip", "v1", 7)
    assert upload.identity == "releases/orders/a.zip#v1"
    assert re.fullmatch(r"[0-9a-f]{12}", upload.attempt)


def test_the_longest_key_of_s3_fits_the_sort_key_and_is_told_apart() -> None:
    one, other = (upload_of("orders", "bucket", f"releases/orders/{'a' * 1_003}{end}.zip", "v" * 32, 7) for end in "xy")
    assert len(f"UPLOAD#{one.identity}".encode()) <= 1_024
    assert one.identity != other.identity
    assert one.attempt != other.attempt


def test_each_version_of_an_object_is_an_attempt_of_its_own() -> None:
    attempts = {upload_of("orders", b, k, v, 7).attempt for b in "ab" for k in "kl" for v in ("1", "2", None)}
    assert len(attempts) == 12
    assert upload_of("orders", "b", "k", "1", 7).attempt == upload_of("orders", "b", "k", "1", 8).attempt


def test_an_object_without_versions_has_the_version_null() -> None:
    assert upload_of("orders", "b", "k", None, 7).version_id == "null"
    assert upload_of("orders", "b", "k", "", 7).version_id == "null"


def test_a_reference_travels_as_a_small_document() -> None:
    assert ReleaseReference.from_dict(reference().to_dict()) == reference()
    assert ReleaseReference.from_dict({**reference().to_dict(), "more": 1}) == reference()
    with pytest.raises(KeyError):
        ReleaseReference.from_dict({"application": "orders"})


def test_the_same_content_lies_in_the_same_place_and_other_content_elsewhere() -> None:
    assert reference().member_key("templates/a.yaml") == f"releases/orders/1.0.0/{'d' * 16}/templates/a.yaml"
    assert reference(attempt="another").prefix == reference().prefix
    assert reference(digest="e" * 64).prefix != reference().prefix
    assert "+" not in reference(version="1.0.0+build.7").prefix


def test_documents_of_an_attempt_lie_together() -> None:
    assert reference().document_key == "attempts/orders/0123456789ab/release.json"
    assert reference().stage_key("production", "plan.json") == "attempts/orders/0123456789ab/production/plan.json"


def test_every_change_set_of_a_stack_is_executed_under_a_token_of_its_own() -> None:
    tokens = {
        reference(attempt=attempt).origin.deployment_token(stage, stack, generation)
        for attempt in ("a", "b")
        for stage in ("test", "production")
        for stack in ("network", "service")
        for generation in (1, 2)
    }
    assert len(tokens) == 16
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", token) for token in tokens)


def test_there_are_five_outcomes() -> None:
    assert [str(outcome) for outcome in Outcome] == ["DEPLOYED", "REJECTED", "ABORTED", "ROLLED_BACK", "NEEDS_OPERATOR"]
