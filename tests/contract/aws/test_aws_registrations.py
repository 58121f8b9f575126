import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.stub import Stubber
from modules import ROOT, function

from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.registrations import RECENT, RecentStages, Registrations
from belay.errors import AccessDenied, InvalidRegistration, InvalidRelease, Throttled

NOW = datetime(2026, 1, 1, 10, tzinfo=UTC)
BUCKET = "artifacts"
ROLE = "arn:aws:iam::111122223333:role/belay/orders"
APPLICATION = f"stages: [test, production]\ndefaults: {{service_role: {ROLE}}}\n"
TEST = "ephemeral: true\nstacks: {network: {name: orders-test-network}}\n"
PRODUCTION = "stacks: {network: {name: orders-production-network}}\n"


class Operator:
    """Writes parameters and the objects they point to, as an operator does."""

    def __init__(self, simulated: Callable[[str], Any]) -> None:
        self.ssm, self.s3 = simulated("ssm"), simulated("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def write(self, name: str, text: str) -> None:
        self.ssm.put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String", Overwrite=True)

    def point(self, name: str, text: str, **changed: str) -> str:
        key = f"registrations/{name}.yaml"
        version = self.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())["VersionId"]
        digest = hashlib.sha256(text.encode()).hexdigest()
        where = {"bucket": BUCKET, "key": key, "version_id": version, "sha256": digest} | changed
        pointer = json.dumps({"s3": where})
        self.write(name, pointer)
        return pointer

    @property
    def registrations(self) -> Registrations:
        return Registrations(ParameterStore(self.ssm), ArtifactBucket(self.s3, "artifacts"))


@pytest.fixture
def operator(simulated: Callable[[str], Any]) -> Operator:
    operator = Operator(simulated)
    operator.write("orders", APPLICATION)
    operator.write("orders/test", TEST)
    operator.write("orders/production", PRODUCTION)
    return operator


def test_an_application_is_read_with_its_stages_in_order(operator: Operator) -> None:
    text, stages = operator.registrations.texts("orders")
    assert text == APPLICATION
    assert list(stages.items()) == [("test", TEST), ("production", PRODUCTION)]


def test_a_parameter_may_point_to_a_version_of_an_object(operator: Operator) -> None:
    operator.point("orders/production", PRODUCTION)
    operator.s3.put_object(Bucket=BUCKET, Key="registrations/orders/production.yaml", Body=b"something later")
    operator.point("orders", APPLICATION)
    text, stages = operator.registrations.texts("orders")
    assert (text, stages["production"]) == (APPLICATION, PRODUCTION)


def test_a_pointer_to_other_content_is_refused(operator: Operator) -> None:
    operator.point("orders/production", PRODUCTION, sha256="0" * 64)
    with pytest.raises(InvalidRegistration, match="has SHA-256 0000"):
        operator.registrations.texts("orders")


def test_a_pointer_to_nothing_is_refused(operator: Operator) -> None:
    operator.point("orders/production", PRODUCTION, key="registrations/elsewhere.yaml")
    with pytest.raises(InvalidRegistration, match=r"registrations/elsewhere\.yaml .* does not exist"):
        operator.registrations.texts("orders")


def test_a_pointer_may_not_point_on(operator: Operator) -> None:
    pointer = operator.point("orders/production", PRODUCTION)
    operator.point("orders/production", pointer)
    with pytest.raises(InvalidRegistration, match="a pointer must refer to a document"):
        operator.registrations.texts("orders")


def test_an_application_that_nobody_registered_cannot_be_released(operator: Operator) -> None:
    with pytest.raises(InvalidRelease, match="an operator has to create /belay/applications/billing first"):
        operator.registrations.texts("billing")


def test_every_stage_that_is_missing_is_told(operator: Operator) -> None:
    operator.write("orders", APPLICATION.replace("[test, production]", "[test, staging, canary]"))
    with pytest.raises(InvalidRegistration) as caught:
        operator.registrations.texts("orders")
    assert len(caught.value.problems) == 2
    assert "/belay/applications/orders/staging does not exist" in caught.value.problems[0]


def test_every_stage_is_found_and_what_cannot_be_read_is_left_out(operator: Operator) -> None:
    operator.write("billing", "stages: [production]\n")
    operator.write("broken", "stages: 7\n")
    operator.write("broken/production", PRODUCTION)
    operator.write("orders/test", "stacks: 7\n")
    read = operator.registrations.read()
    (stage,) = operator.registrations.read().stages
    assert (stage.application, stage.name) == ("orders", "production")
    assert stage.stacks["network"].name == "orders-production-network"
    problems = {name.removeprefix("/belay/applications/"): "; ".join(each) for name, each in read.unreadable.items()}
    assert problems.keys() == {"billing/production", "broken", "orders/test"}
    assert "the parameter /belay/applications/billing/production does not exist" in problems["billing/production"]
    assert "stages: expected" in problems["broken"]
    assert "stacks: expected" in problems["orders/test"]


def test_every_problem_of_every_stage_is_told_at_once(operator: Operator) -> None:
    operator.write("orders/test", "stacks: 7\n")
    operator.write("orders/production", "stacks: 8\n")
    with pytest.raises(InvalidRegistration) as caught:
        operator.registrations.texts("orders")
    assert {problem.split(":")[0] for problem in caught.value.problems} == {
        "stage orders/test",
        "stage orders/production",
    }


@pytest.mark.parametrize("elsewhere", [{"bucket": "somebody-elses"}, {"key": "documents/billing.yaml"}])
def test_a_pointer_to_where_belay_may_not_read_is_told_and_keeps_no_other_from_being_read(
    operator: Operator, elsewhere: dict[str, str]
) -> None:
    operator.write("billing", APPLICATION.replace("[test, production]", "[production]"))
    operator.point("billing/production", PRODUCTION, **elsewhere)
    read = operator.registrations.read()
    assert [(stage.application, stage.name) for stage in read.stages] == [("orders", "test"), ("orders", "production")]
    ((parameter, (problem,)),) = read.unreadable.items()
    assert parameter == "/belay/applications/billing/production"
    assert "expected an object under s3://artifacts/registrations/; move it there" in problem
    assert read.faults == {}


@pytest.fixture
def hidden(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """AWS does not return a document of billing's; the parameters of orders can be read."""
    operator.write("billing", APPLICATION.replace("[test, production]", "[production]"))
    operator.point("billing/production", PRODUCTION.replace("orders", "billing"))

    def refused(*_: Any) -> bytes:
        raise AccessDenied("S3.GetObject", "AccessDenied", "no")

    monkeypatch.setattr(ArtifactBucket, "get_version", refused)
    return operator


def test_a_document_that_aws_does_not_show_keeps_no_other_from_being_read(hidden: Operator) -> None:
    read = hidden.registrations.read()
    assert [(stage.application, stage.name) for stage in read.stages] == [("orders", "test"), ("orders", "production")]
    assert read.faults.keys() == {"billing"}
    assert read.unreadable == {}
    assert not read.is_in_order("/belay/applications/billing/production"), "nobody knows"


def stack_id(name: str) -> str:
    return f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{name}/6a7e8fe0"


def test_an_event_of_a_stack_that_is_known_is_heard_while_another_application_cannot_be_read(hidden: Operator) -> None:
    found = hidden.registrations.of_stack(stack_id("orders-production-network"), home=True)
    assert found is not None
    assert (found[0].name, found[1]) == ("production", "network")
    with pytest.raises(AccessDenied):
        hidden.registrations.of_stack(stack_id("billing-production-network"), home=True)


def test_events_of_pipelines_are_heard_while_another_application_cannot_be_read(hidden: Operator) -> None:
    recent = RecentStages(hidden.registrations, lambda: NOW)
    assert [stage.name for stage in recent.stages()] == ["test", "production"]
    hidden.write("orders", APPLICATION.replace("[test, production]", "[production]"))
    assert [stage.name for stage in recent.stages()] == ["production"], "read again, until all can be read"


def test_more_parameters_than_one_answer_holds_are_all_read(operator: Operator) -> None:
    for number in range(12):
        operator.write(f"app{number:02}", APPLICATION.replace("[test, production]", "[production]"))
        operator.write(f"app{number:02}/production", PRODUCTION.replace("orders", f"app{number:02}"))
    assert len(operator.registrations.read().stages) == 14


def test_every_stage_is_read_with_a_call_for_ten_parameters(operator: Operator) -> None:
    for number in range(12):
        operator.write(f"app{number:02}", APPLICATION.replace("[test, production]", "[production]"))
        operator.write(f"app{number:02}/production", PRODUCTION)
    calls: list[str] = []
    operator.ssm.meta.events.register("before-call.ssm", lambda model, **_: calls.append(model.name))
    assert len(operator.registrations.read().stages) == 14
    assert calls == ["GetParametersByPath"] * 3, "27 parameters"


def test_what_was_read_a_moment_ago_is_not_read_again(operator: Operator) -> None:
    times = [NOW, NOW + RECENT / 2, NOW + RECENT]
    recent = RecentStages(operator.registrations, lambda: times.pop(0))
    assert [stage.name for stage in recent.stages()] == ["test", "production"]
    operator.write("orders", APPLICATION.replace("[test, production]", "[production]"))
    assert [stage.name for stage in recent.stages()] == ["test", "production"]
    assert [stage.name for stage in recent.stages()] == ["production"]


def test_a_clock_that_was_put_back_keeps_nothing_for_longer(operator: Operator) -> None:
    times = [NOW, NOW - RECENT]
    recent = RecentStages(operator.registrations, lambda: times.pop(0))
    recent.stages()
    operator.write("orders", APPLICATION.replace("[test, production]", "[production]"))
    assert [stage.name for stage in recent.stages()] == ["production"]


def test_what_could_not_be_read_is_not_kept(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("ssm")
    stub.add_client_error("get_parameters_by_path", "ThrottlingException")
    stub.add_response("get_parameters_by_path", {"Parameters": []})
    recent = RecentStages(Registrations(ParameterStore(client), ArtifactBucket(None, "artifacts")), lambda: NOW)
    with pytest.raises(Throttled):
        recent.stages()
    assert recent.stages() == []


def test_the_schedule_reads_what_an_event_may_not_have_seen_yet(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = function("react_to_pipeline")
    for name in ("NOTIFICATION_TOPIC_ARN", "ROLLBACK_STAGE_MACHINE_ARN", "FILES_BUCKETS"):
        monkeypatch.setenv(name, "any")
    # Processing an execution has its own tests; here it reports the stages it was called for.
    followed = SimpleNamespace(follow=lambda hint, stages: [stage.name for stage in stages])
    monkeypatch.setattr(app, "put_together", lambda *_: followed)
    event = json.loads((ROOT / "events/aws.codepipeline/pipeline_execution_state_change.started.json").read_text())

    assert app.handler(event, None) == {"looked_at": ["test", "production"]}
    operator.write("orders", APPLICATION.replace("[test, production]", "[production]"))
    assert app.handler(event, None) == {"looked_at": ["test", "production"]}
    assert app.handler({"missed": True}, None) == {"looked_at": ["production"]}


def test_an_application_may_have_a_topic_of_its_own(operator: Operator) -> None:
    assert operator.registrations.topic_of("orders") is None
    topic = "arn:aws:sns:eu-west-1:111122223333:orders"
    operator.write("orders", f"{APPLICATION}topic: {topic}\n")
    assert operator.registrations.topic_of("orders") == topic


def test_a_parameter_that_may_not_be_read_is_not_missing(stubbed: Callable[[str], tuple[Any, Stubber]]) -> None:
    client, stub = stubbed("ssm")
    stub.add_client_error("get_parameter", "AccessDeniedException")
    stub.add_client_error("get_parameters_by_path", "AccessDeniedException")
    with pytest.raises(AccessDenied):
        ParameterStore(client).get_parameter("/belay/paused")
    with pytest.raises(AccessDenied):
        ParameterStore(client).get_parameters_by_path("/belay/")


def test_a_parameter_that_is_not_there_is_none(simulated: Callable[[str], Any]) -> None:
    assert ParameterStore(simulated("ssm")).get_parameter("/belay/paused") is None
