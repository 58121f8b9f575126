"""The gateways of one account and region: the only place that creates boto3 clients, each when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property, partial
from threading import RLock
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.loaders import Loader, create_loader

from belay.aws.clients import ORDINARY, PATIENT
from belay.aws.faults import NOT_LET, translated
from belay.errors import AccessDenied

# A gateway is imported when it is first used, so that a cold start pays only for what its step needs.
if TYPE_CHECKING:
    from belay.aws.application_autoscaling import ScalableTargets
    from belay.aws.attached_groups import AttachedGroups
    from belay.aws.cloudformation import ResourceDrift, Stacks
    from belay.aws.cloudwatch import Alarms
    from belay.aws.codebuild import Builds
    from belay.aws.codedeploy import Deployments
    from belay.aws.codepipeline import InputArtifact, Jobs
    from belay.aws.database_copies import DatabaseCopies
    from belay.aws.dynamodb import ParameterTables, Table
    from belay.aws.ec2 import SecurityGroups
    from belay.aws.ecs import Services
    from belay.aws.event_rules import EventRules
    from belay.aws.executors import Executors
    from belay.aws.iam import Roles
    from belay.aws.kms import MacKey, ValueKey
    from belay.aws.logs import LogStreams
    from belay.aws.pipelines import Pipelines
    from belay.aws.rds import Databases
    from belay.aws.s3 import ArtifactBucket, Buckets, ReleaseBucket
    from belay.aws.secretsmanager import Secrets
    from belay.aws.sessions import Session
    from belay.aws.sns import Notifications
    from belay.aws.ssm import ParameterStore, ParameterVersions
    from belay.aws.stepfunctions import Executions
    from belay.aws.sweep_function import SweepFunction
    from belay.aws.template_validator import TemplateValidator
    from belay.aws.uploads import Uploads
    from belay.aws.verify_functions import VerifyFunctions
    from belay.pipeline.job import Artifact, Credentials
    from belay.release.place import AccountRegion, Power, StagePlace

_MAKING = RLock()
"""boto3 makes clients in one thread at a time only, and the console has several:
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html"""

_MOST_OTHERS = 16
"""A process serves many releases, each with its own sessions: the oldest are dropped."""


class Aws:
    """The services of one account in one region, by default the one that the process runs in.

    ``make`` creates a client as ``boto3.client`` does, with this account's credentials. Retries are botocore's standard
    mode; faults that remain are raised by the gateways as ``Throttled`` or ``ServiceUnavailable``, for the state
    machine to retry with longer waits.
    """

    def __init__(self, region: str | None = None, make: Callable[..., Any] | None = None) -> None:
        self._region = region
        self._make: Callable[..., Any] = make or boto3.client
        self._clients: dict[tuple[str, bool], Any] = {}
        self._others: dict[tuple[Any, ...], Aws] = {}

    # -- other accounts and regions ------------------------------------------------------------------------------

    def in_region(self, region: str) -> Aws:
        """Return the services in another region of the account; cached."""
        return self._other((region,), lambda: Aws(region, self._make))

    def at(self, place: StagePlace | None, power: Power, session: Session) -> Aws:
        """Return the services at a stage's place: these if it is Belay's own account and region; cached.

        The power's role is assumed with the first call, and its credentials are renewed before they expire: those of a
        role that was itself assumed last an hour at most
        (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining). A call raises
        ``AccessDenied`` if the role may not be assumed.
        """
        there = self.elsewhere(place)
        return self if there is None else self.assuming(there.roles.of(power), there.region, session)

    def assuming(self, role: str, region: str, session: Session) -> Aws:
        """Return the services that a role reaches in a region, with the role assumed as in ``at``; cached.

        A session that was denied something is dropped: its role may have been recreated, or its sessions revoked, and
        the next call gets a new one.
        """
        key = (role, region, session)
        forget = partial(self._others.pop, key, None)
        return self._other(key, lambda: Aws(region, _with_renewed(partial(self._assume, role, session), forget)))

    @cached_property
    def here(self) -> AccountRegion:
        """This account and region."""
        from belay.release.place import AccountRegion

        return AccountRegion(self.partition, self.account, self.region)

    def elsewhere(self, place: StagePlace | None) -> StagePlace | None:
        """Return a place, or None if it is this one; another region is ruled out without looking up the account."""
        if place is None or (place.region == self.region and place.account == self.account):
            return None
        return place

    def _other(self, key: tuple[Any, ...], make: Callable[[], Aws]) -> Aws:
        if key not in self._others:
            self._others[key] = make()
            for oldest in list(self._others)[:-_MOST_OTHERS]:
                del self._others[oldest]
        return self._others[key]

    def _assume(self, role: str, session: Session) -> dict[str, str]:
        try:
            with translated("STS.AssumeRole"):
                answer = self.client("sts").assume_role(RoleArn=role, **session.request)["Credentials"]
        except AccessDenied as fault:
            raise session.refused(role, fault) from fault
        return {
            "access_key": answer["AccessKeyId"],
            "secret_key": answer["SecretAccessKey"],
            "token": answer["SessionToken"],
            "expiry_time": answer["Expiration"].isoformat(),
        }

    def client(self, service: str, *, patient: bool = False) -> Any:
        """Return the client of a service, for a gateway; cached. A ``patient`` one waits longer, and does not retry."""
        with _MAKING:
            if (service, patient) not in self._clients:
                config = PATIENT if patient else ORDINARY
                self._clients[service, patient] = self._make(service, region_name=self._region, config=config)
            return self._clients[service, patient]

    # -- gateways ------------------------------------------------------------------------------------------------

    @cached_property
    def region(self) -> str:
        """The region's name."""
        return self._region or str(self.client("dynamodb").meta.region_name)

    @property
    def account(self) -> str:
        """The account's id; this needs no permission."""
        return self._identity["Account"]

    @property
    def caller(self) -> str:
        """The ARN of the credentials; this needs no permission."""
        return self._identity["Arn"]

    @cached_property
    def _identity(self) -> Mapping[str, str]:
        with translated("STS.GetCallerIdentity"):
            return dict(self.client("sts").get_caller_identity())

    @property
    def partition(self) -> str:
        """The partition's name, such as ``aws-us-gov``."""
        return str(self.client("sts").meta.partition)

    @cached_property
    def alarms(self) -> Alarms:
        """CloudWatch alarms."""
        from belay.aws.cloudwatch import Alarms

        return Alarms(self.client("cloudwatch"))

    def artifacts(self, bucket: str) -> ArtifactBucket:
        """Return the artifact bucket of this name."""
        from belay.aws.s3 import ArtifactBucket

        return ArtifactBucket(self.client("s3"), bucket)

    def release_bucket(self, bucket: str) -> ReleaseBucket:
        """Return the release bucket of this name."""
        from belay.aws.s3 import ReleaseBucket

        return ReleaseBucket(self.client("s3"), bucket)

    @cached_property
    def attached_groups(self) -> AttachedGroups:
        """The security groups attached to resources."""
        from belay.aws.attached_groups import AttachedGroups

        return AttachedGroups(
            ec2=self.client("ec2"),
            rds=self.client("rds"),
            ecs=self.client("ecs"),
            elasticache=self.client("elasticache"),
            elbv2=self.client("elbv2"),
            lambda_=self.client("lambda"),
        )

    @cached_property
    def buckets(self) -> Buckets:
        """Objects in buckets named by an event."""
        from belay.aws.s3 import Buckets

        return Buckets(self.client("s3"))

    @cached_property
    def builds(self) -> Builds:
        """CodeBuild."""
        from belay.aws.codebuild import Builds

        return Builds(self.client("codebuild"))

    @cached_property
    def event_rules(self) -> EventRules:
        """EventBridge's rules."""
        from belay.aws.event_rules import EventRules

        return EventRules(self.client("events"))

    @cached_property
    def databases(self) -> Databases:
        """RDS."""
        from belay.aws.rds import Databases

        return Databases(self.client("rds"))

    @cached_property
    def database_copies(self) -> DatabaseCopies:
        """RDS, for the copies of databases."""
        from belay.aws.database_copies import DatabaseCopies

        return DatabaseCopies(self.client("rds"))

    @cached_property
    def deployments(self) -> Deployments:
        """CodeDeploy."""
        from belay.aws.codedeploy import Deployments

        return Deployments(self.client("codedeploy"))

    @cached_property
    def drift(self) -> ResourceDrift:
        """CloudFormation's drift detection, with a patient client."""
        from belay.aws.cloudformation import ResourceDrift

        return ResourceDrift(self.client("cloudformation", patient=True))

    @cached_property
    def executions(self) -> Executions:
        """Step Functions."""
        from belay.aws.stepfunctions import Executions

        return Executions(self.client("stepfunctions"))

    @cached_property
    def executors(self) -> Executors:
        """Operators' database executors."""
        from belay.aws.executors import Executors

        return Executors(self.client("lambda"))

    def template_validator(self, arn: str) -> TemplateValidator:
        """Return the function that checks templates."""
        from belay.aws.template_validator import TemplateValidator

        return TemplateValidator(self.client("lambda", patient=True), arn)

    def input_artifact(self, artifact: Artifact, credentials: Credentials) -> InputArtifact:
        """Return a job's input artifact, opened with the job's credentials, which are never cached."""
        from belay.aws.codepipeline import InputArtifact

        keys = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token,
        }
        return InputArtifact(Aws(self._region, partial(self._make, **keys)).client("s3"), artifact)

    def jobs(self, log: Callable[[str], object]) -> Jobs:
        """Return the gateway for CodePipeline's jobs; ``log`` is called while an exception is being handled."""
        from belay.aws.codepipeline import Jobs

        return Jobs(self.client("codepipeline"), log)

    @cached_property
    def logs(self) -> LogStreams:
        """CloudWatch Logs."""
        from belay.aws.logs import LogStreams

        return LogStreams(self.client("logs"))

    def mac_key(self, key_id: str) -> MacKey:
        """Return an HMAC key of KMS."""
        from belay.aws.kms import MacKey

        return MacKey(self.client("kms"), key_id)

    @cached_property
    def notifications(self) -> Notifications:
        """SNS."""
        from belay.aws.sns import Notifications

        return Notifications(self.client("sns"))

    @cached_property
    def parameters(self) -> ParameterStore:
        """Parameter Store."""
        from belay.aws.ssm import ParameterStore

        return ParameterStore(self.client("ssm"))

    @cached_property
    def parameter_tables(self) -> ParameterTables:
        """DynamoDB tables with the values of parameters."""
        from belay.aws.dynamodb import ParameterTables

        return ParameterTables(self.client("dynamodb"))

    @cached_property
    def parameter_versions(self) -> ParameterVersions:
        """Parameter Store's metadata of any parameter."""
        from belay.aws.ssm import ParameterVersions

        return ParameterVersions(self.client("ssm"))

    @cached_property
    def secrets(self) -> Secrets:
        """Secrets Manager."""
        from belay.aws.secretsmanager import Secrets

        return Secrets(self.client("secretsmanager"))

    @cached_property
    def pipelines(self) -> Pipelines:
        """CodePipeline."""
        from belay.aws.pipelines import Pipelines

        return Pipelines(self.client("codepipeline"))

    @cached_property
    def roles(self) -> Roles:
        """IAM."""
        from belay.aws.iam import Roles

        return Roles(self.client("iam"))

    @cached_property
    def scalable_targets(self) -> ScalableTargets:
        """Application Auto Scaling."""
        from belay.aws.application_autoscaling import ScalableTargets

        return ScalableTargets(self.client("application-autoscaling"))

    @cached_property
    def security_groups(self) -> SecurityGroups:
        """EC2's security groups."""
        from belay.aws.ec2 import SecurityGroups

        return SecurityGroups(self.client("ec2"))

    @cached_property
    def services(self) -> Services:
        """ECS."""
        from belay.aws.ecs import Services

        return Services(self.client("ecs"))

    @cached_property
    def stacks(self) -> Stacks:
        """CloudFormation."""
        from belay.aws.cloudformation import Stacks

        return Stacks(self.client("cloudformation"))

    def sweep_function(self, name: str) -> SweepFunction:
        """Return Belay's own sweep."""
        from belay.aws.sweep_function import SweepFunction

        return SweepFunction(self.client("lambda"), self.client("lambda", patient=True), name)

    def table(self, name: str) -> Table:
        """Return the DynamoDB table of this name."""
        from belay.aws.dynamodb import Table

        return Table(self.client("dynamodb"), name)

    def uploads(self, bucket: str) -> Uploads:
        """Return the release bucket of this name, for uploading to it."""
        from belay.aws.uploads import Uploads

        return Uploads(self.client("s3", patient=True), bucket)

    def value_key(self, key_id: str) -> ValueKey:
        """Return a symmetric key of KMS."""
        from belay.aws.kms import ValueKey

        return ValueKey(self.client("kms"), key_id)

    @cached_property
    def verify_functions(self) -> VerifyFunctions:
        """Operators' verify functions, with a client that waits for the response."""
        from belay.aws.verify_functions import VerifyFunctions

        return VerifyFunctions(self.client("lambda", patient=True))


@cache
def own_aws() -> Aws:
    """Return the account and region that this process runs in."""
    return Aws()


class _Renewed(CredentialProvider):
    METHOD = "assume-role"

    def __init__(self, assume: Callable[[], dict[str, str]]) -> None:
        super().__init__()
        self._assume = assume

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)


@cache
def _models(data_path: str | None) -> Loader:
    """Return the models of AWS's services, which every session would read again: 30 ms a service on a fast
    processor.
    """
    return create_loader(data_path)


def _with_renewed(assume: Callable[[], dict[str, str]], forget: Callable[[], Any]) -> Callable[..., Any]:
    def answered(**about: Any) -> None:
        if about["parsed"].get("Error", {}).get("Code") in NOT_LET:
            forget()

    session = botocore.session.get_session()
    session.register_component("data_loader", _models(session.get_config_variable("data_path")))
    session.register_component("credential_provider", CredentialResolver([_Renewed(assume)]))
    session.register("after-call", answered)
    make: Callable[..., Any] = boto3.Session(botocore_session=session).client
    return make
