"""Approvals: given, denied, expired, and refused if what was approved has changed since."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from deployed_belay import Application, until
from small_releases import setting

Applications = Callable[..., Application]


def last_state(app: Application) -> str:
    return app.belay.executions(app.name, "deploy_stage")[-1].states[-1]


def asking(app: Application, version: str = "1.1.0", **more: Any) -> Any:
    """Upload a release of a deployed application and wait until it requests approval."""
    app.deploy("1.0.0")
    app.register(approval={"required": True, **more})
    upload = app.belay.upload(app.release(version))
    app.belay.asked(app.name, version)
    return upload


class TestAnswered:
    def test_approved_by_whoever_signed(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        asked = app.belay.asked(app.name)
        seen = asked["seal"]["digest"][:12]

        status, answer = app.belay.decide(
            {"decision": "approve", "comment": "looks right", "seal": seen}, app.name, user="maria"
        )

        assert (status, answer["by"].rsplit("/")[-1], answer["comment"]) == (200, "maria", "looks right")
        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        recorded = app.belay.asked(app.name)["answer"]
        assert (recorded["by"], recorded["seal"]) == (answer["by"], asked["seal"]["digest"])
        assert "APPROVED" in app.belay.transitions(app.name)
        assert app.belay.items("ASKED", f"{app.name}#") == []
        _, wanted, _ = app.told("deployment-started", "approval-requested", "DEPLOYED")
        seal = asked["seal"]["digest"][:12]
        assert f"belay approve {app.name}/1.0.0 --stage production --seal {seal}\n" in wanted.text
        assert "first: adds Setting (AWS::SSM::Parameter)" in wanted.text

    def test_the_report_and_the_seal_are_kept(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        asked = app.belay.asked(app.name)
        attempt = app.belay.release(app.name)["attempt"]
        s3, bucket = app.belay.aws("s3"), app.belay.outputs["ArtifactBucketName"]
        prefix = f"attempts/{app.name}/{attempt}/production"
        report = s3.get_object(Bucket=bucket, Key=f"{prefix}/report.html")
        seal = json.load(s3.get_object(Bucket=bucket, Key=f"{prefix}/seal.json")["Body"])

        page = report["Body"].read().decode()

        assert report["ContentType"] == "text/html; charset=utf-8"
        assert asked["seal"]["digest"] in page
        assert seal["digest"] == asked["seal"]["digest"]
        assert app.belay.decide({"decision": "reject"}, app.name)[0] == 200
        assert app.belay.ended(upload)["outcome"] == "ABORTED"

    def test_a_secret_reaches_cloudformation_and_is_written_nowhere(self, application: Applications) -> None:
        """By NoEcho, through a nested expression, and by a name that sounds secret."""
        pin, word = "wombat-4711", "quokka-0815"
        template = setting({"Fn::Join": ["-", [{"Ref": "Pin"}, {"Ref": "AdminPassword"}]]})
        template["Parameters"] = {"Pin": {"Type": "String", "NoEcho": True}, "AdminPassword": {"Type": "String"}}
        app = application()
        first = {"name": app.stack("first"), "parameters": {"AdminPassword": word}}
        app.register({"production": {"stacks": {"first": first}}}, approval={"required": True})
        upload = app.belay.upload(app.release(stacks={"first": template}, parameters={"first": {"Pin": pin}}))
        app.belay.asked(app.name)
        assert app.belay.decide({"decision": "approve"}, app.name)[0] == 200

        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"

        assert app.belay.setting(app.stack("first")) == f"{pin}-{word}"
        written = [*app.belay.written(app.name), *(message.text for message in app.received())]
        assert any("riskiest first" in text for text in written)
        assert not [text for text in written if pin in text or word in text]

    def test_people_are_reminded_and_an_answer_that_was_lost_arrives(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        attempt = app.belay.asked(app.name)["attempt"]
        awaited = ("ASKED", f"{app.name}#{attempt}#production")
        app.belay.write_item(*awaited, asked_at="2026-01-01T00:00:00.000+00:00")
        soon = (datetime.now(UTC) + timedelta(hours=20)).isoformat(timespec="milliseconds")
        app.belay.write_item(*awaited, expires_at=soon)

        reminded = [app.belay.invoke("SweepFunction", {})["reminded"] for _ in range(2)]

        assert reminded == [1, 0]
        approval = app.belay.asked(app.name)
        answer = {"decision": "approve", "by": "arn:aws:iam::000000000000:user/maria", "comment": "", "at": soon}
        app.belay.write_item(
            f"ATTEMPT#{app.name}#{attempt}",
            "APPROVAL#production",
            answer={**answer, "seal": approval["seal"]["digest"]},
        )
        app.belay.invoke("SweepFunction", {})
        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        app.told("deployment-started", "approval-requested", "approval-requested", "DEPLOYED")

    def test_rejected_with_a_reason(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        app.belay.asked(app.name)

        status, _ = app.belay.decide({"decision": "reject", "comment": "not on a Friday"}, app.name, user="maria")

        record = app.belay.ended(upload)
        assert (status, record["outcome"]) == (200, "ABORTED")
        assert record["reason"].startswith("arn:")
        assert record["reason"].endswith("user/maria rejected it: not on a Friday")
        assert app.belay.stacks(app.name) == {}
        assert not app.belay.lock(app.name)
        assert last_state(app) == "Aborted"
        app.told("deployment-started", "approval-requested", "ABORTED")

    def test_an_answer_is_taken_once(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        app.belay.asked(app.name)

        answers = [
            app.belay.decide({"decision": "reject"}, app.name, user="maria")[0],
            app.belay.decide({"decision": "reject"}, app.name, user="maria")[0],
            app.belay.decide({"decision": "approve"}, app.name, user="jo")[0],
        ]

        assert answers[0] == 200
        assert answers[1] in (200, 410), "the same once more: taken again, or nobody waits any more"
        assert answers[2] in (409, 410)
        assert app.belay.ended(upload)["outcome"] == "ABORTED"

    def test_expired(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        token = app.belay.task_token(app.name)

        app.belay.aws("stepfunctions").send_task_failure(taskToken=token, error="States.Timeout", cause="time is up")

        record = app.belay.ended(upload)
        assert (record["outcome"], record["reason"]) == ("ABORTED", "nobody approved it within 7 days")
        status, refused = app.belay.decide({"decision": "approve"}, app.name)
        assert (status, refused["error"]) == (410, "Ended")
        assert last_state(app) == "Aborted"

    def test_denied_by_hand_with_an_answer_that_cannot_be_read(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        token = app.belay.task_token(app.name)

        app.belay.aws("stepfunctions").send_task_failure(taskToken=token, error="ApprovalDenied", cause='{"by": ')

        record = app.belay.ended(upload)
        assert record["outcome"] == "ABORTED"
        assert record["reason"].startswith("denied, the answer could not be read: ")
        assert app.belay.incidents(app.name) == []

    def test_what_cannot_be_taken_is_refused(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        app.belay.asked(app.name)

        for decision, status, error in (
            ({"decision": "approve", "version": "9.9.9"}, 404, "Unknown"),
            ({"decision": "approve", "stage": "test"}, 404, "Unknown"),
            ({"decision": "perhaps"}, 400, "InvalidRequest"),
            ({"decision": "approve", "seal": "ffffffffffff"}, 409, "SealMismatch"),
            ({"decision": "approve", "incident": "no-such", "question": "restore"}, 404, "Unknown"),
        ):
            refused = app.belay.decide(decision, app.name)
            assert (refused[0], refused[1]["error"]) == (status, error), decision
            assert refused[1]["message"]
        app.belay.decide({"decision": "reject"}, app.name)
        assert app.belay.ended(upload)["outcome"] == "ABORTED"


class TestUnanswered:
    def test_a_newer_release_ends_the_older_one_s_question(self, application: Applications) -> None:
        app = application()
        older = asking(app)
        newer = app.belay.upload(app.release("1.2.0"))

        until(lambda: app.belay.uploaded(older).get("announced"))
        record = app.belay.uploaded(older)

        assert (record["outcome"], record["reason"]) == (
            "ABORTED",
            "1.2.0 is newer than 1.1.0 and came to production while that waited there",
        )
        status, refused = app.belay.decide({"decision": "approve", "version": "1.1.0"}, app.name)
        assert (status, refused["error"]) == (410, "Ended")
        app.belay.asked(app.name, "1.2.0")
        app.belay.approve(app.name, "1.2.0")
        assert app.belay.ended(newer)["outcome"] == "DEPLOYED"
        assert app.belay.change_sets(app.stack("first")) == []

    def test_nobody_is_asked_about_nothing_where_the_registration_says_so(self, application: Applications) -> None:
        app = application()
        app.deploy("1.0.0")
        app.register(approval={"required": True, "skip_unchanged": True})

        nothing = app.belay.upload(app.release("1.0.1", "1.0.0"))

        assert app.belay.ended(nothing)["outcome"] == "DEPLOYED"
        assert app.belay.of_attempt(app.name, "APPROVAL#production", "1.0.1") == {}
        something = app.belay.upload(app.release("1.1.0"))
        app.belay.asked(app.name, "1.1.0")
        app.belay.decide({"decision": "reject", "version": "1.1.0"}, app.name)
        assert app.belay.ended(something)["outcome"] == "ABORTED"


class TestSealed:
    """What was approved is deployed, or nothing is."""

    def refused(self, app: Application, upload: Any, part: str) -> None:
        record = app.belay.ended(upload)
        assert record["outcome"] == "ABORTED"
        assert "is no longer what" in record["reason"]
        assert part in record["reason"]
        assert app.belay.setting(app.stack("first")) == "1.0.0"
        assert app.belay.lock(app.name)["held"] is False
        assert last_state(app) == "Aborted"

    def test_a_change_set_that_is_gone(self, application: Applications) -> None:
        app = application()
        upload = asking(app)
        for name in app.belay.change_sets(app.stack("first")):
            app.belay.there("cloudformation").delete_change_set(StackName=app.stack("first"), ChangeSetName=name)

        app.belay.approve(app.name, "1.1.0")

        self.refused(app, upload, "the change set of first")
        assert app.belay.change_sets(app.stack("first")) == []

    def test_a_change_set_that_was_replaced(self, application: Applications) -> None:
        app = application()
        upload = asking(app)
        cloudformation = app.belay.there("cloudformation")
        (name,) = app.belay.change_sets(app.stack("first"))
        cloudformation.delete_change_set(StackName=app.stack("first"), ChangeSetName=name)
        body = json.dumps(setting("something else"))
        made = cloudformation.create_change_set(StackName=app.stack("first"), ChangeSetName=name, TemplateBody=body)
        self.rewrite(app, "production/plan.json", lambda plan: plan["stacks"][0].update(change_set_id=made["Id"]))

        app.belay.approve(app.name, "1.1.0")

        self.refused(app, upload, "the change set of first")

    def test_parameters_that_changed(self, application: Applications) -> None:
        app = application()
        template = {
            "Parameters": {"Size": {"Type": "String", "Default": "small"}},
            "Resources": setting("1")["Resources"],
        }
        app.deploy("1.0.0", stacks={"first": setting("1.0.0")})
        app.register(approval={"required": True})
        upload = app.belay.upload(app.release("1.1.0", stacks={"first": template}))
        app.belay.asked(app.name, "1.1.0")

        def widen(accepted: Any) -> None:
            accepted["stages"]["production"]["stacks"]["first"]["parameters"] = {"Size": "large"}

        self.rewrite(app, "release.json", widen)

        app.belay.approve(app.name, "1.1.0")

        self.refused(app, upload, "the parameters of first")

    def test_policies_that_said_something_else(self, application: Applications) -> None:
        app = application()
        upload = asking(app)
        self.rewrite(app, "production/static-report.json", lambda report: report.update(summary={}))

        app.belay.approve(app.name, "1.1.0")

        self.refused(app, upload, "the policies' verdicts on the templates")

    def test_a_file_that_was_written_again(self, application: Applications) -> None:
        app = application()
        upload = asking(app)
        bucket = app.belay.outputs["ArtifactBucketName"]
        prefix = f"releases/{app.name}/1.1.0/"
        listed = app.belay.aws("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        (key,) = [each["Key"] for each in listed if each["Key"].endswith("first.json")]
        app.belay.aws("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(setting("something else")))

        app.belay.approve(app.name, "1.1.0")

        self.refused(app, upload, "the release's files")

    def test_a_go_ahead_that_is_no_person_s(self, application: Applications) -> None:
        app = application()
        upload = asking(app)
        token = app.belay.task_token(app.name, "1.1.0")

        app.belay.aws("stepfunctions").send_task_success(taskToken=token, output="{}")

        record = app.belay.ended(upload)
        assert record["outcome"] == "ABORTED"
        assert "without a recorded approval of a person" in record["reason"]
        assert app.belay.setting(app.stack("first")) == "1.0.0"

    @staticmethod
    def rewrite(app: Application, name: str, change: Callable[[Any], object]) -> None:
        """Change one of the attempt's documents in the artifact bucket."""
        attempt = app.belay.release(app.name, "1.1.0")["attempt"]
        where = {"Bucket": app.belay.outputs["ArtifactBucketName"], "Key": f"attempts/{app.name}/{attempt}/{name}"}
        document = json.load(app.belay.aws("s3").get_object(**where)["Body"])
        change(document)
        app.belay.aws("s3").put_object(**where, Body=json.dumps(document))


class TestFourEyes:
    def test_an_unknown_uploader_blocks_the_approval(self, application: Applications) -> None:
        app = application()
        upload = asking(app, four_eyes=True)

        status, refused = app.belay.decide({"decision": "approve"}, app.name, "1.1.0", user="maria")

        assert (status, refused["error"]) == (403, "UploaderUnknown")
        assert "UploaderTrail" in refused["message"]
        assert app.belay.decide({"decision": "reject"}, app.name, "1.1.0", user="maria")[0] == 200
        assert app.belay.ended(upload)["outcome"] == "ABORTED"

    def test_another_person_than_the_uploader_approves(self, application: Applications) -> None:
        app = application()
        upload = asking(app, four_eyes=True)
        self.uploaded_by(app, upload, "jo")

        own = app.belay.decide({"decision": "approve"}, app.name, "1.1.0", user="jo")
        other = app.belay.decide({"decision": "approve"}, app.name, "1.1.0", user="maria")

        assert (own[0], own[1]["error"]) == (403, "FourEyes")
        assert other[0] == 200
        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"

    @staticmethod
    def uploaded_by(app: Application, upload: Any, user: str) -> None:
        """Report, as CloudTrail does some minutes later, who uploaded a release; wait until that is recorded."""
        app.belay.credentials(user)
        identity = app.belay.aws("iam").get_user(UserName=user)["User"]
        sample = Path(__file__).parents[2] / "events" / "aws.s3" / "api_call_via_cloudtrail.json"
        detail = json.loads(sample.read_text())["detail"]
        detail["userIdentity"] = {"type": "IAMUser", "arn": identity["Arn"], "principalId": identity["UserId"]}
        detail["requestParameters"] = {"bucketName": app.belay.outputs["ReleaseBucketName"], "key": upload.key}
        detail["responseElements"] = {"x-amz-version-id": upload.version_id}
        app.belay.deliver("aws.s3", "AWS API Call via CloudTrail", detail)
        until(lambda: app.belay.item(f"APPLICATION#{app.name}", f"UPLOADER#{upload.key}#{upload.version_id}"))


class TestLink:
    @pytest.mark.at_home("where permissions count, the engine lets nobody without credentials call a function's URL")
    def test_a_person_answers_by_the_link_and_nothing_else_does(self, application: Applications) -> None:
        app = application(approval={"required": True})
        upload = app.belay.upload(app.release())
        app.belay.asked(app.name)
        _, wanted = until(app.received, lambda messages: len(messages) == 2)
        (link,) = re.findall(r"Without the command: open (\S+)", wanted.text)
        url, _, token = link.partition("?token=")
        kept = until(lambda: app.belay.item(f"THREAD#{wanted.data['thread']}", "MESSAGE#000002"))
        assert "APPROVAL NEEDED" in kept["document"]
        assert token not in kept["document"], "whoever may read the ledger could answer with it"

        opened = [self.send("GET", link), self.send("HEAD", link), self.send("GET", link)]
        forged = self.send("POST", url, token=token[:-4] + "AAAA", decision="approve")
        undecided = self.send("POST", url, token=token)

        assert [status for status, _ in opened] == [200, 405, 200]
        assert "would add 1 of its resources" in opened[0][1]
        assert (forged[0], undecided[0]) == (403, 400)
        assert "answer" not in app.belay.asked(app.name)

        status, page = self.send("POST", url, token=token, decision="approve", comment="from the train")

        assert status == 200
        assert "approved by a signed link: from the train" in page
        assert self.send("POST", url, token=token, decision="reject")[0] in (409, 410)
        assert app.belay.ended(upload)["outcome"] == "DEPLOYED"
        assert self.send("GET", link)[0] in (409, 410)

    def test_no_link_where_another_person_has_to_approve(self, application: Applications) -> None:
        app = application(approval={"required": True, "four_eyes": True})
        upload = app.belay.upload(app.release())
        app.belay.asked(app.name)

        _, wanted = until(app.received, lambda messages: len(messages) == 2)

        assert "Without the command" not in wanted.text
        assert app.belay.decide({"decision": "reject"}, app.name)[0] == 200
        assert app.belay.ended(upload)["outcome"] == "ABORTED"

    @staticmethod
    def send(method: str, url: str, **form: str) -> tuple[int, str]:
        """Send a request as a browser does; return its status and the page."""
        request = urllib.request.Request(url, method=method, data=urlencode(form).encode() if form else None)
        try:
            with urllib.request.urlopen(request) as answer:
                assert answer.headers["content-security-policy"].startswith("default-src 'none'")
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
