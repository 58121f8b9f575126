from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from asked import CHANGE_PLAN, MANIFEST, NETWORK, NOW, STAGE, change_set, request

from belay.approval.request import in_utc, remind_at
from belay.policy.verdict import Report, Verdict
from belay.stack.change_set import Change
from belay.stack.plan import Progress, StackPlan, StagePlan


@pytest.mark.parametrize(("days", "hours_before"), [(7, 24), (90, 24), (4, 24), (3, 18), (1, 6)])
def test_people_are_reminded_while_there_is_time(days: int, hours_before: int) -> None:
    expires_at = NOW + timedelta(days=days)
    assert expires_at - remind_at(NOW, expires_at) == timedelta(hours=hours_before)


def test_the_riskiest_change_of_all_stacks_comes_first() -> None:
    assert request().change_lines == [
        "service: DELETES OldQueue (AWS::SQS::Queue); its data is lost unless its deletion policy keeps it",
        "service: REPLACES Orders (AWS::DynamoDB::Table): KeySchema; ITS DATA IS LOST",
        "network: MAY REPLACE WebGroup (AWS::EC2::SecurityGroup): GroupDescription",
        "service: changes Cluster (AWS::ECS::Service): DesiredCount, TaskDefinition",
        "service: adds Alarm (AWS::CloudWatch::Alarm)",
        "reports: its changes are known only after service is deployed",
    ]
    assert request().counts == {"deleted": 1, "replaced": 2, "changed": 1, "added": 1}


def test_what_is_asked_is_said_in_a_sentence_or_two() -> None:
    assert request().what == (
        "orders 1.2.0 is ready to deploy to production and would delete 1, replace 2, change 1, add 1 of its "
        "resources. DATA MAY BE LOST. production runs 1.1.3."
    )
    nothing = request(replaces=None, change_sets={}, plan=StagePlan((StackPlan("network", "orders-network", ("x",)),)))
    assert nothing.what == (
        "orders 1.2.0 is ready to deploy to production and would change none of its resources yet. "
        "Nothing is deployed to production yet."
    )


def test_a_stack_without_changes_says_so() -> None:
    plan = StagePlan((StackPlan("network", "orders-network", progress=Progress.UNCHANGED),))
    assert request(plan=plan, change_sets={}).change_lines == ["network: no change"]


def test_an_import_is_added_and_a_snapshot_loses_nothing() -> None:
    kept = Change("Db", "AWS::RDS::DBInstance", "Remove", policy_action="Snapshot")
    asked = request(
        change_sets={"network": change_set("network", (kept, Change("Bucket", "AWS::S3::Bucket", "Import")))}
    )
    assert asked.counts == {"deleted": 1, "added": 1}
    assert asked.lost == ()


def test_what_only_a_person_can_decide_is_said_to_be_theirs() -> None:
    assert request().policy_lines == [
        "REVIEW for the templates, PASS for the change sets",
        "REVIEW, for you to decide: service.yaml:41 WebGroup SecurityGroupIngress[0].CidrIp: ssh-open: Who may "
        "reach TCP 22 depends on a prefix list that cannot be read. Give it a value that can be read before the "
        "release runs.",
        "1 more, waived or only advice: see the report",
    ]
    assert request().verdict is Verdict.REVIEW
    assert request(static=None).policy_lines == ["PASS for the templates, PASS for the change sets"]
    assert request(static=None, reports={"network": Report()}).verdict is Verdict.PASS


def test_database_changes_are_told_as_they_were_declared() -> None:
    assert request().database_lines == [
        "2 files of changes in migrations/, schema 41 to 43",
        "Belay does not apply them: no database of the stage has an executor",
        "a snapshot of orders-production is taken after the approval; a restore needs a separate approval",
    ]
    without = "\n".join(line for line in MANIFEST.splitlines() if not line.startswith("database"))
    assert request(manifest=without).database_lines[0] == "the release declares no database changes"


def test_database_changes_that_are_applied_are_told_one_by_one_with_their_digests() -> None:
    assert request(database_changes=CHANGE_PLAN).database_lines == [
        "2 changes are applied to instance orders-production before service, schema 41 to 43",
        "0042 (333333333333, can be undone)",
        "0043 (444444444444, cannot be undone, only in this stage)",
        "0040 was applied by 1.1.0 and is not in this release",
        "a snapshot of orders-production is taken after the approval; a restore needs a separate approval",
    ]
    done = replace(CHANGE_PLAN, pending=(), remarks=())
    assert request(database_changes=done).database_lines[0] == "instance orders-production has every change already"


def test_whether_the_rollback_was_rehearsed_is_told() -> None:
    assert request().rollback_lines[0].startswith("Whether a rollback would work is unknown.")
    assert request(rehearsal=None).rollback_lines == ["the rollback was not rehearsed"]


def test_what_it_costs_to_wait_is_told() -> None:
    lines = request(held="2026-03-03 09:00 UTC").waiting_lines
    assert "other releases in progress: 1.3.0 (CHECKED)" in lines
    assert "if approved now, it waits until 2026-03-03 09:00 UTC" in lines
    assert "the uploader cannot approve" in lines
    quiet = request(others=(), stage=STAGE.replace(", four_eyes: true", "")).waiting_lines
    assert "no other release of the application is in progress" in quiet
    assert "the uploader cannot approve" not in quiet


def test_what_the_seal_does_not_hold_is_told() -> None:
    open_one = "service.yaml: {{resolve:ssm:/orders/size}}"
    assert request().unsealed_lines == []
    told = f"{open_one}: CloudFormation looks it up; not sealed"
    assert request(unsealed=(open_one,)).unsealed_lines == [told]


def test_the_commands_that_answer() -> None:
    assert request().commands == [
        f"belay approve orders/1.2.0 --stage production --seal {request().seal.digest[:12]}",
        "belay reject orders/1.2.0 --stage production --comment WHY",
    ]
    assert request().report_command == "belay show orders/1.2.0 --report"


def test_times_are_told_in_utc() -> None:
    assert in_utc(datetime(2026, 3, 2, 9, 5, tzinfo=UTC)) == "2026-03-02 09:05 UTC"


def test_the_network_s_change_may_replace() -> None:
    assert request(change_sets={"network": change_set("network", NETWORK)}).counts == {"replaced": 1}
