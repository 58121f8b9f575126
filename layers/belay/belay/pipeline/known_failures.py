"""Known pipeline failures: how to recognize each, and its likely fix.

``docs/pipeline-failures.md`` is made from this table.
"""

import re
from dataclasses import dataclass
from typing import Final

_CODEBUILD: Final = "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"
_CODEDEPLOY: Final = "https://docs.aws.amazon.com/codedeploy/latest/userguide/error-codes.html"
_DEPLOYMENTS: Final = "https://docs.aws.amazon.com/codedeploy/latest/userguide/troubleshooting-deployments.html"
_HOOKS: Final = "https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html"
_CLOUDFORMATION: Final = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"
_CODEPIPELINE: Final = "https://docs.aws.amazon.com/codepipeline/latest/userguide/troubleshooting.html"
_APPROVALS: Final = "https://docs.aws.amazon.com/codepipeline/latest/userguide/approvals.html"


@dataclass(frozen=True)
class KnownFailure:
    """One way to fail.

    ``providers`` are the action providers that it applies to (if empty, all), ``pattern`` is matched against error
    codes, messages and the log's last lines; ``example`` is a text as AWS writes it.
    """

    slug: str
    providers: tuple[str, ...]
    pattern: re.Pattern[str]
    example: str
    fix: str
    link: str


def _known(slug: str, providers: str, pattern: str, *, example: str, fix: str, link: str) -> KnownFailure:
    return KnownFailure(slug, tuple(providers.split()), re.compile(pattern, re.IGNORECASE), example, fix, link)


KNOWN_FAILURES: Final[tuple[KnownFailure, ...]] = (
    _known(
        "missing-buildspec",
        "CodeBuild",
        r"YAML_FILE_ERROR.*(?:YAML file does not exist|buildspec.*(?:not found|no such file))",
        example="YAML_FILE_ERROR: YAML file does not exist",
        fix="Put buildspec.yml into the root of the source, or set its path in the project; with several input "
        "artifacts it must be in the primary one.",
        link=_CODEBUILD,
    ),
    _known(
        "wrong-runtime",
        "CodeBuild",
        r"Unknown runtime version|runtime version .* (?:not supported|is not)|selecting at least one runtime version",
        example="YAML_FILE_ERROR: Unknown runtime version named '3.6' of python. This build image has the following "
        "versions: 3.9, 3.10, 3.11, 3.12, 3.13",
        fix="Use a runtime version in the buildspec's install phase that the project's image has, or change the image.",
        link="https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html",
    ),
    _known(
        "invalid-buildspec",
        "CodeBuild",
        r"YAML_FILE_ERROR",
        example="YAML_FILE_ERROR: wrong number of container tags, expected 1",
        fix="Correct the buildspec: the usual suspects are indentation, an unquoted colon, and a missing version: 0.2.",
        link="https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html",
    ),
    _known(
        "image-not-pulled",
        "CodeBuild",
        r"UNABLE_TO_PULL_IMAGE|Unable to pull customer's container image",
        example="BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE: Unable to pull customer's container image. "
        "CannotPullContainerError",
        fix="Check that the image and tag exist and that the registry's policy and the project's role allow CodeBuild "
        "to pull it; in a VPC the project needs a route to the registry.",
        link=_CODEBUILD,
    ),
    _known(
        "pull-rate-limit",
        "CodeBuild",
        r"toomanyrequests|reached your (?:unauthenticated )?pull rate limit",
        example="toomanyrequests: You have reached your pull rate limit.",
        fix="Pull base images from Amazon ECR (a pull-through cache or the public gallery), or log in to the registry.",
        link="https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html",
    ),
    _known(
        "docker-not-privileged",
        "CodeBuild",
        r"Cannot connect to the Docker daemon",
        example="Cannot connect to the Docker daemon at unix:/var/run/docker.sock. Is the docker daemon running?",
        fix="Turn on privileged mode in the project's environment: building images needs it.",
        link=_CODEBUILD,
    ),
    _known(
        "no-artifacts",
        "CodeBuild",
        r"no matching (?:artifact|base directory) paths? found",
        example="CLIENT_ERROR: no matching artifact paths found",
        fix="Correct artifacts.files or base-directory in the buildspec, or the step that should have created the "
        "files.",
        link=_CODEBUILD,
    ),
    _known(
        "build-key-not-found",
        "CodeBuild",
        r"KMS\.NotFoundException",
        example="CLIENT_ERROR: Error in UPLOAD_ARTIFACTS phase: KMS.NotFoundException: Key "
        "'arn:aws:kms:eu-west-1:111122223333:key/6a7e' does not exist",
        fix="CodeBuild encrypts with the project's key, not the pipeline's: give the project the key that the "
        "pipeline's artifact store names, by its ARN (a key's id or an alias is looked for in the project's own "
        "account), and check that the key was not deleted.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-create-cross-account.html",
    ),
    _known(
        "build-out-of-memory",
        "CodeBuild",
        r"Build container found dead|exit status 137|Cannot allocate memory|JavaScript heap out of memory",
        example="INTERNAL_ERROR: Build container found dead before completing the build",
        fix="Give the project a larger compute type, or make the build use less memory.",
        link=_CODEBUILD,
    ),
    _known(
        "command-not-found",
        "CodeBuild",
        r"exit status 127|command not found",
        example="COMMAND_EXECUTION_ERROR: Error while executing command: sam build. Reason: exit status 127",
        fix="Install the program in the buildspec's install phase, or use an image that has it.",
        link=_CODEBUILD,
    ),
    _known(
        "build-timed-out",
        "CodeBuild",
        r"BUILD_TIMED_OUT|Build has timed out|phase \w+ is TIMED_OUT",
        example="BUILD_TIMED_OUT: Build has timed out.",
        fix="Find the step that hangs (its last log lines are above), or raise the project's build timeout.",
        link="https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html",
    ),
    _known(
        "build-queue-full",
        "CodeBuild",
        r"Cannot have more than \d+ (?:active )?builds in queue|AccountLimitExceeded",
        example="Cannot have more than 1 builds in queue for the account",
        fix="Wait for other builds to end, or request a higher quota of concurrently running builds.",
        link="https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html",
    ),
    _known(
        "no-network",
        "CodeBuild",
        r"dial tcp [^\n]*(?:i/o timeout|connection refused)|Could not resolve host|Temporary failure in name "
        r"resolution",
        example="RequestError: send request failed caused by: dial tcp 52.46.130.90:443: i/o timeout",
        fix="A project in a VPC needs private subnets with a NAT gateway or VPC endpoints, and a security group that "
        "allows outbound traffic.",
        link="https://docs.aws.amazon.com/codebuild/latest/userguide/vpc-support.html",
    ),
    _known(
        "agent-not-running",
        "CodeDeploy CodeDeployToECS",
        r"AGENT_ISSUE|CodeDeploy agent was not able to receive the lifecycle event|make sure the agent is running",
        example="CodeDeploy agent was not able to receive the lifecycle event. Check the CodeDeploy agent logs on "
        "your host and make sure the agent is running and can connect to the CodeDeploy server.",
        fix="Start the CodeDeploy agent on the instance (sudo systemctl start codedeploy-agent); its instance profile "
        "must be able to read the revision, and the instance must be able to reach CodeDeploy's endpoint.",
        link="https://docs.aws.amazon.com/codedeploy/latest/userguide/codedeploy-agent-operations-verify.html",
    ),
    _known(
        "no-instances",
        "CodeDeploy",
        r"NO_INSTANCES|No instances (?:were )?found for your deployment group",
        example="NO_INSTANCES: The deployment failed because no instances were found for your deployment group.",
        fix="Correct the deployment group's tags or Auto Scaling group, and check that its instances are running.",
        link=_CODEDEPLOY,
    ),
    _known(
        "missing-appspec",
        "CodeDeploy",
        r"did not find an AppSpec file",
        example="The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at "
        'revision-relative path "appspec.yml".',
        fix="Put appspec.yml, with exactly this name, into the root of the revision, not into a folder of the archive.",
        link=_DEPLOYMENTS,
    ),
    _known(
        "script-timed-out",
        "CodeDeploy",
        r"ScriptTimedOut|Script at specified location: \S+ failed to complete in \d+ seconds",
        example="ScriptTimedOut: Script at specified location: scripts/validate.sh failed to complete in 300 seconds",
        fix="Make the script wait less, or raise the hook's timeout in appspec.yml; for ValidateService the usual "
        "reason is a health check that never passes.",
        link=_HOOKS,
    ),
    _known(
        "script-not-executable",
        "CodeDeploy",
        r"ScriptNotExecutable|is not executable",
        example="ScriptNotExecutable: Script at specified location: scripts/start.sh is not executable. Trying to "
        "make it executable.",
        fix="Keep the executable bit of the script in the revision (git update-index --chmod=+x).",
        link=_HOOKS,
    ),
    _known(
        "script-missing",
        "CodeDeploy",
        r"ScriptMissing|Script does not exist at specified location",
        example="ScriptMissing: Script does not exist at specified location: "
        "/opt/codedeploy-agent/deployment-root/x.sh",
        fix="Correct the hook's location in appspec.yml: it is relative to the root of the revision.",
        link=_HOOKS,
    ),
    _known(
        "script-failed",
        "CodeDeploy",
        r"ScriptFailed|failed with exit code \d+",
        example="ScriptFailed: Script at specified location: scripts/start.sh run as user root failed with exit code 1",
        fix="Read the script's last lines in the evidence, correct it, and release again.",
        link=_HOOKS,
    ),
    _known(
        "health-constraints",
        "CodeDeploy",
        r"HEALTH_CONSTRAINTS|too many individual instances failed deployment|too few healthy instances",
        example="HEALTH_CONSTRAINTS: The overall deployment failed because too many individual instances failed "
        "deployment, too few healthy instances are available for deployment",
        fix="Look at the first instance that failed; if its own event has no error, the deployment configuration "
        "requires more healthy instances than the group has.",
        link="https://docs.aws.amazon.com/codedeploy/latest/userguide/instances-health.html",
    ),
    _known(
        "deployment-alarm",
        "CodeDeploy CodeDeployToECS",
        r"ALARM_ACTIVE|One or more alarms have been activated",
        example="ALARM_ACTIVE: One or more alarms have been activated according to the Amazon CloudWatch metrics you "
        "selected, and the affected deployments have been stopped.",
        fix="Find what drove the alarm: the new version, most likely. Fix it before releasing again.",
        link="https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-create-alarms.html",
    ),
    _known(
        "ecs-health-check",
        "CodeDeployToECS ECS CodeDeploy CloudFormation",
        r"ECS Deployment Circuit Breaker was triggered|tasks? failed (?:ELB|container|to start|health)|"
        r"failed (?:ELB )?health checks|ECS deployment timed out while waiting|not stabilize",
        example="Resource handler returned message: Error occurred during operation 'ECS Deployment Circuit Breaker "
        "was triggered'.",
        fix="Find out why the new tasks stop (aws ecs describe-tasks: stoppedReason). A health check that passes too "
        "late needs a longer healthCheckGracePeriodSeconds or another path.",
        link="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting.html",
    ),
    _known(
        "hook-function-failed",
        "CodeDeploy CodeDeployToECS",
        r"HOOK_EXECUTION_FAILURE|validation hook function failed|lifecycle event hook .*fail",
        example="HOOK_EXECUTION_FAILURE: The Lambda function that validates the deployment failed.",
        fix="Read the hook function's log. It must call PutLifecycleEventHookExecutionStatus within an hour.",
        link=_HOOKS,
    ),
    _known(
        "revision-missing",
        "CodeDeploy",
        r"REVISION_MISSING|revision (?:ID )?(?:was|could) not (?:be )?found",
        example="REVISION_MISSING: The application revision could not be found.",
        fix="Check that the artifact is still in its bucket: a lifecycle rule may have deleted it.",
        link=_CODEDEPLOY,
    ),
    _known(
        "missing-image-definitions",
        "ECS",
        r"did not find (?:the )?image definition file|imagedefinitions\.json",
        example="Invalid action configuration. Did not find the image definition file imagedefinitions.json in the "
        "input artifacts ZIP file. Verify the file is stored in your pipeline's Amazon S3 artifact bucket",
        fix="Make the build write imagedefinitions.json (name and imageUri) and list it in the buildspec's artifacts.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/file-reference.html",
    ),
    _known(
        "missing-task-definition",
        "CodeDeployToECS",
        r"Exception while trying to read the (?:task definition|app ?spec|image) artifact file",
        example="Exception while trying to read the task definition artifact file from: BuildArtifact",
        fix="Set the action's TaskDefinitionTemplateArtifact or AppSpecTemplateArtifact to the artifact with the "
        "file; the artifact may have at most 3 MB.",
        link=_CODEPIPELINE,
    ),
    _known(
        "stack-needs-deletion",
        "CloudFormation",
        r"is in (?:ROLLBACK_COMPLETE|ROLLBACK_FAILED|DELETE_FAILED|REVIEW_IN_PROGRESS) state and can ?not be updated",
        example="Stack:arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/6a7e is in ROLLBACK_COMPLETE state "
        "and can not be updated.",
        fix="A stack whose creation failed can only be deleted: check what is in it, delete it, and release again.",
        link=_CLOUDFORMATION,
    ),
    _known(
        "stack-rollback-failed",
        "CloudFormation",
        r"is in UPDATE_ROLLBACK_FAILED state",
        example="Stack:arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/6a7e is in UPDATE_ROLLBACK_FAILED "
        "state and can not be updated.",
        fix="Fix what kept the rollback from finishing, then continue the rollback; Belay does so for registered "
        "stacks.",
        link="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
        "using-cfn-updating-stacks-continueupdaterollback.html",
    ),
    _known(
        "missing-capabilities",
        "CloudFormation",
        r"Requires capabilities|InsufficientCapabilities",
        example="Requires capabilities : [CAPABILITY_NAMED_IAM] (Service: CloudFormation, Error Code: "
        "InsufficientCapabilitiesException)",
        fix="Add the capability to the action's Capabilities, after checking what the template does with IAM.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html",
    ),
    _known(
        "name-taken",
        "CloudFormation",
        r"already exists",
        example="orders-assets already exists in stack arn:aws:cloudformation:eu-west-1:111122223333:stack/old/6a7e",
        fix="Another resource has this name. Let CloudFormation generate the name, delete what is left over, or "
        "import it.",
        link=_CLOUDFORMATION,
    ),
    _known(
        "export-in-use",
        "CloudFormation",
        r"Export \S+ cannot be (?:updated|deleted|removed)|Cannot delete export",
        example="Export orders-vpc cannot be updated as it is in use by orders-service",
        fix="First release the stack that imports it without the import; then change or remove the export.",
        link="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html",
    ),
    _known(
        "template-not-in-artifact",
        "CloudFormation",
        r"File \[\S+\] does not exist in artifact",
        example="File [packaged.yaml] does not exist in artifact [BuildOutput]",
        fix="Correct the action's TemplatePath, or list the file in the artifacts of the buildspec that creates it.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html",
    ),
    _known(
        "obsolete-change-set",
        "CloudFormation",
        r"status of \[?OBSOLETE|change ?set .*\bobsolete",
        example="ChangeSet [arn:aws:cloudformation:eu-west-1:111122223333:changeSet/release/6a7e] cannot be executed "
        "in its current execution status of [OBSOLETE]",
        fix="Somebody updated the stack after the change set was made: make a new one from the stack as it is now "
        "(start again from the action that creates it), and let one thing at a time deploy the stack.",
        link="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html",
    ),
    _known(
        "early-validation",
        "CloudFormation",
        r"AWS::EarlyValidation::|Early Validation error",
        example="The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To "
        "troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.",
        fix="Nothing was changed. aws cloudformation describe-events --change-set-name, with the change set's ARN, "
        "names resource, property and reason: correct that in the template, or import or rename what exists.",
        link="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html",
    ),
    _known(
        "no-change-set",
        "CloudFormation",
        r"ChangeSet \[\S+\] does not exist|ChangeSetNotFound",
        example="ChangeSet [release] does not exist",
        fix="Use the same stack and change set in the action that creates it and in the one that executes it; "
        "executing another change set of the stack deletes it.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CloudFormation.html",
    ),
    _known(
        "source-object-missing",
        "S3",
        r"(?:object with key|object key) \S+ (?:does not exist|could not be found)|NoSuchKey|NoSuchVersion",
        example="The Amazon S3 object with key releases/orders.zip does not exist",
        fix="Upload the source under the key that the source action watches, or correct the action's S3ObjectKey.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html",
    ),
    _known(
        "bucket-not-versioned",
        "S3",
        r"versioning .*(?:not enabled|disabled)|bucket .* (?:is not|must be) version",
        example="The bucket orders-source must be versioned: versioning is not enabled",
        fix="Turn on versioning of the source bucket.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html",
    ),
    _known(
        "connection-unavailable",
        "CodeStarSourceConnection GitHub",
        r"Connection \S+ (?:is )?not (?:available|found)|Unable to use Connection|No Branch \[\S+\] found",
        example="Unable to use Connection: arn:aws:codestar-connections:eu-west-1:111122223333:connection/6a7e. The "
        "provided role does not have sufficient permissions.",
        fix="Complete the connection's handshake in the console, allow the pipeline's role to use it, and check the "
        "branch's name.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html",
    ),
    _known(
        "missing-artifact",
        "",
        r"Unable to access the artifact|artifact .* (?:could not be found|does not exist|is missing)|"
        r"Unable to locate artifact|The specified key does not exist",
        example="Unable to access the artifact with Amazon S3 object key 'orders/BuildOut/AbCdEfG' located in the "
        "Amazon S3 artifact bucket 'codepipeline-eu-west-1'.",
        fix="Make the earlier action declare the output artifact that this one uses as input; if it does, a lifecycle "
        "rule of the artifact bucket may have deleted it: start the pipeline again.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/welcome-introducing-artifacts.html",
    ),
    _known(
        "missing-permission",
        "",
        r"not authorized to perform|Access ?Denied|IAM_ROLE_PERMISSIONS|does not have (?:sufficient )?permissions?|"
        r"sufficient permissions|UnauthorizedOperation|PermissionError",
        example="User: arn:aws:sts::111122223333:assumed-role/orders-build/AWSCodeBuild-6a7e is not authorized to "
        "perform: s3:PutObject on resource: arn:aws:s3:::orders-assets/index.html",
        fix="Allow the role in the message the action in the message, on that resource only.",
        link="https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
    ),
    _known(
        "approval-expired",
        "Manual",
        r"nobody answered",
        example="nobody answered the approval Review within 7 days",
        fix="Start the pipeline again, and check that its approvers are notified; the action's TimeoutInMinutes gives "
        "them more time.",
        link=_APPROVALS,
    ),
    _known(
        "approval-rejected",
        "Manual",
        r"was rejected",
        example="the approval Review was rejected by arn:aws:iam::111122223333:user/mary: not before Monday",
        fix="Ask the person who rejected it; then release what they want changed.",
        link=_APPROVALS,
    ),
    _known(
        "action-timed-out",
        "",
        r"ActionTimedOut|action (?:execution )?(?:has )?timed out|timed? ?out",
        example="The action timed out: no result was received within 60 minutes",
        fix="Find out what the action's provider was doing. A Lambda function of an Invoke action must report the "
        "result of its job.",
        link="https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html",
    ),
)
"""In order of precedence: the first match is reported."""


def known_failure(provider: str, text: str) -> KnownFailure | None:
    """Return the known failure that a text matches, if any."""
    for each in KNOWN_FAILURES:
        if (not each.providers or provider in each.providers) and each.pattern.search(text):
            return each
    return None


def document() -> str:
    """Return ``docs/pipeline-failures.md``."""
    rows = [
        f"| `{each.slug}` | {', '.join(each.providers) or 'every provider'} | {each.example} | {each.fix} "
        f"| [AWS]({each.link}) |"
        for each in KNOWN_FAILURES
    ]
    return "\n".join([_INTRODUCTION, *rows]) + "\n"


_INTRODUCTION: Final = """# Known pipeline failures

When an execution of a [registered pipeline](pipelines.md) fails, Belay reports the root cause with its evidence. If the
cause is one of these, it also reports the likely fix. The first match counts.

Written from `layers/belay/belay/pipeline/known_failures.py` by `python -m cli.pipeline_failures`.

| name | provider | example of AWS's text | likely fix | more |
| --- | --- | --- | --- | --- |"""
