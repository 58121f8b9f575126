"""The policies' verdicts on the way: data that a change set loses, and stages that are re-validated."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from deployed_belay import Application
from small_releases import security_group, setting

Applications = Callable[..., Application]
RESOURCE = {"Type": "AWS::SQS::Queue", "Properties": {}}


def queue(value: str, *, kept: str | None = None, there: bool = True) -> dict[str, Any]:
    """A template with or without a queue, which holds messages, beside a setting."""
    resource = RESOURCE | ({"DeletionPolicy": kept} if kept else {})
    return {"Resources": setting(value)["Resources"] | ({"Queue": resource} if there else {})}


def queues(app: Application, stack: str = "first") -> list[str]:
    """The existing queues of a stack."""
    listed = app.belay.there("cloudformation").list_stack_resources(StackName=app.stack(stack))
    return [
        each["PhysicalResourceId"]
        for each in listed["StackResourceSummaries"]
        if each["ResourceType"] == "AWS::SQS::Queue" and each["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def waiver(policy: str) -> dict[str, str]:
    """An operator's waiver of a finding."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    return {"policy": policy, "resource": "Queue", "reason": "drained", "owner": "orders", "expires": tomorrow}


class TestChangeSets:
    def test_deleting_what_holds_data_is_refused_where_nobody_approves(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0", stacks={"first": queue("1")})

        record = app.run(app.release("1.1.0", stacks={"first": queue("2", there=False)}))

        assert record["outcome"] == "REJECTED"
        assert "stateful-deletion" in record["reason"]
        assert len(queues(app)) == 1
        assert app.belay.setting(app.stack("first")) == "1"
        assert app.belay.change_sets(app.stack("first")) == []

    def test_a_person_may_approve_it_and_reads_what_is_lost(self, application: Applications) -> None:
        app = application(approval={"required": True})
        first = app.belay.upload(app.release("1.0.0", stacks={"first": queue("1")}))
        app.belay.approve(app.name, "1.0.0")
        assert app.belay.ended(first)["outcome"] == "DEPLOYED"

        upload = app.belay.upload(app.release("1.1.0", stacks={"first": queue("2", there=False)}))
        app.belay.approve(app.name, "1.1.0")

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        assert queues(app) == []
        asked = [message for message in app.received() if message.attributes["kind"] == "approval-requested"][-1]
        assert "REVIEW for the change sets" in asked.text
        assert "stateful-deletion" in asked.text

    def test_an_operator_may_waive_it(self, application: Applications) -> None:
        app = application(policies={"waivers": [waiver("stateful-deletion")]})
        app.deploy("1.0.0", stacks={"first": queue("1")})
        app.deploy("1.1.0", stacks={"first": queue("2", there=False)})
        assert queues(app) == []

    def test_a_later_wave_that_nobody_saw_takes_the_release_back(self, application: Applications) -> None:
        app = application()
        before = {"first": setting("1"), "second": queue("1")}
        app.deploy("1.0.0", stacks=before, depends_on={"second": ["first"]})

        after = {"first": setting("2"), "second": queue("2", there=False)}
        record = app.run(app.release("1.1.0", stacks=after, depends_on={"second": ["first"]}))

        assert record["outcome"] == "ROLLED_BACK"
        assert "stateful-deletion" in record["reason"]
        assert app.belay.setting(app.stack("first")) == "1"
        assert len(queues(app, "second")) == 1


class TestRevalidation:
    def test_a_finding_is_told_once(self, application: Applications) -> None:
        app = application()
        app.deploy(stacks={"first": security_group()})
        app.told("deployment-started", "DEPLOYED")
        wanted = {"application": app.name, "stage": "production"}
        assert app.belay.invoke("RevalidateStagesFunction", wanted) == {"verdicts": {f"{app.name}/production": "PASS"}}

        ec2 = app.belay.there("ec2")
        resources = app.belay.there("cloudformation").list_stack_resources(StackName=app.stack("first"))
        (group,) = [each["PhysicalResourceId"] for each in resources["StackResourceSummaries"]]
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        for _ in range(2):
            found = app.belay.invoke("RevalidateStagesFunction", wanted)
            assert found == {"verdicts": {f"{app.name}/production": "FAIL"}}
        *_, message = app.told("deployment-started", "DEPLOYED", "findings-appeared")
        assert "ssh-open" in message.text
        assert "undeclared-rule" in message.text

        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])
        app.belay.invoke("RevalidateStagesFunction", wanted)
        assert app.belay.items(f"APPLICATION#{app.name}", "FINDING#production#") == []
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        app.belay.invoke("RevalidateStagesFunction", wanted)
        app.told("deployment-started", "DEPLOYED", "findings-appeared", "findings-gone", "findings-appeared")
