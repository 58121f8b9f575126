"""The demo's pipeline: an execution that deploys a stack of production and then fails in CodeDeploy.

The engine does not run pipelines. The stack is really updated; the responses of CodePipeline and CodeDeploy are
scripted, in the shapes of botocore's models, and the events are AWS's documented samples with this execution's id.
"""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from local.engine import ROOT, EmbeddedEngine

STAGE: Final = "production"
STACK: Final = "orders-production-network"
DEPLOYMENT: Final = "d-ABCDEF123"
PREPARED_WITHIN_SECONDS: Final = 60.0

_EVENTS: Final = ROOT / "events" / "aws.codepipeline"
_ADDED: Final = "Resources:\n  AddedByPipeline:\n    Type: AWS::SNS::Topic\n"
_SCRIPT_LOG: Final = (
    "LifecycleEvent - ValidateService\n"
    "Script - scripts/validate.sh\n"
    "[stdout]waiting for http://orders:hunter2@127.0.0.1:8080/health\n"
    "[stderr]curl: (7) Failed to connect to 127.0.0.1 port 8080: Connection refused\n"
)


class NotPreparedError(Exception):
    """Belay did not see the pipeline enter its pre-deployment stage."""


class FailingPipeline:
    """Plays one execution of a pipeline that an application's production stage registers."""

    def __init__(self, engine: EmbeddedEngine, outputs: Mapping[str, str], application: str, pipeline: str) -> None:
        self._engine = engine
        self._table = outputs["LedgerTableName"]
        self._application = application
        self._pipeline = pipeline
        self._execution = str(uuid.uuid4())
        self._actions: list[dict[str, Any]] = []

    def run(self) -> None:
        """Enter the pre-deployment stage, deploy the stack and fail, each with its event."""
        registration = self._register()
        self._act("PreDeployment", "Check", "Lambda", {"FunctionName": "check-orders"})
        self._answer("InProgress")
        self._wait_until_prepared()
        self._end("Succeeded")
        self._act("Deploy", "Network", "CloudFormation", {"StackName": STACK, "ActionMode": "CREATE_UPDATE"})
        self._answer("InProgress")
        self._send("stage", "started", "Deploy")
        self._update_stack()
        self._end("Succeeded")
        self._act("Deploy", "Instances", "CodeDeploy", {"ApplicationName": self._application})
        self._fail()
        self._answer("Failed")
        self._send("pipeline", "failed")
        self._ssm.put_parameter(**registration, Overwrite=True)

    def outcome(self) -> str | None:
        """Return the outcome of the execution's incident, or None while it is open."""
        items = self._engine.client("dynamodb").query(
            TableName=self._table,
            KeyConditionExpression="PK = :pk AND begins_with(SK, :incident)",
            FilterExpression="details.subject.execution = :execution",
            ExpressionAttributeValues={
                ":pk": {"S": f"APPLICATION#{self._application}"},
                ":incident": {"S": "INCIDENT#"},
                ":execution": {"S": self._execution},
            },
            ConsistentRead=True,
        )["Items"]
        found: str | None = items[0].get("outcome", {}).get("S") if items else None
        return found

    @property
    def _ssm(self) -> Any:
        return self._engine.client("ssm")

    def _register(self) -> dict[str, str]:
        """Add the pipeline to the stage's registration. Returns the parameter as it was."""
        name = f"/belay/applications/{self._application}/{STAGE}"
        before = self._ssm.get_parameter(Name=name)["Parameter"]["Value"]
        named = f"pipeline: {{name: {self._pipeline}, pre_deployment_stage: PreDeployment, deployment_stage: Deploy}}\n"
        self._ssm.put_parameter(Name=name, Value=before + named, Type="String", Overwrite=True)
        return {"Name": name, "Value": before, "Type": "String"}

    def _act(self, stage: str, action: str, provider: str, configuration: dict[str, str]) -> None:
        now = time.time()
        category = "Invoke" if provider == "Lambda" else "Deploy"
        kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
        self._actions.append(
            {
                "pipelineExecutionId": self._execution,
                "actionExecutionId": str(uuid.uuid4()),
                "stageName": stage,
                "actionName": action,
                "startTime": now,
                "lastUpdateTime": now,
                "status": "InProgress",
                "input": {"actionTypeId": kind, "configuration": configuration},
            }
        )

    def _end(self, status: str) -> None:
        self._actions[-1] |= {"status": status, "lastUpdateTime": time.time()}

    def _fail(self) -> None:
        """Make CodeDeploy's script for the ValidateService event time out."""
        said = "Script at specified location: scripts/validate.sh failed to complete in 300 seconds"
        result = {
            "externalExecutionId": DEPLOYMENT,
            "externalExecutionSummary": "Deployment failed",
            "errorDetails": {"code": "JobFailed", "message": f"Deployment {DEPLOYMENT} failed"},
        }
        self._end("Failed")
        self._actions[-1]["output"] = {"executionResult": result}
        diagnostics = {"errorCode": "ScriptTimedOut", "scriptName": "scripts/validate.sh", "message": said}
        event = {
            "lifecycleEventName": "ValidateService",
            "status": "Failed",
            "endTime": time.time(),
            "diagnostics": diagnostics | {"logTail": _SCRIPT_LOG},
        }
        target = {"targetId": "i-0123456789abcdef0", "status": "Failed", "lifecycleEvents": [event]}
        deployment = {
            "applicationName": self._application,
            "deploymentGroupName": STAGE,
            "deploymentId": DEPLOYMENT,
            "status": "Failed",
            "errorInformation": {
                "code": "HEALTH_CONSTRAINTS",
                "message": "The overall deployment failed because too many individual instances failed deployment",
            },
        }
        only = {"deploymentId": DEPLOYMENT}
        script = self._engine.script
        script("codedeploy", "GetDeployment", {"deploymentInfo": deployment}, only_if=only)
        script("codedeploy", "ListDeploymentTargets", {"targetIds": [target["targetId"]]}, only_if=only)
        targets = [{"deploymentTargetType": "InstanceTarget", "instanceTarget": target}]
        script("codedeploy", "BatchGetDeploymentTargets", {"deploymentTargets": targets}, only_if=only)

    def _answer(self, status: str) -> None:
        """Script CodePipeline's responses for the execution's current state."""
        named = {"pipelineName": self._pipeline, "pipelineExecutionId": self._execution}
        script = self._engine.script
        script(
            "codepipeline",
            "GetPipelineExecution",
            {"pipelineExecution": {**named, "status": status, "pipelineVersion": 1}},
            only_if=named,
        )
        script(
            "codepipeline",
            "ListActionExecutions",
            {"actionExecutionDetails": list(reversed(self._actions))},
            only_if={"pipelineName": self._pipeline, "filter": {"pipelineExecutionId": self._execution}},
        )
        stages: list[dict[str, Any]] = [{"name": name, "actions": []} for name in ("PreDeployment", "Deploy")]
        structure = {"name": self._pipeline, "roleArn": "arn:aws:iam::000000000000:role/pipeline", "stages": stages}
        script("codepipeline", "GetPipeline", {"pipeline": structure}, only_if={"name": self._pipeline})

    def _send(self, kind: str, state: str, stage: str | None = None) -> None:
        event = json.loads((_EVENTS / f"{kind}_execution_state_change.{state}.json").read_text())
        detail = event["detail"] | {"pipeline": self._pipeline, "execution-id": self._execution}
        if stage is not None:
            detail["stage"] = stage
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(detail)}
        self._engine.client("events").put_events(Entries=[entry])

    def _wait_until_prepared(self) -> None:
        """Send the event, which may come more than once, until Belay has prepared the stage."""
        deadline = time.monotonic() + PREPARED_WITHIN_SECONDS
        while not self._prepared():
            if time.monotonic() > deadline:
                raise NotPreparedError(f"no snapshot and no baselines for the execution {self._execution}")
            self._send("stage", "started", "PreDeployment")
            time.sleep(1)

    def _prepared(self) -> bool:
        key = {"PK": f"APPLICATION#{self._application}", "SK": f"PIPELINE#{STAGE}#{self._execution}"}
        item = self._engine.client("dynamodb").get_item(
            TableName=self._table, Key={name: {"S": value} for name, value in key.items()}, ConsistentRead=True
        )
        return "PREPARED" in item.get("Item", {}).get("done", {}).get("SS", [])

    def _update_stack(self) -> None:
        """Add a resource to the stack, as the pipeline's CloudFormation action would."""
        cloudformation = self._engine.client("cloudformation")
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        template = cloudformation.get_template(StackName=STACK, TemplateStage="Original")["TemplateBody"]
        kept = [{"ParameterKey": each["ParameterKey"], "UsePreviousValue": True} for each in stack["Parameters"]]
        cloudformation.update_stack(
            StackName=STACK, TemplateBody=template.replace("Resources:\n", _ADDED, 1), Parameters=kept
        )
        cloudformation.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
