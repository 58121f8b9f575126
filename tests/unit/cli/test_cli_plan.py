"""The output of ``belay plan`` from stored documents, and its exit status."""

from typing import Any

import pytest

from belay.approval.elements import document
from belay.approval.stage_preview import PREVIEW, PREVIEW_PAGE, PlanOutcome, PreviewedChange, StagePreview
from belay.release.manifest import parse_manifest
from belay.release.records import ReleaseReference
from cli import plan

RELEASE = ReleaseReference("orders", "1.2.0", "d" * 64, "plan-0123456789ab")
EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:belay-plan-release:plan-0123456789ab"
PRODUCTION = StagePreview(
    "production",
    PlanOutcome.PLANNED,
    what="would change 1 of its resources. production runs 1.1.0.",
    changes=(PreviewedChange("first", "Topic", "AWS::SNS::Topic", "Modify", "False", False, "first: changes Topic"),),
    unplanned=("second: no change",),
    policies=("PASS for the templates, PASS for the change sets",),
    databases=("1 change is applied to instance orders-db before all stacks",),
    forecast_lines=("orders/1.2.0 in production: PASS", "  nothing was run"),
    remarks=("a release would ask for approval in production",),
)


class Artifacts:
    """An artifact bucket that holds these documents."""

    def __init__(self, *previews: StagePreview) -> None:
        self.documents = {RELEASE.stage_key(each.stage, PREVIEW): each.to_dict() for each in previews}

    def get_json(self, key: str) -> Any:
        return self.documents.get(key)

    def get_bytes(self, key: str) -> bytes | None:
        kept = key.replace(PREVIEW_PAGE, PREVIEW) in self.documents
        return f"<h1>{key.split('/')[3]}</h1>".encode() if kept else None

    def require_json(self, key: str) -> Any:
        return self.documents[key]


def found(outcome: str, *stages: Any, previews: tuple[StagePreview, ...] = (), **more: Any) -> dict[str, Any]:
    manifest = parse_manifest(
        b'{"application": "orders", "version": "1.2.0", "stacks": [{"name": "first", "template": "a.yaml"}], '
        b'"digests": {"a.yaml": "' + b"0" * 64 + b'"}}'
    )
    ended = {"outcome": outcome, "release": RELEASE.to_dict(), "stages": list(stages), **more}
    return plan.gather(Artifacts(*previews), manifest, EXECUTION, ended)  # type: ignore[arg-type]


def stage(name: str, outcome: str, *, reason: Any = None, gone: bool = True) -> dict[str, Any]:
    return {"stage": name, "outcome": outcome, "reason": reason, "gone": gone}


def test_each_stage_is_told_with_what_was_kept_of_it() -> None:
    shown = found("PLANNED", stage("production", "PLANNED"), previews=(PRODUCTION,))
    assert shown["outcome"] == "PLANNED"
    assert plan.render(shown) == [
        "orders/1.2.0: PLANNED",
        "",
        "production: PLANNED, it would change 1 of its resources. production runs 1.1.0.",
        "  first: changes Topic",
        "  second: no change",
        "  policies: PASS for the templates, PASS for the change sets",
        "  databases: 1 change is applied to instance orders-db before all stacks",
        "  orders/1.2.0 in production: PASS",
        "    nothing was run",
        "  a release would ask for approval in production",
        "",
        "Nothing was deployed, and what was made for the plan is deleted.",
    ]


@pytest.mark.parametrize(
    ("outcomes", "worst"),
    [
        (["PLANNED", "BUSY"], "BUSY"),
        (["BUSY", "NOT_PLANNED", "PLANNED"], "NOT_PLANNED"),
        (["NOT_PLANNED", "REFUSED"], "REFUSED"),
        ([], "PLANNED"),
    ],
)
def test_the_worst_of_all_stages_is_the_outcome(outcomes: list[str], worst: str) -> None:
    assert found("PLANNED", *(stage(f"s{number}", each) for number, each in enumerate(outcomes)))["outcome"] == worst


def test_a_stage_at_which_nothing_was_looked_says_why() -> None:
    held = {"Error": "WaitedTooLong", "Cause": "the stage was not free within 15 minutes: 1.1.0 has the lock"}
    lines = plan.render(found("PLANNED", stage("production", "BUSY", reason=held)))
    assert lines[2] == "production: BUSY"
    assert "1.1.0 has the lock" in lines[3]


def test_what_is_left_is_not_called_deleted() -> None:
    shown = found("PLANNED", stage("production", "PLANNED", gone=False), previews=(PRODUCTION,))
    assert shown["left"] == ["production"]
    assert plan.render(shown)[-1] == (
        "What was made in production could not be deleted yet: the sweep will finish that."
    )


def test_a_refusal_has_its_reason_and_no_stages() -> None:
    shown = found("REFUSED", reason={"Error": "InvalidRelease", "Cause": "first.json: expected another digest"})
    assert (shown["outcome"], shown["stages"]) == ("REFUSED", [])
    assert "first.json: expected another digest" in "\n".join(plan.render(shown))


def test_the_page_has_a_part_for_each_stage_that_was_looked_at() -> None:
    shown = found("PLANNED", stage("test", "BUSY"), stage("production", "PLANNED"), previews=(PRODUCTION,))
    page = plan.page(Artifacts(PRODUCTION), shown)  # type: ignore[arg-type]
    assert page == document("Plan of orders/1.2.0", "<h1>production</h1>")
