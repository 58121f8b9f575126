"""A plan's view of a stage: the effect of an approval, as data and as part of a page, safe with hostile content."""

from dataclasses import replace
from typing import Any

import pytest
from asked import CHANGE_PLAN, STAGE, request
from pages import ATTRIBUTES, HOSTILE, TAGS, Read
from test_approval_page import hostile

from belay.approval.elements import document
from belay.approval.page import of_plan
from belay.approval.stage_preview import PlanOutcome, StagePreview
from belay.approval.stage_report import StageReport
from belay.stack.plan import StackPlan, StagePlan


def report(**changed: Any) -> StageReport:
    """A plan's view of the approval."""
    asked = request(**changed)
    return StageReport(sealed=asked.sealed, replaces=asked.replaces)


def test_the_data_has_what_an_approval_shows() -> None:
    asked = request(database_changes=CHANGE_PLAN)
    found = StagePreview.of(report(database_changes=CHANGE_PLAN), PlanOutcome.PLANNED, "")

    assert [each.words for each in found.changes] + list(found.unplanned) == asked.change_lines
    assert (found.counts, found.verdict, found.runs) == (asked.counts, asked.verdict, "1.1.3")
    assert found.changes[0].loses_data
    assert list(found.databases) == asked.database_lines[:-1], "no snapshot is taken for a plan"
    assert found.what == (
        "would delete 1, replace 2, change 1, add 1 of its resources. DATA MAY BE LOST. production runs 1.1.3."
    )
    assert StagePreview.from_dict(found.to_dict()) == found


def test_a_parameter_of_a_table_is_told_with_what_it_was() -> None:
    where = "{table: shared, key: {Owner: orders}, attribute: Version}"
    stage = STAGE.replace("name: orders-service", f"name: orders-service, parameters: {{Size: {where}}}")
    sealed = request(stage=stage).sealed
    assert StageReport(sealed=sealed).parameter_lines == [], "it was not read yet"
    size = sealed.accepted.stages["production"].stacks["service"].from_tables["Size"].read_as("8", "7")
    read = sealed.accepted.with_tables_read("production", {"service": {"Size": size}})
    shown = StageReport(sealed=replace(sealed, accepted=read))
    told = "service: the parameter Size changes from 7 to 8: Version of Owner orders in the table shared"
    assert StagePreview.of(shown, PlanOutcome.PLANNED, "").parameters == (told,)
    assert shown.change_lines[-1] == told
    assert told in " ".join(Read(of_plan(shown, PlanOutcome.PLANNED, "")).words)


def test_a_stage_that_a_pipeline_deploys_is_not_planned() -> None:
    pipeline = STAGE.replace("approval: {required: true, four_eyes: true}\n", "")
    pipeline += "pipeline: {name: orders, deployment_stage: Deploy, start: true}\n"
    stacks = StagePlan((StackPlan("network", "orders-network"),))
    assert report(stage=pipeline, plan=stacks).unplanned == [
        "the stage's pipeline deploys it: what that changes is not planned"
    ]
    assert report(plan=stacks).unplanned == ["network: its changes are not known"]


def test_its_page_says_why_it_was_not_planned_and_asks_for_nothing() -> None:
    page = of_plan(report(), PlanOutcome.REFUSED, "a policy is violated\nand another one")
    words = " ".join(Read(page).words)
    assert "Refused" in words
    assert "and another one" in words
    for word in ("belay approve", "Answer until", "seal"):
        assert word not in words


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_more_than_text(text: str) -> None:
    asked = hostile(text)
    shown = of_plan(StageReport(sealed=asked.sealed, replaces=asked.replaces), PlanOutcome.NOT_PLANNED, text)
    read = Read(document("Plan", shown))
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES
