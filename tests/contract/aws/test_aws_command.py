"""The ``belay`` command on an AWS simulated by moto: its reads, its actions, its output and its exit status."""

import io
import json
import random
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import yaml
from botocore.credentials import Credentials
from simulated_ledger import accepted, bring, end, end_stage
from test_aws_unfinished import INCIDENT, NOW, RELEASE, ROLE, UPLOAD, House

from belay import VERSION
from belay.approval.asked import AskedApproval, GivenAnswer
from belay.approval.request import ApprovalText
from belay.approval.seal import Seal
from belay.aws import function_url
from belay.aws.clock import lease
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.database.executor import ChangeOutcome
from belay.database.forecast import DatabaseForecast, ForecastChange
from belay.errors import AccessDenied
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt
from belay.release.life import Occurrence, State
from belay.release.lock import Claim
from belay.release.reason import from_document
from belay.release.records import Outcome, upload_of
from belay.release.stack_claim import StackClaim
from belay.stack.plan import Progress, StackPlan, StagePlan
from belay.subject.incident import Incident
from belay.subject.names import incident_of
from belay.subject.subjects import AskedRollback, ReleaseAttempt
from cli import decision
from cli.__main__ import main
from cli.build import build_release

DEFINITION = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Wait", "Seconds": 3600, "End": True}}})
SEAL = "0123456789ab" + "5" * 52
LATER = "2026-01-01T10:05:00.000+00:00"
MUCH_LATER = "2026-01-01T11:00:00.000+00:00"
STACK = "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-network/6a7e8fe0"


class Office(House):
    """A House that people use through the command: the stack's outputs, the state machines, the pause."""

    def __init__(self, simulated: Callable[[str], Any]) -> None:
        super().__init__(simulated)
        self.s3.create_bucket(Bucket="releases-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.s3.put_bucket_versioning(Bucket="releases-bucket", VersioningConfiguration={"Status": "Enabled"})
        self.ssm.put_parameter(Name="/belay/paused", Value="false", Type="String")
        self.logs = simulated("logs")
        self.logs.create_log_group(logGroupName="/aws/vendedlogs/belay")
        for name in ("deploy-release", "deploy-stage", "plan-release", "forecast-changes"):
            self.states.create_state_machine(name=f"belay-{name}", definition=DEFINITION, roleArn=ROLE)
        machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-{}".format
        outputs = {
            "Version": VERSION,
            "LedgerTableName": "ledger",
            "ArtifactBucketName": "artifacts",
            "ReleaseBucketName": "releases-bucket",
            "PauseParameterName": "/belay/paused",
            "LogGroupName": "/aws/vendedlogs/belay",
            "SweepFunctionName": "belay-sweep",
            "ServiceRolePolicyArn": "arn:aws:iam::123456789012:policy/belay-ServiceRolePolicy",
            "DecisionUrl": "https://decide.example/",
            "RollbackUrl": "https://rollback.example/",
            "DeployReleaseStateMachineArn": machine("deploy-release"),
            "DeployStageStateMachineArn": machine("deploy-stage"),
            "ForecastChangesStateMachineArn": machine("forecast-changes"),
            "PlanReleaseStateMachineArn": machine("plan-release"),
            "RollbackStageStateMachineArn": machine("rollback-stage"),
        }
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        simulated("cloudformation").create_stack(StackName="belay", TemplateBody=json.dumps(template))

    def deploy(self, stage: str, state: State, about: str = "") -> str:
        """Take the accepted release into a stage, whose execution is running; return the execution."""
        self.accept()
        bring(self.ledger, RELEASE, stage, state, about=about, now=LATER)
        document = json.dumps({"release": RELEASE.to_dict(), "stage": stage})
        arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-deploy-stage"
        started = self.states.start_execution(stateMachineArn=arn, name=f"{RELEASE.attempt}-{stage}", input=document)
        return str(started["executionArn"])

    def forecast(self, started_by: str) -> None:
        """Forecast the accepted release's database changes in production, for an execution."""
        document = {"release": RELEASE.to_dict(), "stage": "production", "basis": "copy"}
        document |= {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": started_by}
        arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-forecast-changes"
        name = started_by.rpartition(":")[2]
        self.states.start_execution(stateMachineArn=arn, name=name, input=json.dumps(document))

    def ask(self, token: str = "token") -> None:
        """Request approval of the release in production."""
        told = ApprovalText(
            what="orders 1.0.0 would delete 1.",
            until=LATER,
            changes=("network: DELETES Vpc",),
            more={"Policies": ("PASS",)},
            answers={},
            report="belay show orders/1.0.0 --report",
        )
        self.artifacts.put_json(RELEASE.stage_key("production", "approval.json"), told.to_dict())
        times = {"requested_at": NOW, "expires_at": LATER}
        asked = AskedApproval(
            "production", RELEASE.attempt, token, **times, four_eyes=False, digest=SEAL, seal=Seal({})
        )
        self.ledger.approvals.ask(RELEASE, asked)
        if self.attempt().state is State.ACCEPTED:
            bring(self.ledger, RELEASE, "production", State.AWAITING_APPROVAL)

    def lock(self, execution: str, incident: str | None = None) -> None:
        claim = replace(Claim.of_release(RELEASE, "production", execution), incident=incident)
        self.ledger.locks.acquire(claim, expires_at=1_767_261_600, seen=None, now=NOW)


@pytest.fixture
def office(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    return Office(simulated)


Belay = Callable[..., tuple[int, str, str]]


@pytest.fixture
def belay(capsys: pytest.CaptureFixture[str]) -> Belay:
    """``belay("status", "orders")`` is the exit status, the output and the error output."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()  # earlier output of functions is not the command's
        status = main(list(words))
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def document(belay: Belay, *words: str) -> dict[str, Any]:
    status, out, err = belay(*words, "--output", "json")
    assert status == 0, err
    read: dict[str, Any] = json.loads(out)
    return read


# -- see ---------------------------------------------------------------------------------------------------------------


def test_nothing_goes_on(office: Office, belay: Belay) -> None:
    assert belay("status") == (0, "Nothing is running, waiting or held.\n", "")


def test_a_stage_without_its_report_is_refused(belay: Belay) -> None:
    assert belay("show", "orders", "--stage", "production")[0] == 1


def test_an_application_that_nobody_knows_is_no_idle_one(office: Office, belay: Belay) -> None:
    status, out, err = belay("status", "ordres")
    assert (status, out) == (1, "")
    assert "ordres is not an application; registered: orders" in err


def test_an_upload_is_shown_before_it_is_opened_and_followed_from_there(
    office: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened after the first read, asked about after that, then ended."""
    put = office.s3.put_object(Bucket="releases-bucket", Key="releases/orders/orders-1.0.0.zip", Body=b"zip")
    upload = upload_of("orders", "releases-bucket", "releases/orders/orders-1.0.0.zip", put["VersionId"], 3)
    looks: list[float] = []

    def go_on(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 1:
            release = accepted(office.ledger, upload, "1.0.0")
            bring(office.ledger, release, "production", State.AWAITING_APPROVAL)
            asked = AskedApproval("production", release.attempt, "t", NOW, LATER, True, SEAL, Seal({}))
            office.ledger.approvals.ask(release, asked)
        if len(looks) == 2:
            attempt = office.ledger.attempts.get(upload)
            assert attempt is not None
            office.ledger.attempts.close(attempt, Outcome.REJECTED, from_document("SSH is open"), LATER)
            office.ledger.attempts.announced(attempt)
        assert len(looks) < 4, "nothing goes on any more"

    monkeypatch.setattr("cli.follow.time", SimpleNamespace(sleep=go_on))
    (arriving,) = document(belay, "status", "orders")["arriving"]
    assert arriving["upload"] == upload.key
    assert "UPLOADED, NOT OPENED YET" in belay("status")[1]
    status, out, _ = belay("status", "orders", "--watch")
    assert status == 0
    told = out.splitlines()
    assert "UPLOADED, NOT OPENED YET" in told[0]
    assert any("orders/1.0.0  production  waits for a person: an approval in production" in each for each in told)
    assert any("but not the uploader (four eyes)" in each for each in told)
    assert told[-2:] == ["orders/1.0.0: REJECTED", "SSH is open"]
    assert document(belay, "status", "orders")["arriving"] == []


def test_watching_ends_where_nothing_goes_on(office: Office, belay: Belay) -> None:
    assert belay("status", "--watch") == (0, "Nothing is running, waiting or held.\n", "")
    office.ssm.put_parameter(Name="/belay/paused", Value="true", Overwrite=True)
    assert belay("status", "--watch")[1].startswith("Releases are paused")


def test_what_runs_waits_and_is_held(office: Office, belay: Belay) -> None:
    execution = office.deploy("production", State.EXECUTING, "network")
    office.lock(execution)
    office.ledger.uploads.hold(UPLOAD, {}, NOW)
    office.ledger.locks.wait(Claim.of_release(RELEASE, "production", "e"), lease(0))
    office.ssm.put_parameter(Name="/belay/paused", Value="true", Overwrite=True)
    found = document(belay, "status")
    assert found["asks"] == []
    (release,) = found["releases"]
    assert (release["release"], release["stage"], release["state"]) == (
        "orders/1.0.0",
        "production",
        "EXECUTING network",
    )
    assert execution in release["executions"]
    (lock,) = found["locks"]
    assert (lock["application"], lock["stage"], lock["version"], lock["since"]) == (
        "orders",
        "production",
        "1.0.0",
        NOW,
    )
    assert found["paused"] is True
    assert found["queue"] == [{"release": "orders/1.0.0", "stage": "production"}]
    assert found["held"] == [{"upload": UPLOAD.key, "since": NOW}]
    assert found["uploads"] == [], "the upload is the release"
    office.ssm.put_parameter(Name="/belay/applications/payments/production", Value="{}", Type="String")
    other = document(belay, "status", "payments")
    assert not [kind for kind in ("releases", "locks", "queue", "held") if other[kind]]


def test_an_incident_that_is_being_recovered(office: Office, belay: Belay) -> None:
    office.in_stage()
    office.incidents.open_for_release(RELEASE, "production", from_document("no capacity"))
    (incident,) = document(belay, "status", "orders")["incidents"]
    assert (incident["incident"], incident["stage"], incident["reason"]) == (INCIDENT, "production", "no capacity")
    assert "no capacity" in belay("status")[1]


def test_what_waits_for_a_person_comes_with_the_command_that_answers(office: Office, belay: Belay) -> None:
    office.deploy("production", State.AWAITING_APPROVAL)
    office.ask()
    office.incidents.open_for_release(RELEASE, "production", from_document("no capacity"))
    office.ledger.decisions.ask("orders", INCIDENT, "restore", "Restore the database?", NOW)
    approval, question = document(belay, "status")["asks"]
    assert approval["answer"] == "belay approve orders/1.0.0 --stage production"
    assert question["answer"] == f"belay approve orders --incident {INCIDENT} --question restore"
    assert question["what"] == "Restore the database?"
    (incident,) = document(belay, "show", "orders")["incidents"]
    assert [each["question"] for each in incident["questions"]] == ["restore"]
    office.ledger.decisions.decide("orders", INCIDENT, "restore", approved=True, by="user/ann", at=NOW)
    assert [each["what"] for each in document(belay, "status")["asks"]] == ["approval"]


def test_applications_stages_and_releases(office: Office, belay: Belay) -> None:
    office.accept()
    end_stage(office.ledger, RELEASE, now=LATER)
    end(office.ledger, RELEASE, Outcome.DEPLOYED)
    (application,) = document(belay, "list")["applications"]
    assert application["application"] == "orders"
    assert {each["stage"]: each["runs"] for each in application["stages"]} == {"test": None, "production": "1.0.0"}
    assert [(each["version"], each["outcome"]) for each in application["attempts"]] == [("1.0.0", "DEPLOYED")]
    assert "production  1.0.0  1        2026-01-01 10:05:00 UTC" in belay("list", "orders")[1]
    status, _, err = belay("list", "payments")
    assert (status, err) == (1, "belay: payments is not registered; registered: orders\n")


def test_one_release_with_all_there_is(office: Office, belay: Belay) -> None:
    office.deploy("production", State.EXECUTING, "network")
    stack = StackPlan("network", "orders-network", progress=Progress.EXECUTED, changes=("adds Vpc (AWS::EC2::VPC)",))
    plan = StagePlan((stack,), None)
    office.artifacts.put_json(RELEASE.stage_key("production", "plan.json"), plan.to_dict())
    office.ask("a-secret-token")
    office.incidents.open_for_release(RELEASE, "production", from_document("no capacity"))
    found = document(belay, "show", "orders")
    assert found["release"] == "orders/1.0.0"
    states = [each["state"] for each in found["timeline"]]
    assert (states[0], states[-1]) == ("ACCEPTED", "RECOVERING")
    assert "EXECUTING network" in states
    assert found["stages"][0]["changes"] == ["network (orders-network):", "  adds Vpc (AWS::EC2::VPC)"]
    assert [each["stage"] for each in found["approvals"]] == ["production"]
    assert [each["incident"] for each in found["incidents"]] == [INCIDENT]
    _, out, _ = belay("show", "orders/1.0.0")
    assert "a-secret-token" not in out + json.dumps(found)
    assert "no capacity" in out


def test_a_deployed_release_that_is_pushed_again_and_refused_still_runs(office: Office, belay: Belay) -> None:
    office.accept()
    office.ask()
    approved, rejected = (GivenAnswer(word, "ann", NOW, seal=SEAL) for word in ("approve", "reject"))
    assert office.ledger.approvals.answer(RELEASE, "production", approved)
    end_stage(office.ledger, RELEASE, now=NOW)
    end(office.ledger, RELEASE, Outcome.DEPLOYED)
    again = accepted(office.ledger, replace(UPLOAD, version_id="v2"), "1.0.0", RELEASE.digest, now=LATER)
    asked = AskedApproval("production", again.attempt, "t", NOW, LATER, four_eyes=False, digest=SEAL, seal=Seal({}))
    office.ledger.approvals.ask(again, asked)
    assert office.ledger.approvals.answer(again, "production", rejected)
    end(office.ledger, again, Outcome.ABORTED, "rejected by ann", now=LATER)
    (application,) = document(belay, "list")["applications"]
    production = next(each for each in application["stages"] if each["stage"] == "production")
    assert (production["runs"], production["number"], production["attempt"]) == ("1.0.0", 1, RELEASE.attempt)
    assert [each["outcome"] for each in application["attempts"]] == ["ABORTED", "DEPLOYED"]
    newest, first = document(belay, "show", "orders/1.0.0"), document(belay, "show", "orders/1.0.0", "--attempt", "1")
    assert [(each["number"], each["outcome"]) for each in (newest, first)] == [(2, "ABORTED"), (1, "DEPLOYED")]
    answers = [[asked["answer"] for asked in each["approvals"]] for each in (newest, first)]
    assert answers == [[rejected.to_dict()], [approved.to_dict()]]
    assert document(belay, "show", "orders", "--attempt", RELEASE.attempt) == first
    assert "has no attempt 3; its attempts are 1 (" in belay("show", "orders/1.0.0", "--attempt", "3")[2]


def test_a_release_that_was_taken_back_keeps_its_outcome_and_may_be_tried_again(office: Office, belay: Belay) -> None:
    put = office.s3.put_object(Bucket="releases-bucket", Key=UPLOAD.key, Body=b"zip")
    before = accepted(office.ledger, replace(UPLOAD, key="releases/orders/0.9.0.zip"), "0.9.0")
    end_stage(office.ledger, before, now=NOW)
    end(office.ledger, before, Outcome.DEPLOYED)
    release = accepted(office.ledger, replace(UPLOAD, version_id=put["VersionId"]), "1.0.0", now=LATER)
    end_stage(office.ledger, release, now=LATER)
    end(office.ledger, release, Outcome.DEPLOYED)
    assert belay("retry", "orders")[::2] == (1, "belay: orders is deployed, so it cannot be retried\n")
    office.ledger.stages.went_back("orders", "production", before, "orders-production-asked", "user/ann", MUCH_LATER)
    (application,) = document(belay, "list")["applications"]
    production = next(each for each in application["stages"] if each["stage"] == "production")
    assert (production["runs"], production["incident"]) == ("0.9.0", "orders-production-asked")
    newest = application["attempts"][0]
    back = {"at": MUCH_LATER, "incident": "orders-production-asked", "by": "user/ann"}
    assert (newest["version"], newest["outcome"], newest["taken_back"]) == ("1.0.0", "DEPLOYED", back)
    assert "DEPLOYED, rolled back 2026-01-01 11:00:00 UTC by user/ann" in belay("list", "orders")[1]
    assert "rolled back 2026-01-01 11:00:00 UTC by user/ann, incident orders-prod" in belay("show", "orders/1.0.0")[1]
    assert document(belay, "retry", "orders/1.0.0")["of"] == put["VersionId"]


def test_a_release_that_only_its_first_stage_left_may_be_tried_again(office: Office, belay: Belay) -> None:
    put = office.s3.put_object(Bucket="releases-bucket", Key=UPLOAD.key, Body=b"zip")
    upload = replace(UPLOAD, version_id=put["VersionId"])
    release = accepted(office.ledger, upload, "1.0.0", waves=(("test",), ("production",)))
    for stage in ("test", "production"):
        end_stage(office.ledger, release, stage, now=LATER)
    end(office.ledger, release, Outcome.DEPLOYED)
    assert belay("retry", "orders")[::2] == (1, "belay: orders is deployed, so it cannot be retried\n")
    office.ledger.stages.went_back("orders", "test", None, "orders-test-asked", "user/ann", MUCH_LATER)
    assert document(belay, "retry", "orders/1.0.0")["of"] == put["VersionId"]


def test_a_release_shows_the_rollback_that_a_person_asked_for(office: Office, belay: Belay) -> None:
    office.accept()
    asked = replace(RELEASE, attempt="ask0a1b2c3d4")
    subject = AskedRollback(asked, "production", None, "user/ann", target=None, stood_on=None)
    incident = Incident(incident_of(asked.origin, "production"), subject, from_document("ann asked to go back"), ROLE)
    office.ledger.incidents.open(incident, LATER)
    office.ledger.attempts.note(RELEASE, Occurrence.ROLLBACK_ASKED, LATER, stage="production", incident=incident.name)
    (found,) = document(belay, "show", "orders/1.0.0")["incidents"]
    assert (found["incident"], found["reason"]) == (incident.name, "ann asked to go back")
    assert from_document(found["reason_data"]) == incident.reason


def test_an_upload_that_became_no_release_is_shown_by_its_version_or_file_name(office: Office, belay: Belay) -> None:
    office.ledger.attempts.claim(UPLOAD, "execution-1", NOW)
    office.ledger.attempts.note_version(UPLOAD, "1.0.0")
    office.ledger.attempts.close(office.attempt(), Outcome.REJECTED, from_document("unknown key 'colour'"), LATER)
    (application,) = document(belay, "list")["applications"]
    assert [(each["version"], each["outcome"]) for each in application["attempts"]] == [("1.0.0", "REJECTED")]
    for name in ("orders/1.0.0", "orders/1.0.0.zip"):
        status, out, _ = belay("show", name)
        assert status == 0
        assert "REJECTED" in out
        assert "unknown key 'colour'" in out


def test_a_release_that_is_not_there_says_which_are(office: Office, belay: Belay) -> None:
    assert belay("show", "orders/9.9.9")[2] == ("belay: orders has no releases; see `belay list`\n")
    office.accept()
    assert belay("show", "orders/9.9.9")[::2] == (
        1,
        "belay: orders has no release 9.9.9; its newest are 1.0.0\n",
    )


def test_the_report_is_saved_and_opened(office: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch) -> None:
    office.accept()
    assert "has no report" in belay("show", "orders", "--report")[2]
    office.artifacts.put_bytes(RELEASE.stage_key("production", "report.html"), b"<html>what would change</html>")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    file = Path(document(belay, "show", "orders", "--report")["file"])
    assert file.read_bytes() == b"<html>what would change</html>"
    assert opened == [], "a program opens no browser"
    status, out, _ = belay("show", "orders", "--report", "--stage", "production")
    assert (status, len(opened)) == (0, 1)
    assert out.startswith("saved "), "no browser could be opened"


def test_the_forecast_is_shown_as_text_as_data_and_as_a_page(office: Office, belay: Belay) -> None:
    office.accept()
    assert "has no forecast" in belay("show", "orders", "--forecast")[2]
    found = Finding("db/1.sql", "t", "grant", Verdict.REVIEW, Severity.LOW, 1, 1, "", "It grants.", "Revoke it.")
    elsewhere = replace(found, path="templates/network.yaml")
    change = ForecastChange("1", "ann", "db/1.sql", 1, 2, "d" * 64, "GRANT x TO y;", outcome=ChangeOutcome.APPLIED)
    forecast = DatabaseForecast("instance orders-db", "copy", (change,))
    office.artifacts.put_json(RELEASE.stage_key("production", "forecast.json"), forecast.to_dict())
    office.artifacts.put_json(
        RELEASE.stage_key("production", "static-report.json"), Report((found, elsewhere)).to_json()
    )

    shown = document(belay, "show", "orders", "--forecast")
    assert (shown["stage"], shown["verdict"], shown["findings"]) == ("production", "REVIEW", [])
    assert [each["policy"] for each in shown["changes"][0]["findings"]] == ["grant"]
    status, out, _ = belay("show", "orders", "--forecast", "--stage", "production")
    assert status == 0
    assert "REVIEW  1  db/1.sql:1" in out
    page = Path(out.split("saved ")[1].strip()).read_text()
    assert "It grants." in page
    assert page.startswith("<!doctype html>")


def test_what_was_logged_about_a_release(office: Office, belay: Belay) -> None:
    office.accept()
    group = "/aws/vendedlogs/belay"
    office.logs.create_log_stream(logGroupName=group, logStreamName="s")
    lines = [
        {"level": "INFO", "message": "begins", "function": "PlanStage", "stage": "test", "attempt": RELEASE.attempt},
        {"level": "ERROR", "message": "failed", "attempt": RELEASE.attempt, "exception": "Traceback\nAccessDenied: no"},
        {"level": "INFO", "message": "of another", "attempt": "000000000000"},
    ]
    begin = int(time.time() * 1000)  # CloudWatch Logs rejects events older than two weeks
    events = [{"timestamp": begin + n, "message": json.dumps(line)} for n, line in enumerate(lines)]
    office.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    entries = document(belay, "logs", "orders")["entries"]
    assert [entry["message"] for entry in entries] == ["begins", "failed"]
    _, out, _ = belay("logs", "orders", "--errors")
    assert "AccessDenied: no" in out
    assert "begins" not in out


# -- act ---------------------------------------------------------------------------------------------------------------


def zipped(tmp_path: Path, code: bytes) -> Path:
    source = tmp_path / "release"
    source.mkdir()
    manifest = {"application": "orders", "version": "1.0.0", "stacks": [{"name": "network", "template": "n.json"}]}
    (source / "release.yaml").write_text(yaml.safe_dump(manifest))
    (source / "n.json").write_text(json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}))
    (source / "code.bin").write_bytes(code)
    return build_release(source, tmp_path / "orders.zip").path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return zipped(tmp_path, b"code")


def test_a_release_is_pushed_to_its_application(office: Office, belay: Belay, archive: Path) -> None:
    found = document(belay, "release", "push", str(archive))
    key = "releases/orders/orders-1.0.0.zip"
    assert (found["release"], found["bucket"], found["key"]) == ("orders/1.0.0", "releases-bucket", key)
    answer = office.s3.get_object(Bucket="releases-bucket", Key=key, VersionId=found["version_id"])
    assert answer["Body"].read() == archive.read_bytes()
    assert "belay status orders --watch" in belay("release", "push", str(archive))[1]


def test_a_large_release_is_pushed_in_one_request(office: Office, belay: Belay, tmp_path: Path) -> None:
    archive = zipped(tmp_path, random.Random(1).randbytes(9 * 1024 * 1024))
    found = document(belay, "release", "push", str(archive))
    head = office.s3.head_object(Bucket="releases-bucket", Key=found["key"])
    assert head["ContentLength"] > 8 * 1024 * 1024, "that is where boto3 begins to upload in parts"
    # S3 names the number of parts after the ETag of an object that was uploaded in parts.
    assert "-" not in head["ETag"]


def test_what_would_be_refused_is_not_pushed(office: Office, belay: Belay, tmp_path: Path) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as made:
        made.writestr("release.yaml", "application: orders\ncolour: red\n")
    status, _, err = belay("release", "push", str(bad))
    assert status == 1
    assert "nothing was uploaded" in err
    assert "colour" in err
    assert belay("release", "push", str(tmp_path / "none.zip"))[0] == 1
    assert "Contents" not in office.s3.list_objects_v2(Bucket="releases-bucket")


UNREGISTERED = {
    ("orders", None): "the application 'orders' is not registered",
    ("orders/production", None): "the parameter /belay/applications/orders/production does not exist",
    ("orders/production", "stacks: 1"): "stage orders/production: stacks",
    ("orders/production", f"service_role: {ROLE}\nstacks: {{web: {{name: w}}}}"): "registered are web",
}


@pytest.mark.parametrize("registered", UNREGISTERED)
def test_what_is_not_registered_is_not_pushed(
    office: Office, belay: Belay, archive: Path, registered: tuple[str, str | None]
) -> None:
    name, text = f"/belay/applications/{registered[0]}", registered[1]
    if text is None:
        office.ssm.delete_parameter(Name=name)
    else:
        office.ssm.put_parameter(Name=name, Value=text, Overwrite=True)
    status, _, err = belay("release", "push", str(archive))
    assert status == 1
    assert err.startswith("belay: nothing was uploaded; Belay would refuse it:\n")
    assert UNREGISTERED[registered] in err
    assert "Contents" not in office.s3.list_objects_v2(Bucket="releases-bucket")


def test_who_may_not_look_at_registrations_is_told_and_pushes_all_the_same(
    office: Office, belay: Belay, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AccessDenied("SSM.GetParameter", "AccessDenied", "not you")

    monkeypatch.setattr(ParameterStore, "get_parameter", refuse)
    status, _, err = belay("release", "push", str(archive))
    assert status == 0
    assert err.startswith(
        "belay: the registration could not be checked, Belay will do it: these credentials may not call ssm"
    )
    assert "Contents" in office.s3.list_objects_v2(Bucket="releases-bucket")


def test_a_file_that_is_not_what_its_digest_says_is_not_pushed(
    office: Office, belay: Belay, archive: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(archive) as built, zipfile.ZipFile(other, "w") as made:
        for name in built.namelist():
            made.writestr(name, b"CODE" if name == "code.bin" else built.read(name))
    status, _, err = belay("release", "push", str(other))
    assert status == 1
    assert "nothing was uploaded:\n'code.bin': expected SHA-256" in err
    assert "Contents" not in office.s3.list_objects_v2(Bucket="releases-bucket")


def test_a_push_that_waits_tells_the_outcome(
    office: Office, belay: Belay, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Attempt(UPLOAD, "e1", NOW, outcome=Outcome.REJECTED, reason=from_document("SSH is open"), announced=True)
    monkeypatch.setattr("belay.ledger.attempts.AttemptRecords.get", lambda *_: ended)
    status, out, _ = belay("release", "push", str(archive), "--wait")
    assert status == 1
    assert out.splitlines()[-2:] == ["orders/1.0.0: REJECTED", "SSH is open"]
    found = json.loads(belay("release", "push", str(archive), "--until", "approval", "--output", "json")[1])
    assert (found["outcome"], found["reason"], found["waits_for"]) == ("REJECTED", "SSH is open", [])


def test_a_push_that_waits_for_the_approval_only_says_what_is_asked(
    office: Office, belay: Belay, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.deploy("production", State.AWAITING_APPROVAL)
    office.ask()
    waiting = office.attempt()
    monkeypatch.setattr("belay.ledger.attempts.AttemptRecords.get", lambda *_: waiting)
    status, out, _ = belay("release", "push", str(archive), "--until", "approval")
    assert (status, out.splitlines()[-1]) == (0, "orders/1.0.0 waits for an approval in production")
    assert "production  belay approve orders/1.0.0 --stage production --seal 0123456789ab\n" in out


def test_a_running_stage_is_stopped_and_says_who_did(office: Office, belay: Belay) -> None:
    execution = office.deploy("production", State.EXECUTING, "network")
    status, out, _ = belay("abort", "orders/1.0.0", "--comment", "wrong build")
    assert status == 0
    assert "is being rolled back" in out
    assert office.states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert belay("abort", "orders")[::2] == (
        1,
        "belay: orders/1.0.0 has no running execution; the sweep ends it within five minutes\n",
    )


def in_a_wave(office: Office, wave_failure: Literal["stage", "wave"] = "stage") -> dict[str, str]:
    """A release in three stages of one wave: two are deploying now, one waits for a person. Returns the executions."""
    office.accept(waves=(("eu", "us", "production"),))
    release = AcceptedRelease.from_dict(office.artifacts.require_json(RELEASE.document_key))
    stages = {each: replace(release.stages["production"], name=each) for each in ("eu", "us", "production")}
    application = replace(release.application, wave_failure=wave_failure)
    registered = replace(release, application=application, stages=stages)
    office.artifacts.put_json(RELEASE.document_key, registered.to_dict())
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-deploy-stage"
    started = {}
    for stage, state in (("eu", State.EXECUTING), ("us", State.EXECUTING), ("production", State.AWAITING_APPROVAL)):
        bring(office.ledger, RELEASE, stage, state, now=LATER)
        name = f"{RELEASE.attempt}-{stage}"
        started[stage] = office.states.start_execution(stateMachineArn=machine, name=name)["executionArn"]
    office.ask()
    return started


def statuses(office: Office, started: Mapping[str, str]) -> dict[str, str]:
    return {stage: office.states.describe_execution(executionArn=each)["status"] for stage, each in started.items()}


def test_every_stage_that_is_being_deployed_is_stopped_and_none_that_waits_for_people(
    office: Office, belay: Belay
) -> None:
    started = in_a_wave(office)

    status, out, _ = belay("abort", "orders/1.0.0", "--output", "json")

    found = json.loads(out)
    assert {found["stopped"], *found["also_stopped"]} == {started["eu"], started["us"]}
    assert found["others"] == ["production continues"]
    assert status == 0
    assert statuses(office, started) == {"eu": "ABORTED", "us": "ABORTED", "production": "RUNNING"}


@pytest.mark.parametrize(
    ("registered", "others"),
    [
        ("stage", ["us continues", "production continues"]),
        (
            "wave",
            [
                f"{each} continues, and is rolled back with eu, as registered (wave_failure: wave)"
                for each in ("us", "production")
            ],
        ),
    ],
)
def test_one_stage_of_a_wave_is_stopped_and_it_is_said_what_becomes_of_the_others(
    office: Office, belay: Belay, registered: Literal["stage", "wave"], others: list[str]
) -> None:
    started = in_a_wave(office, registered)

    status, out, _ = belay("abort", "orders/1.0.0", "--stage", "eu")

    assert (status, out.splitlines()[:-1]) == (
        0,
        ["orders/1.0.0 is stopped in eu; what it changed is being rolled back", *others],
    )
    assert statuses(office, started) == {"eu": "ABORTED", "us": "RUNNING", "production": "RUNNING"}
    assert "no running execution in eu; the sweep" in belay("abort", "orders", "--stage", "eu")[2]


def test_a_stage_that_is_not_being_deployed_is_not_stopped(office: Office, belay: Belay) -> None:
    started = in_a_wave(office)
    assert "belay reject orders/1.0.0 --stage production" in belay("abort", "orders", "--stage", "production")[2]
    assert office.ledger.attempts.end_stage(RELEASE, "eu", Outcome.DEPLOYED, good=True, fencing=None, now=LATER)
    assert belay("abort", "orders", "--stage", "eu")[::2] == (
        1,
        "belay: orders/1.0.0 has ended in eu: DEPLOYED; it is under way in us and production\n",
    )
    assert "has not entered asia; it is under way in us" in belay("abort", "orders", "--stage", "asia")[2]
    assert set(statuses(office, started).values()) == {"RUNNING"}
    out = belay("abort", "orders", "--stage", "us")[1]
    assert "eu is deployed, and stays so\nproduction continues\n" in out


def test_of_several_rollbacks_one_is_chosen_to_be_stopped(office: Office, belay: Belay) -> None:
    in_a_wave(office)
    machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-rollback-stage"
    started = {}
    for stage in ("eu", "us"):
        incident = incident_of(RELEASE.origin, stage)
        started[stage] = office.states.start_execution(stateMachineArn=machine, name=incident)["executionArn"]
        claim = Claim("orders", stage, RELEASE.attempt, "1.0.0", started[stage], incident)
        assert office.ledger.locks.acquire(claim, expires_at=4102444800, seen=None, now=NOW) == 1
        subject = ReleaseAttempt(RELEASE, stage, None)
        assert office.ledger.attempts.recover(
            RELEASE, stage, Incident(incident, subject, from_document("no capacity"), ROLE), NOW
        )
        office.ledger.incidents.follow(incident, started[stage], NOW)

    assert belay("abort", "orders", "--recovery")[::2] == (
        1,
        "belay: rollbacks are running in us and eu: choose one with --stage\n",
    )
    assert (
        "no rollback is running in production of orders"
        in (belay("abort", "orders", "--recovery", "--stage", "production")[2])
    )
    found = json.loads(belay("abort", "orders", "--recovery", "--stage", "eu", "--output", "json")[1])
    assert (found["stage"], found["stopped"], found["also_stopped"]) == ("eu", started["eu"], [])
    assert statuses(office, started) == {"eu": "ABORTED", "us": "RUNNING"}
    told = belay("abort", "orders", "--recovery")[1]
    assert "orders/1.0.0: its rollback in us is stopped; the rest is left to a person" in told


def test_an_abort_that_waits_tells_what_it_came_to(
    office: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.deploy("production", State.EXECUTING, "network")

    def roll_back(seconds: float) -> None:
        end(office.ledger, RELEASE, Outcome.ROLLED_BACK)
        office.ledger.attempts.announced(office.attempt())

    monkeypatch.setattr("cli.follow.time", SimpleNamespace(sleep=roll_back))
    status, out, _ = belay("abort", "orders/1.0.0", "--wait")
    assert status == 0
    told = out.splitlines()
    assert told[0] == "orders/1.0.0 is stopped; what it changed is being rolled back"
    assert any("orders/1.0.0  production  EXECUTING network" in each for each in told)
    assert "orders/1.0.0: ROLLED_BACK" in told


@pytest.mark.parametrize(("outcome", "expected"), [(Outcome.ROLLED_BACK, 0), (Outcome.NEEDS_OPERATOR, 1)])
def test_a_rollback_that_waits_tells_what_it_came_to(
    office: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, expected: int
) -> None:
    office.accept()
    assert office.incidents.open_for_release(RELEASE, "production", from_document("no capacity")) == INCIDENT
    answer = {"incident": INCIDENT, "execution": "arn", "plan": {}, "lines": ["network: update it back"]}
    monkeypatch.setattr(decision, "post_signed", lambda *_: (200, answer))

    def finish(seconds: float) -> None:
        record = office.ledger.incidents.get("orders", INCIDENT)
        assert record is not None
        office.ledger.incidents.close(record.incident, outcome, from_document("done"), LATER)

    monkeypatch.setattr("cli.follow.time", SimpleNamespace(sleep=finish))
    status, out, _ = belay("rollback", "orders", "production", "--wait", "--output", "json")
    found = json.loads(out)
    assert (status, found["outcome"], found["lines"]) == (expected, outcome, ["network: update it back"])


def test_another_version_of_belay_waits_for_what_is_at_work(
    office: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"deploy-stage": ("ExecuteWave", NOW)}

    def state(self: Executions, execution: str) -> tuple[str, datetime] | None:
        found = next((found for machine, found in states.items() if machine in execution), None)
        return found and (found[0], datetime.fromisoformat(found[1]))

    monkeypatch.setattr(Executions, "state", state)
    assert belay("upgrade", "check")[:2] == (0, "Nothing is running: another version of Belay can be deployed.\n")
    stage = office.deploy("production", State.EXECUTING, "network")
    status, out, _ = belay("upgrade", "check")
    assert status == 1
    assert "orders/1.0.0  production  ExecuteWave" in out
    assert belay("upgrade", "check", "--stack", "not-there") == (0, "", "")
    states["deploy-stage"] = ("RequestApproval", NOW)
    assert belay("upgrade", "check")[0] == 0, "what waits is continued"
    states["forecast-changes"] = ("DeleteCopy", NOW)
    office.forecast(stage)
    assert belay("upgrade", "check")[0] == 0, "a stage waits for this forecast"
    office.forecast("arn:aws:states:eu-west-1:123456789012:execution:belay-deploy-stage:stopped")
    status, out, _ = belay("upgrade", "check")
    assert status == 1
    assert "orders/1.0.0  production  DeleteCopy" in out


def test_what_has_ended_waits_or_is_recovered_is_not_aborted(office: Office, belay: Belay) -> None:
    office.deploy("production", State.AWAITING_APPROVAL)
    office.ask()
    assert "belay reject orders/1.0.0 --stage production" in belay("abort", "orders")[2]
    office.incidents.open_for_release(RELEASE, "production", from_document("no capacity"))
    assert "is already being rolled back" in belay("abort", "orders")[2]
    end(office.ledger, RELEASE, Outcome.ROLLED_BACK, "no capacity")
    assert "has ended: ROLLED_BACK" in belay("abort", "orders")[2]


def test_a_release_that_ended_badly_is_tried_again(office: Office, belay: Belay) -> None:
    put = office.s3.put_object(Bucket="releases-bucket", Key=UPLOAD.key, Body=b"zip")
    release = accepted(office.ledger, replace(UPLOAD, version_id=put["VersionId"]), "1.0.0")
    assert "has not ended yet" in belay("retry", "orders")[2]
    end(office.ledger, release, Outcome.ROLLED_BACK, "no capacity")
    found = document(belay, "retry", "orders/1.0.0")
    assert found["version_id"] not in (put["VersionId"], None)
    head = office.s3.head_object(Bucket="releases-bucket", Key=UPLOAD.key)
    assert (head["VersionId"], head["Metadata"]) == (found["version_id"], {"retry-of": put["VersionId"]})
    office.s3.delete_object(Bucket="releases-bucket", Key=UPLOAD.key, VersionId=put["VersionId"])
    assert belay("retry", "orders")[::2] == (
        1,
        f"belay: s3://releases-bucket/{UPLOAD.key}: this version is gone; push the zip again\n",
    )


def test_what_is_deployed_is_not_tried_again(office: Office, belay: Belay) -> None:
    office.accept()
    end(office.ledger, RELEASE, Outcome.DEPLOYED)
    assert belay("retry", "orders")[::2] == (1, "belay: orders is deployed, so it cannot be retried\n")


def test_what_is_deployed_is_tried_again_where_a_stage_was_moved(office: Office, belay: Belay) -> None:
    office.accept()
    end(office.ledger, RELEASE, Outcome.ABORTED)
    put = office.s3.put_object(Bucket="releases-bucket", Key=UPLOAD.key, Body=b"zip")
    release = accepted(office.ledger, replace(UPLOAD, version_id=put["VersionId"]), "1.0.0", RELEASE.digest, now=LATER)
    office.artifacts.put_json(release.document_key, office.artifacts.require_json(RELEASE.document_key))
    end(office.ledger, release, Outcome.DEPLOYED, now=LATER)
    key = "/belay/applications/orders/production"
    text = office.ssm.get_parameter(Name=key)["Parameter"]["Value"]
    answers = {}
    for region in ("eu-west-1", "eu-central-1"):
        moved = f"{text}account: '123456789012'\nregion: {region}\n"
        office.ssm.put_parameter(Name=key, Value=moved, Overwrite=True)
        answers[region] = belay("retry", "orders/1.0.0")
    assert answers["eu-west-1"][::2] == (1, "belay: orders/1.0.0 is deployed, so it cannot be retried\n")
    assert answers["eu-central-1"][0] == 0, answers
    assert office.s3.head_object(Bucket="releases-bucket", Key=UPLOAD.key)["VersionId"] != put["VersionId"]


def test_pausing_and_resuming(office: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[bool] = []
    monkeypatch.setattr("cli.resume.sweep", lambda _: swept.append(True) or True)
    assert document(belay, "pause") == {"paused": True}
    assert office.ssm.get_parameter(Name="/belay/paused")["Parameter"]["Value"] == "true"
    assert belay("status")[1].startswith("Releases are paused")
    office.ledger.uploads.hold(UPLOAD, {}, NOW)
    assert document(belay, "resume") == {"paused": False, "held": 1, "started_at_once": True}
    assert office.ssm.get_parameter(Name="/belay/paused")["Parameter"]["Value"] == "false"
    assert swept == [True]


def test_a_lock_that_somebody_works_under_stays(office: Office, belay: Belay) -> None:
    assert belay("unlock", "orders", "production")[:2] == (0, "orders/production is not locked\n")
    office.lock(office.deploy("production", State.EXECUTING, "network"))
    status, _, err = belay("unlock", "orders", "production")
    assert status == 1
    assert "held by release 1.0.0 since 2026-01-01T10:00:00Z" in err
    assert "to stop it: belay abort orders/1.0.0" in err
    assert [each.stage for each in office.ledger.locks.held()] == ["production"]


def test_a_lock_of_an_incident_that_has_not_ended_stays(office: Office, belay: Belay) -> None:
    office.accept()
    subject = ReleaseAttempt(RELEASE, "production", None)
    office.ledger.incidents.open(Incident(INCIDENT, subject, from_document("no capacity"), ROLE), NOW)
    office.lock("arn:aws:states:eu-west-1:123456789012:execution:belay-rollback-stage:gone", INCIDENT)
    status, _, err = belay("unlock", "orders", "production")
    assert status == 1
    assert "has not ended: the sweep restarts its recovery" in err


def test_a_stage_that_is_not_there_has_no_lock(office: Office, belay: Belay) -> None:
    assert belay("unlock", "orders", "prod")[::2] == (
        1,
        "belay: orders has no stage prod; registered: production, test\n",
    )
    assert belay("unlock", "nobody", "production")[::2] == (
        1,
        "belay: nobody has no stage production; registered: none\n",
    )


def test_a_lock_left_behind_is_freed(office: Office, belay: Belay) -> None:
    office.accept()
    office.lock("arn:aws:states:eu-west-1:123456789012:execution:belay-deploy-stage:gone")
    assert document(belay, "unlock", "orders", "production", "--look")["freed"] is False
    assert [each.stage for each in office.ledger.locks.held()] == ["production"]
    status, out, _ = belay("unlock", "orders", "production")
    assert status == 0
    assert "no longer runs" in out
    assert office.ledger.locks.held() == []


# -- stacks ------------------------------------------------------------------------------------------------------------


def test_which_stage_a_stack_belongs_to(office: Office, belay: Belay) -> None:
    claim = StackClaim("123456789012", "eu-west-1", "orders-network", "crm", "production", NOW)
    office.ledger.stack_claims.claim(claim)
    found = document(belay, "stacks")
    assert found["stacks"] == [
        {"stack": claim.key, "belongs_to": "crm/production", "since": NOW, "registered_by": ["orders/production"]}
    ]
    assert claim.key in belay("stacks")[1]


def test_a_stack_is_given_up_that_its_stage_does_not_register(office: Office, belay: Belay) -> None:
    known = ("123456789012", "eu-west-1", "orders-network")
    office.ledger.stack_claims.claim(StackClaim(*known, "orders", "production", NOW))
    status, _, err = belay("unclaim", "orders-network")
    assert (status, "First remove it from /belay/applications/orders/production" in err) == (1, True)
    office.ssm.delete_parameter(Name="/belay/applications/orders")
    assert belay("unclaim", "orders-network")[0] == 0
    assert office.ledger.stack_claims.every() == {}
    assert belay("unclaim", "orders-network")[0] == 1


def test_which_of_several_stacks_is_given_up_is_said(office: Office, belay: Belay) -> None:
    places = [("123456789012", "eu-west-1"), ("111111111111", "eu-central-1")]
    keys = [f"{account}/{region}/crm-network" for account, region in places]
    for place in places:
        office.ledger.stack_claims.claim(StackClaim(*place, "crm-network", "crm", "production", NOW))
    status, _, err = belay("unclaim", "crm-network")
    assert (status, f"there are several stacks crm-network: say which of {keys[1]}, {keys[0]}" in err) == (1, True)
    assert belay("unclaim", keys[1])[0] == 0
    assert [*office.ledger.stack_claims.every()] == [keys[0]]


# -- decide ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests to the function URL, answered as the decision's function does."""
    requests: list[Any] = []

    def post(
        url: str, body: dict[str, str], credentials: Credentials, region: str, ca_bundle: str | None
    ) -> tuple[int, Any]:
        assert credentials.access_key
        requests.append((url, body, region))
        return 200, {**body, "by": "arn:aws:iam::123456789012:user/ann"}

    monkeypatch.setattr(decision, "post_signed", post)
    return requests


@pytest.fixture
def types(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """``types("y")`` simulates a person at a terminal who types that; without it there is no terminal."""

    def at_a_terminal(line: str) -> None:
        typed = io.StringIO(f"{line}\n")
        monkeypatch.setattr(typed, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("sys.stdin", typed)
        monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    return at_a_terminal


def test_an_approval_names_what_was_shown(office: Office, belay: Belay, sent: list[Any]) -> None:
    office.accept()
    assert "is not waiting for a person" in belay("approve", "orders")[2]
    office.ask()
    status, out, shown = belay("approve", "orders/1.0.0", "--yes", "--comment", "looks good")
    assert (status, out) == (0, "approved: orders/1.0.0 in production, by arn:aws:iam::123456789012:user/ann\n")
    assert shown.startswith("orders 1.0.0 would delete 1.\n  requested 2026-01-01 10:00:00 UTC, ")
    assert "  seal      0123456789ab\n\nChanges\n  network: DELETES Vpc\n\nPolicies\n  PASS\n" in shown
    named = {"application": "orders", "version": "1.0.0", "stage": "production", "comment": "looks good"}
    assert sent == [("https://decide.example/", {"decision": "approve", "seal": SEAL, **named}, "eu-west-1")]


def test_an_approval_of_what_was_read_asks_nobody(office: Office, belay: Belay, sent: list[Any]) -> None:
    office.accept()
    office.ask()
    assert belay("approve", "orders", "--seal", "ba9876543210")[0] == 0
    assert sent[0][1]["seal"] == "ba9876543210", "what was read, not what is asked by now: Belay compares them"


def test_without_a_terminal_an_approval_needs_a_seal(office: Office, belay: Belay, sent: list[Any]) -> None:
    office.accept()
    office.ask()
    status, _, err = belay("approve", "orders")
    assert (status, sent) == (1, [])
    assert "belay approve orders/1.0.0 --stage production --seal 0123456789ab\nor pass --yes" in err


@pytest.mark.parametrize("line", ["y", "Yes"])
def test_a_person_at_a_terminal_is_asked(
    office: Office, belay: Belay, sent: list[Any], types: Callable[[str], None], line: str
) -> None:
    office.accept()
    office.ask()
    types(line)
    status, _, err = belay("approve", "orders")
    assert "Approve orders/1.0.0 in production? [y/N] " in err
    assert (status, sent[0][1]["seal"]) == (0, SEAL)


@pytest.mark.parametrize("line", ["n", "", "maybe"])
def test_what_a_person_does_not_mean_is_not_approved(
    office: Office, belay: Belay, sent: list[Any], types: Callable[[str], None], line: str
) -> None:
    office.accept()
    office.ask()
    types(line)
    status, _, err = belay("approve", "orders")
    assert (status, sent) == (1, [])
    assert err.endswith("[y/N] belay: nothing was approved\n")


def test_a_stage_that_asks_nothing_is_not_approved(office: Office, belay: Belay, sent: list[Any]) -> None:
    office.accept()
    office.ask()
    status, _, err = belay("approve", "orders", "--stage", "test", "--yes")
    assert (status, err, sent) == (1, "belay: orders/1.0.0 is not waiting for an approval in test\n", [])


def test_an_incident_is_answered_by_its_question(office: Office, belay: Belay, sent: list[Any]) -> None:
    assert "needs --question" in belay("reject", "orders", "--incident", "i")[2]
    assert belay("reject", "orders", "--incident", "i", "--question", "restore")[0] == 0
    named = {"application": "orders", "incident": "i", "question": "restore", "comment": ""}
    assert sent[0][1] == {"decision": "reject", **named}
    office.ledger.decisions.ask("orders", "i", "restore", "Restore the database?", NOW)
    status, _, shown = belay("approve", "orders", "--incident", "i", "--question", "restore")
    assert (status, sent[1][1]) == (0, {"decision": "approve", **named})
    assert shown == "Restore the database?\n  asked     2026-01-01 10:00:00 UTC\n\n"


def test_a_rollback_is_planned_and_started(office: Office, belay: Belay, sent: list[Any]) -> None:
    status, out, _ = belay("rollback", "orders", "production", "--to", "1.0.0", "--plan")
    assert (status, out.splitlines()[-1]) == (0, "This is only a preview; nothing was changed.")
    asked = {"application": "orders", "stage": "production", "to": "1.0.0", "plan_only": True, "comment": ""}
    assert sent == [("https://rollback.example/", asked, "eu-west-1")]


@pytest.mark.parametrize(
    ("status", "answer", "exit_status", "told"),
    [
        (409, {"error": "AlreadyAnswered", "message": "it was approved by bob"}, 1, "it was approved by bob"),
        (403, {"Message": "Forbidden"}, 3, "these credentials may not call lambda:InvokeFunctionUrl"),
        (403, {"error": "FourEyes", "message": "somebody else has to"}, 1, "somebody else has to"),
    ],
)
def test_a_decision_that_is_not_taken_says_why(  # noqa: PLR0917 - four are parameters
    office: Office,
    belay: Belay,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    answer: dict[str, str],
    exit_status: int,
    told: str,
) -> None:
    office.accept()
    monkeypatch.setattr(decision, "post_signed", lambda *_: (status, answer))
    found, _, err = belay("reject", "orders", "--stage", "production")
    assert found == exit_status
    assert told in err


# -- what is missing ---------------------------------------------------------------------------------------------------


def test_no_such_stack(office: Office, belay: Belay) -> None:
    status, _, err = belay("list", "--stack", "other")
    assert (status, err) == (
        3,
        "belay: there is no stack 'other' in eu-west-1: check --region, --profile and --stack\n",
    )


def test_the_stack_may_be_named_by_the_environment(
    office: Office, belay: Belay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELAY_STACK", "elsewhere")
    assert "no stack 'elsewhere'" in belay("status")[2]


def test_a_stack_that_is_not_belays(office: Office, belay: Belay, simulated: Callable[[str], Any]) -> None:
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    simulated("cloudformation").create_stack(StackName="shop", TemplateBody=template)
    status, _, err = belay("status", "--stack", "shop")
    assert status == 3
    assert "the stack shop in eu-west-1 has no output LedgerTableName" in err


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None}, "no credentials"),
        ({"AWS_DEFAULT_REGION": None}, "no region: pass --region"),
        ({"AWS_PROFILE": "nobody"}, "The config profile (nobody) could not be found"),
    ],
)
def test_what_the_credential_chain_lacks_is_said_plainly(
    belay: Belay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: dict[str, str | None], told: str
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name, value in changed.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    status, out, err = belay("status", "--endpoint-url", "http://127.0.0.1:9")
    assert (status, out) == (3, "")
    assert told in err
    assert "Traceback" not in err


def test_nobody_answers(belay: Belay) -> None:
    status, _, err = belay("status", "--endpoint-url", "http://127.0.0.1:9")
    assert status == 3
    assert "http://127.0.0.1:9" in err


def test_a_signed_request_goes_where_botocore_s_own_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configured proxies and certificates apply to decisions, too, and a plan that takes minutes is waited for."""
    made: list[dict[str, Any]] = []

    class Session:
        def __init__(self, **arguments: Any) -> None:
            made.append(arguments)

        def send(self, request: Any) -> Any:
            assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256")
            return SimpleNamespace(status_code=200, content=b"{}")

    monkeypatch.setattr(function_url, "URLLib3Session", Session)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    keys = Credentials("AKIAIOSFODNN7EXAMPLE", "secret")
    assert function_url.post_signed("https://a.lambda-url.eu-west-1.on.aws/", {}, keys, "eu-west-1", "ca.pem")[0] == 200
    (session,) = made
    assert (session["verify"], session["proxies"]["https"]) == ("ca.pem", "http://proxy.example:3128")
    connecting, answering = session["timeout"]
    assert connecting < 300 < answering
