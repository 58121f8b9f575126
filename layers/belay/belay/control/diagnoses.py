"""Gathering what AWS reports about a failed execution of a pipeline."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from belay.aws.cloudformation import Stacks
from belay.aws.codebuild import Builds
from belay.aws.codedeploy import Deployments
from belay.aws.logs import LogStreams
from belay.errors import AwsFault
from belay.pipeline.diagnosis import Diagnosis, Evidence, diagnose
from belay.pipeline.execution import ActionExecution, PipelineExecution

_CLOCKS_DIFFER = timedelta(seconds=5)


class Diagnoses:
    """Finds why executions failed."""

    def __init__(self, builds: Builds, logs: LogStreams, deployments: Deployments, stacks: Stacks) -> None:
        self._builds = builds
        self._logs = logs
        self._deployments = deployments
        self._stacks = stacks

    def of(self, seen: PipelineExecution) -> Diagnosis:
        """Return why an execution failed. A denied read is stated in the diagnosis, not raised."""
        failed = seen.first_failure
        evidence = Evidence()
        if failed is not None and failed.provider == "CodeBuild":
            evidence = self._read(evidence, lambda: self._of_build(failed))
        if failed is not None and failed.provider in ("CodeDeploy", "CodeDeployToECS"):
            evidence = self._read(evidence, lambda: self._of_deployment(failed))
        if failed is not None and failed.provider == "CloudFormation":
            evidence = self._read(evidence, lambda: self._of_stack(failed))
        return diagnose(seen, evidence)

    @staticmethod
    def _read(evidence: Evidence, read: Callable[[], Evidence]) -> Evidence:
        try:
            return read()
        except AwsFault as fault:
            return replace(evidence, unread=(*evidence.unread, f"more could not be read: {fault}"))

    def _of_build(self, failed: ActionExecution) -> Evidence:
        build = None if failed.external_id is None else self._builds.get_build(failed.external_id)
        if build is None:
            return Evidence()
        where = build.get("logs", {})
        if not where.get("groupName") or not where.get("streamName"):
            return Evidence(build=build)
        found = self._read(
            Evidence(build=build), lambda: Evidence(log=self._logs.last_lines(where["groupName"], where["streamName"]))
        )
        return replace(found, build=build)

    def _of_deployment(self, failed: ActionExecution) -> Evidence:
        if failed.external_id is None:
            return Evidence()
        deployment = self._deployments.get_deployment(failed.external_id)
        found = self._read(
            Evidence(), lambda: Evidence(targets=self._deployments.failed_targets(str(failed.external_id)))
        )
        return replace(found, deployment=deployment)

    def _of_stack(self, failed: ActionExecution) -> Evidence:
        """The stack's own failure, unless its last operation was before the action, in which case the action itself
        failed.
        """
        name = failed.configuration.get("StackName")
        description = None if name is None else self._stacks.describe_stack(name)
        if description is None:
            return Evidence()
        newest = self._stacks.newest_event(description["StackId"])
        if newest is None or newest["Timestamp"] < failed.started - _CLOCKS_DIFFER:
            return Evidence()
        return Evidence(stack=self._stacks.first_cause(description["StackId"], newest.get("ClientRequestToken")))
