"""Every job gets one result, with arguments that CodePipeline's model accepts, whatever happens to it."""

import copy
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber
from modules import ROOT, function

from belay.aws.attached_groups import AttachedGroups
from belay.aws.cloudformation import Stacks
from belay.aws.codepipeline import ArtifactFiles, InputArtifact, Jobs
from belay.aws.ec2 import SecurityGroups
from belay.aws.gateways import own_aws
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import ParameterStore
from belay.control.live import LiveRegion, LiveStages
from belay.control.registrations import Registrations
from belay.errors import AwsFault, InvalidActionConfiguration, InvalidEvent, ValidationFailed
from belay.pipeline.job import Artifact, Job, Success, parse_job

SAMPLE: dict[str, Any] = json.loads((ROOT / "events" / "aws.codepipeline" / "job.json").read_text())
JOB = "11111111-abcd-1111-abcd-111111abcdef"
Aws = Callable[..., Any]
Stubbed = Callable[[str], tuple[Any, Stubber]]


class Log(list[str]):
    """Records what was logged."""

    def __call__(self, message: str) -> None:
        self.append(message)


@pytest.fixture
def answering(stubbed: Stubbed) -> tuple[Jobs, Stubber, Log]:
    client, stubber = stubbed("codepipeline")
    log = Log()
    return Jobs(client, log), stubber, log


def raises(error: Exception) -> Callable[[Job], Success]:
    def act(job: Job) -> Success:
        raise error

    return act


def test_a_job_succeeds_with_a_summary(answering: tuple[Jobs, Stubber, Log]) -> None:
    jobs, stubber, log = answering
    stubber.add_response("put_job_success_result", {}, {"jobId": JOB, "executionDetails": {"summary": "PASS: a.yaml"}})
    assert jobs.answer(SAMPLE, lambda job: Success("PASS: a.yaml")) == {"job": JOB, "result": "Succeeded"}
    assert log == []


def test_a_job_that_takes_longer_is_called_again(answering: tuple[Jobs, Stubber, Log]) -> None:
    jobs, stubber, _ = answering
    stubber.add_response(
        "put_job_success_result",
        {},
        {"jobId": JOB, "executionDetails": {"summary": "waiting"}, "continuationToken": "1"},
    )
    assert jobs.answer(SAMPLE, lambda job: Success("waiting", "1"))["result"] == "Continues"


def test_findings_are_told_within_the_limit(answering: tuple[Jobs, Stubber, Log]) -> None:
    jobs, stubber, log = answering
    text = "FAIL\n" + "x" * 6000
    message = text[: 5000 - len("\n... and more")] + "\n... and more"
    stubber.add_response(
        "put_job_failure_result", {}, {"jobId": JOB, "failureDetails": {"type": "JobFailed", "message": message}}
    )
    assert jobs.answer(SAMPLE, raises(ValidationFailed(text)))["result"] == "JobFailed"
    assert log == ["the job failed"]


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), ValueError()])
def test_no_exception_leaves_a_job_hanging(answering: tuple[Jobs, Stubber, Log], error: Exception) -> None:
    jobs, stubber, log = answering
    stubber.add_response("put_job_failure_result", {})
    assert jobs.answer(SAMPLE, raises(error))["result"] == "JobFailed"
    assert log


def test_what_the_owner_of_a_pipeline_wrote_wrong_is_a_configuration_error(
    answering: tuple[Jobs, Stubber, Log],
) -> None:
    jobs, stubber, _ = answering
    event = copy.deepcopy(SAMPLE)
    event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]["UserParameters"] = "network.yaml"
    stubber.add_response("put_job_failure_result", {})
    assert jobs.answer(event, lambda job: Success("never"))["result"] == "ConfigurationError"


def test_an_event_without_a_job_goes_to_the_dead_letter_queue(answering: tuple[Jobs, Stubber, Log]) -> None:
    with pytest.raises(InvalidEvent):
        answering[0].answer({}, lambda job: Success("never"))


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_second_delivery_of_an_answered_job_is_nothing(answering: tuple[Jobs, Stubber, Log], code: str) -> None:
    jobs, stubber, _ = answering
    stubber.add_client_error("put_job_success_result", code)
    assert jobs.answer(SAMPLE, lambda job: Success("again"))["result"] == "Succeeded"


def test_an_answer_that_is_lost_is_tried_again_by_lambda(answering: tuple[Jobs, Stubber, Log]) -> None:
    jobs, stubber, _ = answering
    stubber.add_client_error("put_job_failure_result", "InternalError", http_status_code=500)
    with pytest.raises(AwsFault):
        jobs.answer(SAMPLE, raises(ValueError()))


# -- the input artifact ------------------------------------------------------------------------------------------------

OPEN = """
Parameters: {Source: {Type: String}}
Resources:
  Web:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: Web
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Source, Description: why}]
"""


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return buffer.getvalue()


@pytest.fixture
def artifact(simulated: Aws) -> Callable[[bytes], Artifact]:
    def put(data: bytes) -> Artifact:
        s3 = simulated("s3")
        s3.create_bucket(Bucket="pipeline", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
        s3.put_object(Bucket="pipeline", Key="orders/a.zip", Body=data)
        return Artifact("SourceArtifact", "pipeline", "orders/a.zip")

    return put


def test_files_of_an_artifact_are_read_by_ranges(simulated: Aws, artifact: Callable[[bytes], Artifact]) -> None:
    noise = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(10_000))
    data = zipped({"a.yaml": "A: 1", "noise.txt": noise, "templates/b.yaml": "B: 2"})
    files = ArtifactFiles(InputArtifact(simulated("s3"), artifact(data)))
    assert dict(files.items()) == {"a.yaml": b"A: 1", "noise.txt": noise.encode(), "templates/b.yaml": b"B: 2"}
    assert len(files) == 3
    with pytest.raises(KeyError):
        files["c.yaml"]


def test_an_artifact_that_is_replaced_meanwhile_is_a_fault(
    simulated: Aws, artifact: Callable[[bytes], Artifact]
) -> None:
    reader = InputArtifact(simulated("s3"), artifact(zipped({"a.yaml": "A: 1"})))
    simulated("s3").put_object(Bucket="pipeline", Key="orders/a.zip", Body=zipped({"a.yaml": "A: 2"}))
    with pytest.raises(AwsFault):
        ArtifactFiles(reader)


# -- the two actions ---------------------------------------------------------------------------------------------------


def job(parameters: dict[str, Any], found: Artifact | None = None) -> Job:
    event = copy.deepcopy(SAMPLE)
    data = event["CodePipeline.job"]["data"]
    data["actionConfiguration"]["configuration"]["UserParameters"] = json.dumps(parameters)
    if found is not None:
        data["inputArtifacts"][0]["location"]["s3Location"] = {"bucketName": found.bucket, "objectKey": found.key}
    return parse_job(event)


@pytest.fixture
def registrations(simulated: Aws) -> Registrations:
    stage = """
service_role: arn:aws:iam::123456789012:role/belay/orders
stacks: {web: {name: orders-web}}
policies:
  waivers:
    - {policy: ssh-open, resource: Web, reason: r, owner: o, expires: 2999-12-31}
    - {policy: admin-open, resource: Web, reason: r, owner: o, expires: 2999-12-31}
    - {policy: common-ports, resource: Web, reason: r, owner: o, expires: 2999-12-31}
    - {policy: unlisted-port-open, resource: Web, reason: r, owner: o, expires: 2999-12-31}
    - {policy: broad-source, resource: Web, reason: r, owner: o, expires: 2999-12-31}
"""
    for name, text in {"orders": "stages: [production]", "orders/production": stage}.items():
        simulated("ssm").put_parameter(Name=f"/belay/applications/{name}", Value=text, Type="String")
    return Registrations(ParameterStore(simulated("ssm")), ArtifactBucket(simulated("s3"), "artifacts"))


def test_templates_of_an_artifact_are_validated(
    registrations: Registrations, artifact: Callable[[bytes], Artifact]
) -> None:
    validate = function("validate_template_action").validate
    found = artifact(zipped({"templates/a.yaml": OPEN}))
    asked: dict[str, Any] = {"templates": ["templates/a.yaml"]}
    passing = validate(
        registrations, own_aws().input_artifact, job(asked | {"parameters": {"Source": "10.0.0.0/8"}}, found)
    )
    assert passing.summary.startswith("PASS: templates/a.yaml")
    with pytest.raises(ValidationFailed, match=r"FAIL\ntemplates/a.yaml:8 Web .*ssh-open"):
        validate(registrations, own_aws().input_artifact, job(asked | {"parameters": {"Source": "0.0.0.0/0"}}, found))
    with pytest.raises(ValidationFailed, match="REVIEW"):
        validate(registrations, own_aws().input_artifact, job(asked, found))


def test_an_operator_s_waiver_counts_where_the_action_names_the_stage(
    registrations: Registrations, artifact: Callable[[bytes], Artifact]
) -> None:
    asked = {"templates": ["a.yaml"], "parameters": {"Source": "0.0.0.0/0"}}
    found = artifact(zipped({"a.yaml": OPEN}))
    registered = asked | {"application": "orders", "stage": "production"}
    assert (
        function("validate_template_action")
        .validate(registrations, own_aws().input_artifact, job(registered, found))
        .summary
    )


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"templates": ["b.yaml"]}, "SourceArtifact has no b.yaml"),
        ({"templates": ["a.yaml"], "application": "unknown", "stage": "x"}, "'unknown' is not registered"),
        ({"templates": ["a.yaml"], "application": "orders", "stage": "x"}, "orders has no stage 'x'"),
    ],
)
def test_what_is_not_there_is_a_matter_of_configuration(
    registrations: Registrations, artifact: Callable[[bytes], Artifact], parameters: dict[str, Any], problem: str
) -> None:
    found = artifact(zipped({"a.yaml": OPEN}))
    with pytest.raises(InvalidActionConfiguration, match=problem):
        function("validate_template_action").validate(registrations, own_aws().input_artifact, job(parameters, found))


@pytest.fixture
def stages(simulated: Aws) -> LiveStages:
    def region(name: str = "eu-west-1") -> LiveRegion:
        clients = {each: simulated(each, region_name=name) for each in ("ec2", "rds", "ecs", "elasticache", "elbv2")}
        attached = AttachedGroups(**clients, lambda_=simulated("lambda", region_name=name))
        stacks = Stacks(simulated("cloudformation", region_name=name))
        return LiveRegion(name, stacks, SecurityGroups(clients["ec2"]), attached)

    return LiveStages(region(), ArtifactBucket(simulated("s3"), "artifacts"), region)


def created(simulated: Aws, source: str, region: str = "eu-west-1") -> None:
    simulated("cloudformation", region_name=region).create_stack(
        StackName="orders-web",
        TemplateBody=OPEN,
        Parameters=[{"ParameterKey": "Source", "ParameterValue": source}],
    )


@pytest.mark.parametrize(("source", "passes"), [("10.0.0.0/8", True), ("0.0.0.0/0", False)])
def test_stacks_are_validated_as_they_are(
    simulated: Aws, stages: LiveStages, registrations: Registrations, source: str, passes: bool
) -> None:
    created(simulated, source)
    validate = function("validate_stack_action").validate
    if passes:
        found = validate(stages, registrations, job({"stacks": ["orders-web"]}))
        assert found.continuation_token is None
        assert found.summary.startswith("PASS: orders-web")
    else:
        with pytest.raises(ValidationFailed, match="ssh-open"):
            validate(stages, registrations, job({"stacks": ["orders-web"]}))


def test_stacks_are_validated_in_every_region_of_their_stage(
    simulated: Aws, stages: LiveStages, registrations: Registrations
) -> None:
    stage = """
service_role: arn:aws:iam::123456789012:role/belay/orders
stacks: {web: {name: orders-web}}
regions: [eu-central-1]
"""
    simulated("ssm").put_parameter(
        Name="/belay/applications/orders/production", Value=stage, Type="String", Overwrite=True
    )
    created(simulated, "10.0.0.0/8")
    asked = job({"stacks": ["orders-web"], "application": "orders", "stage": "production"})
    validate = function("validate_stack_action").validate
    with pytest.raises(InvalidActionConfiguration, match=r"there is no stack orders-web in eu-central-1$"):
        validate(stages, registrations, asked)
    created(simulated, "0.0.0.0/0", "eu-central-1")
    with pytest.raises(ValidationFailed, match=r"FAIL\norders-web in eu-central-1 sg-.*ssh-open"):
        validate(stages, registrations, asked)


def test_a_stack_that_is_being_changed_is_waited_for(
    simulated: Aws, stages: LiveStages, registrations: Registrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    created(simulated, "10.0.0.0/8")
    described = stages.home.stacks.describe_stack("orders-web") or {}
    monkeypatch.setattr(Stacks, "describe_stack", lambda self, name: described | {"StackStatus": "UPDATE_IN_PROGRESS"})
    validate = function("validate_stack_action").validate
    first = validate(stages, registrations, job({"stacks": ["orders-web"]}))
    assert (first.continuation_token, "waiting for orders-web" in first.summary) == ("1", True)


def test_a_stack_that_does_not_exist_is_a_matter_of_configuration(
    stages: LiveStages, registrations: Registrations
) -> None:
    with pytest.raises(InvalidActionConfiguration, match="there is no stack orders-web"):
        function("validate_stack_action").validate(stages, registrations, job({"stacks": ["orders-web"]}))
