"""The sweep on an AWS simulated by moto: a fault in one part does not affect the others."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from logging import Formatter
from types import ModuleType
from typing import Any

import pytest
from modules import function
from simulated_ledger import bring
from test_aws_unfinished import INCIDENT, RELEASE, ROLE, House

from belay.aws.cloudformation import Stacks
from belay.aws.dynamodb import Table
from belay.aws.gateways import own_aws
from belay.aws.s3 import ArtifactBucket, ReleaseBucket
from belay.aws.sns import Notifications
from belay.aws.ssm import ParameterStore
from belay.aws.stepfunctions import Executions
from belay.control import registrations
from belay.control.alone import EachAlone
from belay.control.missed_uploads import MissedUploads
from belay.control.places import Places
from belay.control.unfinished import Unfinished
from belay.errors import AwsFault, InvalidRequest, Throttled
from belay.events.s3 import ObjectCreated
from belay.release.life import State
from belay.release.lock import Claim
from belay.release.records import Outcome, Upload, upload_of
from belay.release.stack_claim import StackClaim
from belay.stack.status import StackStatus

DEPLOY = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-deploy-release"
PLAN = "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-plan-release"
LATE = upload_of("orders", "releases-bucket", "releases/orders/1.1.0.zip", "v2", 4711)


@pytest.fixture
def sweep() -> Any:
    return function("sweep")


@pytest.fixture
def house(simulated: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    own_aws.cache_clear()
    house = House(simulated)
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    for machine in ("belay-deploy-release", "belay-plan-release"):
        house.states.create_state_machine(name=machine, definition=definition, roleArn=ROLE)
    house.ssm.put_parameter(Name="/belay/paused", Value="false", Type="String")
    house.s3.create_bucket(Bucket=LATE.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    house.s3.put_bucket_versioning(Bucket=LATE.bucket, VersioningConfiguration={"Status": "Enabled"})
    for name, value in {
        "RELEASE_BUCKET": LATE.bucket,
        "NOTIFICATION_TOPIC_ARN": house.topic,
        "PAUSE_PARAMETER": "/belay/paused",
        "DEPLOY_RELEASE_MACHINE_ARN": DEPLOY,
        "PLAN_RELEASE_MACHINE_ARN": PLAN,
        "ROLLBACK_STAGE_MACHINE_ARN": "arn:aws:states:eu-west-1:123456789012:stateMachine:belay-rollback-stage",
    }.items():
        monkeypatch.setenv(name, value)
    yield house
    own_aws.cache_clear()


def faults_of(swept: dict[str, Any]) -> set[str]:
    return {fault.split(":")[0] for fault in swept["faults"]}


def started(house: House) -> int:
    return len(house.states.list_executions(stateMachineArn=DEPLOY)["executions"])


def test_what_is_left_is_taken_up_and_what_was_held_is_started(house: House, sweep: ModuleType) -> None:
    house.accept()
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    swept = sweep.handler({}, None)
    assert "orders 1.0.0" in swept["taken_up"]
    assert (swept["resumed"], swept["failed_stacks"], swept["locks_held_past_expiry"]) == (1, [], [])
    assert house.told() == [("release-ended", "NEEDS_OPERATOR")]
    assert started(house) == 1
    assert house.ledger.uploads.held() == []


def test_nothing_held_is_started_during_a_pause(house: House, sweep: ModuleType) -> None:
    house.ssm.put_parameter(Name="/belay/paused", Value="true", Type="String", Overwrite=True)
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    assert sweep.handler({}, None)["resumed"] == 0
    assert len(house.ledger.uploads.held()) == 1


def test_a_lock_past_its_expiry_is_counted(house: House, sweep: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    claim = Claim.of_release(RELEASE, "production", "e")
    house.ledger.locks.acquire(claim, expires_at=1, seen=None, now="2026-03-02T09:00:00.000+00:00")
    assert sweep.handler({}, None)["locks_held_past_expiry"] == ["orders#production"]
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "LocksHeldPastExpiry" in line]
    assert metrics[-1]["LocksHeldPastExpiry"] == 1


def test_what_cannot_be_taken_up_hinders_nothing_else_and_is_told_in_the_end(house: House, sweep: ModuleType) -> None:
    house.accept()
    house.s3.delete_object(Bucket="artifacts", Key=RELEASE.document_key)
    other = upload_of("orders", "releases-bucket", "releases/orders/broken.zip", "v3", 7)
    house.ledger.attempts.claim(other, "execution-3", "2026-01-01T10:00:00.000+00:00")
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    assert faults_of(sweep.handler({}, None)) == {"MissingDocument"}
    assert [message["outcome"] for message in house.messages()] == ["NEEDS_OPERATOR"], "the other upload"
    assert started(house) == 1
    assert house.ledger.uploads.held() == []


def test_a_mistake_of_ours_in_one_part_hinders_nothing_else(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.accept()
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    monkeypatch.setattr(Unfinished, "take_up_attempt", lambda *_: Outcome("ROLLBACK"))
    assert faults_of(sweep.handler({}, None)) == {"ValueError"}
    assert started(house) == 1
    assert house.ledger.uploads.held() == []


def test_a_release_whose_pipeline_s_rollback_died_is_recovered_by_the_sweep(house: House, sweep: ModuleType) -> None:
    house.accept()
    bring(house.ledger, RELEASE, "production", State.PIPELINE_ROLLING_BACK)
    assert INCIDENT in sweep.handler({}, None)["taken_up"]
    assert house.recoveries() == [INCIDENT]


# -- what cannot be read -----------------------------------------------------------------------------------------------


def refusing(monkeypatch: pytest.MonkeyPatch, method: str, what: str) -> None:
    """Make one of a gateway's reads fail."""
    gateway = ParameterStore if hasattr(ParameterStore, method) else Table
    reading = getattr(gateway, method)

    def refused(self: Any, name: str, *more: Any) -> Any:
        if name == what or what in more:
            raise RuntimeError(f"{what} cannot be read")
        return reading(self, name, *more)

    monkeypatch.setattr(gateway, method, refused)


@pytest.mark.parametrize(
    "unread",
    [
        ("get_parameter", "/belay/paused"),
        ("get_parameters_by_path", "/belay/applications/"),
        ("query", "UPLOAD#"),
        ("query", "INCIDENT#"),
        ("query", "HELD"),
        ("query", "ASKED"),
        ("query", "LOCK"),
        ("query", "UNHEALTHY"),
    ],
)
def test_a_part_that_cannot_be_read_stops_no_other(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch, unread: tuple[str, str]
) -> None:
    method, what = unread
    house.accept()
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    refusing(monkeypatch, method, what)
    assert {*sweep.handler({}, None)["faults"]} == {f"RuntimeError: {what} cannot be read"}
    assert [message["kind"] for message in house.messages()] == ([] if what == "UPLOAD#" else ["release-ended"])
    assert started(house) == (0 if what in ("/belay/paused", "HELD") else 1)


def test_what_could_not_be_done_is_counted_and_logged(
    house: House,
    sweep: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    house.ledger.locks.acquire(
        Claim.of_release(RELEASE, "production", "e"), expires_at=1, seen=None, now="2026-03-02T09:00:00.000+00:00"
    )
    for method, what in (("query", "HELD"), ("query", "ASKED")):
        refusing(monkeypatch, method, what)
    sweep.handler({}, None)
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["SweepFaults"] for each in written if "SweepFaults" in each] == [2]
    assert [each["LocksHeldPastExpiry"] for each in written if "LocksHeldPastExpiry" in each] == [1]
    logged = [Formatter().formatException(each.exc_info) for each in caplog.records if each.exc_info]
    assert ["in refused" in trace for trace in logged] == [True, True]
    assert ["HELD cannot be read" in trace for trace in logged] == [True, False]


def test_only_a_sweep_that_could_read_nothing_fails(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise AwsFault("DynamoDB.Query", "InternalServerError", "again later")

    monkeypatch.setattr(Table, "query", refused)
    with pytest.raises(ExceptionGroup, match="could not read the ledger"):
        sweep.handler({}, None)


SPOILT: dict[tuple[str, str], dict[str, Any]] = {
    ("HELD", "2026-01-01T10:00:00.000+00:00#orders/x.zip#v1"): {"event": {}},
    ("OPEN", "UPLOAD#000000000000"): {"document": {"key": "no bucket"}, "execution": "e"},
    ("OPEN", "INCIDENT#a-spoilt-one"): {"document": {"name": "no application"}, "execution": "e"},
    ("ASKED", "orders#0.9.0#production"): {"stage": "production"},
    ("LOCK", "orders#test"): {"owner": "nobody"},
    ("UNHEALTHY", "a-spoilt-one"): {"stacks": []},
    ("UNREADABLE", "/belay/applications/spoilt"): {"digest": "d"},
    ("STACKS", "123456789012/eu-west-1/spoilt"): {"stage": "production"},
}


def test_a_damaged_item_is_a_fault_and_the_rest_of_its_list_is_swept(house: House, sweep: ModuleType) -> None:
    house.accept()
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    claim = Claim.of_release(RELEASE, "production", "e")
    house.ledger.locks.acquire(claim, expires_at=1, seen=None, now="2026-03-02T09:00:00.000+00:00")
    for (pk, sk), item in SPOILT.items():
        Table(house.dynamodb, "ledger").put({"PK": pk, "SK": sk} | item)
    swept = sweep.handler({}, None)
    assert (swept["resumed"], swept["locks_held_past_expiry"], started(house)) == (1, ["orders#production"], 1)
    assert "orders 1.0.0" in swept["taken_up"]
    for pk, sk in SPOILT:
        fault = f"UnreadableRecord: the ledger's item {pk} {sk} cannot be read"
        assert any(fault in each for each in swept["faults"]), sk


def test_what_people_wait_for_comes_before_the_look_at_stacks(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.accept()
    house.ledger.uploads.hold(LATE, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    looked: list[tuple[int, list[str]]] = []

    def look(_: Stacks) -> list[Any]:
        looked.append((started(house), [message["kind"] for message in house.messages()]))
        return []

    monkeypatch.setattr(Stacks, "describe_stacks", look)
    sweep.handler({}, None)
    assert looked == [(1, ["release-ended"])]


# -- stacks that failed ------------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of Parameter Store and of stacks' events."""
    made: list[str] = []

    def noted(gateway: type, name: str) -> None:
        method = getattr(gateway, name)

        def noting(*given: Any) -> Any:
            made.append(name)
            return method(*given)

        monkeypatch.setattr(gateway, name, noting)

    noted(Stacks, "events")
    noted(ParameterStore, "get_parameter")
    noted(ParameterStore, "get_parameters_by_path")
    return made


def failed(house: House, status: StackStatus = StackStatus.UPDATE_ROLLBACK_COMPLETE) -> str:
    stack_id = house.stack("orders-network")
    house.stands(stack_id, status)
    return stack_id


def test_parameter_store_is_read_once(house: House, sweep: ModuleType, calls: list[str]) -> None:
    failed(house)
    for number in range(3):
        other = upload_of("orders", "releases-bucket", f"releases/orders/broken-{number}.zip", "v3", 7)
        house.ledger.attempts.claim(other, f"execution-{number}", "2026-01-01T10:00:00.000+00:00")
    swept = sweep.handler({}, None)
    assert (len(swept["taken_up"]), len(swept["failed_stacks"])) == (3, 1)
    assert [call for call in calls if call != "events"] == ["get_parameter", "get_parameters_by_path"]


def test_the_events_of_a_failure_that_is_known_are_not_read_again(
    house: House, sweep: ModuleType, calls: list[str]
) -> None:
    stack_id = failed(house)
    (incident,) = sweep.handler({}, None)["failed_stacks"]
    assert "events" in calls
    calls.clear()
    assert sweep.handler({}, None)["failed_stacks"] == []
    assert "events" not in calls
    assert house.recoveries() == [incident]
    house.stands(stack_id, StackStatus.UPDATE_ROLLBACK_FAILED)
    sweep.handler({}, None)
    assert "events" in calls, "it stands otherwise: that is another operation"


def test_what_an_event_told_of_is_not_looked_into_again(house: House, sweep: ModuleType, calls: list[str]) -> None:
    stack_id = failed(house)
    built = sweep.put_together(sweep.own_home(), sweep.read(sweep.Settings), EachAlone()).failed_stacks
    incident = built.take_up(stack_id, StackStatus.UPDATE_ROLLBACK_COMPLETE, "no capacity", None)
    assert incident is not None
    calls.clear()
    assert sweep.handler({}, None)["failed_stacks"] == [incident]
    assert calls.count("events") == 3, "which operation was the last, and what it took over; not what failed first"


def test_a_stable_stack_of_which_no_event_is_left_is_nobody_s_failure(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(house)
    monkeypatch.setattr(Stacks, "newest_event", lambda *_: None)
    assert sweep.handler({}, None)["failed_stacks"] == []
    assert house.ledger.incidents.open_ones() == []


def test_a_stuck_stack_of_which_no_event_is_left_is_taken_up(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(house, StackStatus.UPDATE_ROLLBACK_FAILED)
    monkeypatch.setattr(Stacks, "newest_event", lambda *_: None)
    assert len(sweep.handler({}, None)["failed_stacks"]) == 1


def test_a_stack_that_cannot_be_looked_at_stops_no_other(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ssm.put_parameter(
        Name="/belay/applications/orders/production",
        Value=f"service_role: {ROLE}\nstacks: {{a: {{name: orders-a}}, b: {{name: orders-b}}}}\n",
        Type="String",
        Overwrite=True,
    )
    first, second = house.stack("orders-a"), house.stack("orders-b")
    for each in (first, second):
        house.stands(each, StackStatus.UPDATE_ROLLBACK_COMPLETE)
    events = Stacks.events

    def refused(self: Stacks, stack_id: str) -> Any:
        if stack_id == first:
            raise RuntimeError("throttled")
        return events(self, stack_id)

    monkeypatch.setattr(Stacks, "events", refused)
    assert faults_of(sweep.handler({}, None)) == {"RuntimeError"}
    (opened,) = house.ledger.incidents.open_ones()
    assert opened.incident.startswith("orders-b-")


def test_a_status_that_nobody_knows_stops_no_other_stack(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("orders-a", "orders-b", "somebody-s"):
        house.stands(house.stack(name), StackStatus.UPDATE_ROLLBACK_COMPLETE)
    register(house, f"service_role: {ROLE}\nstacks: {{a: {{name: orders-a}}, b: {{name: orders-b}}}}\n")
    described = Stacks.describe_stacks

    def renamed(stacks: Stacks) -> list[dict[str, Any]]:
        new = {"orders-a": "UPDATE_PAUSED", "somebody-s": "UPDATE_PAUSED"}
        return [{**each, "StackStatus": new.get(each["StackName"], each["StackStatus"])} for each in described(stacks)]

    monkeypatch.setattr(Stacks, "describe_stacks", renamed)
    swept = sweep.handler({}, None)
    assert swept["faults"] == ["ValueError: 'UPDATE_PAUSED' is not a valid StackStatus"]
    assert len(swept["failed_stacks"]) == 1


# -- registrations that cannot be read ---------------------------------------------------------------------------------

PRODUCTION = "/belay/applications/orders/production"


def register(house: House, text: str) -> None:
    house.ssm.put_parameter(Name=PRODUCTION, Value=text, Type="String", Overwrite=True)


def test_a_registration_that_cannot_be_read_is_told_once_and_again_when_it_is_corrected(
    house: House, sweep: ModuleType
) -> None:
    good = house.ssm.get_parameter(Name=PRODUCTION)["Parameter"]["Value"]
    register(house, "stacks: 7\n")
    assert sweep.handler({}, None)["unreadable_registrations"] == [PRODUCTION]
    (told,) = house.messages()
    assert (told["kind"], told["severity"], told["state"]) == ("registration-unreadable", "warning", "open")
    assert (told["application"], told["stage"], told["thread"]) == (
        "orders",
        "production",
        "registration/orders/production",
    )
    assert any("stacks: expected" in each["what"] for each in told["findings"])
    assert told["left_to_do"][0]["look"] == f"aws ssm get-parameter --name {PRODUCTION} --with-decryption"
    sweep.handler({}, None)
    assert house.messages() == []

    register(house, "stacks: 8\n")
    sweep.handler({}, None)
    assert house.told() == [("registration-unreadable", None)], "it is wrong otherwise"

    register(house, good)
    assert sweep.handler({}, None)["unreadable_registrations"] == []
    (corrected,) = house.messages()
    assert (corrected["kind"], corrected["closes"], corrected["state"]) == ("registration-corrected", [1, 2], "closed")
    sweep.handler({}, None)
    assert house.messages() == []

    register(house, "stacks: 8\n")
    sweep.handler({}, None)
    assert house.told() == [("registration-unreadable", None)], "the same mistake has come back"


def test_a_stage_is_not_told_to_be_corrected_while_its_application_cannot_be_read(
    house: House, sweep: ModuleType
) -> None:
    register(house, "stacks: 7\n")
    sweep.handler({}, None)
    house.messages()
    house.ssm.put_parameter(Name="/belay/applications/orders", Value="stages: 7\n", Type="String", Overwrite=True)
    sweep.handler({}, None)
    assert [message["thread"] for message in house.messages()] == ["registration/orders"]


def test_a_registration_that_could_not_be_told_is_told_the_next_time(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(house, "stacks: 7\n")
    with monkeypatch.context() as undelivered:
        undelivered.setattr(Notifications, "publish", lambda *_: int("undelivered"))
        assert faults_of(sweep.handler({}, None)) == {"ValueError"}
    sweep.handler({}, None)
    assert house.told() == [("registration-unreadable", None)]


def test_what_aws_does_not_show_of_a_registration_is_a_fault_and_no_verdict(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pointer = {"bucket": "artifacts", "key": "registrations/k", "version_id": "v", "sha256": "0" * 64}
    register(house, json.dumps({"s3": pointer}))

    def refused(*_: Any) -> bytes:
        raise AwsFault("S3.GetObject", "KMS.DisabledException", "the key is disabled")

    monkeypatch.setattr(ArtifactBucket, "get_version", refused)
    assert faults_of(sweep.handler({}, None)) == {"AwsFault"}
    assert house.messages() == []


def test_a_registration_that_a_bug_of_ours_cannot_read_stops_no_other(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.stands(house.stack("orders-network"), StackStatus.UPDATE_ROLLBACK_COMPLETE)
    for suffix, text in (("", "stages: [production]"), ("/production", "service_role: r")):
        house.ssm.put_parameter(Name=f"/belay/applications/broken{suffix}", Value=text, Type="String")
    parse = registrations.parse_stage

    def broken(application: Any, *rest: Any) -> Any:
        return {}["stacks"] if application.name == "broken" else parse(application, *rest)

    monkeypatch.setattr(registrations, "parse_stage", broken)
    swept = sweep.handler({}, None)
    assert swept["faults"] == ["KeyError: 'stacks'"]
    assert len(swept["failed_stacks"]) == 1


# -- missed uploads ----------------------------------------------------------------------------------------------------


def put(house: House, key: str = LATE.key) -> Upload:
    answer = house.s3.put_object(Bucket=LATE.bucket, Key=key, Body=b"zip")
    return upload_of("orders", LATE.bucket, key, answer["VersionId"], 3)


def test_an_upload_that_no_event_told_of_is_started_as_if_one_had(house: House, sweep: ModuleType) -> None:
    upload = put(house)
    put(house, "releases/orders/notes.txt")
    assert sweep.handler({}, None)["missed_uploads"] == [upload.attempt]
    (execution,) = (each["executionArn"] for each in house.states.list_executions(stateMachineArn=DEPLOY)["executions"])
    event = ObjectCreated.from_event(json.loads(house.states.describe_execution(executionArn=execution)["input"]))
    assert (event.bucket, event.key, event.version_id, event.size) == (LATE.bucket, LATE.key, upload.version_id, 3)
    sweep.handler({}, None)
    assert started(house) == 1, "its name is taken"


def test_every_version_is_an_upload_and_those_that_are_known_or_held_are_left(house: House, sweep: ModuleType) -> None:
    known, held, missed = put(house), put(house), put(house)
    house.ledger.attempts.claim(known, "execution-1", "2026-01-01T10:00:00.000+00:00")
    house.ssm.put_parameter(Name="/belay/paused", Value="true", Type="String", Overwrite=True)
    house.ledger.uploads.hold(held, {"detail": {}}, "2026-01-01T10:00:00.000+00:00")
    assert sweep.handler({}, None)["missed_uploads"] == [], "nothing is started during a pause"
    house.ssm.put_parameter(Name="/belay/paused", Value="false", Type="String", Overwrite=True)
    swept = sweep.handler({}, None)
    assert (swept["resumed"], swept["missed_uploads"]) == (1, [missed.attempt]), "what was held is started once"


def looked(house: House, *, now: datetime | None = None, alone: EachAlone | None = None) -> list[str]:
    bucket = ReleaseBucket(house.s3, LATE.bucket)
    missed = MissedUploads(house.ledger, bucket, Executions(house.states), DEPLOY)
    return missed.look(now or datetime.now(UTC), (), alone or EachAlone())


def test_one_page_is_looked_at_a_time_and_then_the_first_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = put(house, "releases/orders/a.zip"), put(house, "releases/orders/b.zip")
    house.s3.meta.events.register("before-parameter-build.s3.ListObjectVersions", lambda params, **_: one(params))
    assert [looked(house), looked(house)] == [[first.attempt], [second.attempt]]
    third = put(house, "releases/orders/0.zip")
    assert looked(house) == [third.attempt]


def one(params: dict[str, Any]) -> None:
    params["MaxKeys"] = 1


def test_what_was_uploaded_long_before_the_last_look_is_not_asked_about(house: House) -> None:
    """Records of refused uploads expire: they must not be mistaken for missed ones."""
    put(house)
    assert looked(house, now=datetime.now(UTC) + timedelta(days=2)) == []


def test_a_page_whose_uploads_could_not_be_started_is_looked_at_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = put(house)
    with monkeypatch.context() as broken:
        broken.setattr(Executions, "start_execution", lambda *_: (_ for _ in ()).throw(Throttled("a", "b", "c")))
        looked(house, alone=(throttled := EachAlone()))
    assert [type(each) for each in throttled.faults] == [Throttled]
    assert looked(house) == [upload.attempt]


def test_an_upload_that_cannot_be_started_stops_no_other_and_no_later_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = put(house, "releases/orders/a.zip"), put(house, "releases/orders/b.zip")
    start = MissedUploads._start

    def refused(missed: MissedUploads, upload: Upload, version: Any) -> str:
        if upload == first:
            raise InvalidRequest("StepFunctions.StartExecution", "ValidationException", "too long")
        return start(missed, upload, version)

    monkeypatch.setattr(MissedUploads, "_start", refused)
    alone = EachAlone()
    assert looked(house, alone=alone) == [second.attempt]
    assert alone.problems == [
        "releases/orders/a.zip: StepFunctions.StartExecution answered ValidationException: too long"
    ]
    look = house.ledger.uploads.look()
    assert look is not None


def test_missed_uploads_are_started_before_the_look_at_stacks(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(house)
    begun: list[int] = []

    def look(_: Stacks) -> list[Any]:
        begun.append(started(house))
        return []

    monkeypatch.setattr(Stacks, "describe_stacks", look)
    sweep.handler({}, None)
    assert begun == [1]


def test_a_claim_of_which_it_is_not_known_where_it_lies_stops_no_other_and_nothing_else(
    house: House, sweep: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.stands(house.stack("orders-network"), StackStatus.UPDATE_ROLLBACK_COMPLETE)
    for name in ("gone-a", "gone-b"):
        house.ledger.stack_claims.claim(StackClaim("123456789012", "eu-west-1", name, "billing", "production", "t"))
    where = Places.of_claim

    def unknown(places: Places, claim: StackClaim, stages: Any) -> Any:
        if claim.stack_name == "gone-a":
            raise KeyError("partition")
        return where(places, claim, stages)

    monkeypatch.setattr(Places, "of_claim", unknown)
    swept = sweep.handler({}, None)
    assert swept["faults"] == ["KeyError: 'partition'"]
    assert swept["freed_stacks"] == ["123456789012/eu-west-1/gone-b"]
    assert len(swept["failed_stacks"]) == 1
