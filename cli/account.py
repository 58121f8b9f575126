"""The Belay stack that a command uses: credentials, region, outputs, gateways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import click

from belay.aws.gateways import Aws
from belay.aws.s3 import ArtifactBucket
from belay.aws.signed_in import SignedIn
from belay.aws.ssm import APPLICATIONS
from belay.control.registrations import Registrations
from belay.ledger.ledger import Ledger
from belay.release.attempt import Attempt
from belay.release.names import stage_suffix
from cli.options import Body, gathered
from cli.problems import AWS_ERRORS, NoSuchStack, Unreachable

DEFAULT_STACK: Final = "belay"
_MACHINES: Final = {
    "deploy_release": "DeployReleaseStateMachineArn",
    "deploy_stage": "DeployStageStateMachineArn",
    "forecast_changes": "ForecastChangesStateMachineArn",
    "plan_release": "PlanReleaseStateMachineArn",
    "rollback_stage": "RollbackStageStateMachineArn",
}


def _url(text: str) -> str:
    """Read an endpoint. Raises ``click.BadParameter``."""
    if not text.startswith(("http://", "https://")):
        raise click.BadParameter(f"expected a URL such as http://127.0.0.1:4566, found {text!r}")
    return text


@dataclass(frozen=True)
class Where:
    """Which Belay stack a command uses; None leaves a value to the standard AWS credential chain."""

    profile: str | None = None
    region: str | None = None
    stack: str = DEFAULT_STACK
    endpoint_url: str | None = None


finds_belay: Final = gathered(
    "where",
    Where,
    click.option("--profile", metavar="NAME", help="a profile of the AWS configuration"),
    click.option("--region", metavar="REGION", help="the region of the Belay stack"),
    click.option(
        "--stack",
        metavar="NAME",
        envvar="BELAY_STACK",
        default=DEFAULT_STACK,
        help="Belay's CloudFormation stack; default: BELAY_STACK, or belay",
    ),
    click.option(
        "--endpoint-url", metavar="URL", type=_url, help="endpoint of all services, such as the embedded engine"
    ),
)
_OUTPUT: Final = click.option("--output", type=click.Choice(("text", "json")), default="text", help="output format")


def calls_aws(body: Body) -> Body:
    """Declare the options of a command that calls AWS and prints text or JSON: it gets ``where`` and ``output``."""
    return finds_belay(_OUTPUT(body))


@dataclass(frozen=True)
class Account:
    """A Belay stack in one account and region. ``outputs`` are the stack's by name, ``given`` are its parameters."""

    signed_in: SignedIn
    stack: str
    outputs: Mapping[str, str]
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, where: Where) -> Account:
        """Find the stack. Raises ``Unreachable`` without credentials or region, ``NoSuchStack``."""
        own = signed_in(where)
        try:
            stack = own.aws.stacks.describe_stack(where.stack)
        except AWS_ERRORS as error:
            raise Unreachable.because(error) from error
        if stack is None:
            raise NoSuchStack(
                f"there is no stack {where.stack!r} in {own.aws.region}: check --region, --profile and --stack"
            )
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        given = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}
        return cls(own, where.stack, outputs, given)

    @property
    def aws(self) -> Aws:
        """The services where the stack is."""
        return self.signed_in.aws

    @property
    def region(self) -> str:
        """The region of the stack."""
        return self.aws.region

    def output(self, name: str) -> str:
        """Return an output of the stack. Raises ``Unreachable`` if it has none of that name."""
        if name not in self.outputs:
            raise Unreachable(
                f"the stack {self.stack} in {self.region} has no output {name}: it is not a Belay stack, or is "
                "older than this command; deploy this version first"
            )
        return self.outputs[name]

    def has_machine(self, name: str) -> bool:
        """Whether the deployed version has a state machine."""
        return _MACHINES[name] in self.outputs

    def machine(self, name: str) -> str:
        """Return the ARN of a state machine by its directory's name, such as ``deploy_stage``."""
        return self.output(_MACHINES[name])

    def stage_execution(self, attempt: Attempt, stage: str) -> str:
        """Return the ARN of the execution that deploys an attempt to a stage."""
        executions = self.machine("deploy_stage").replace(":stateMachine:", ":execution:")
        return f"{executions}:{attempt.id}-{stage}{stage_suffix(attempt.id, attempt.execution)}"

    @property
    def parameter_tables(self) -> list[str]:
        """The ARNs of the tables that Belay may read parameters from, as passed to its stack."""
        return [each for each in self.given.get("ParameterTableArns", "").split(",") if each]

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(self.aws.table(self.output("LedgerTableName")))

    @property
    def artifacts(self) -> ArtifactBucket:
        """The artifact bucket."""
        return self.aws.artifacts(self.output("ArtifactBucketName"))

    @property
    def registrations(self) -> Registrations:
        """What operators registered."""
        return Registrations(self.aws.parameters, self.artifacts)

    def caller(self) -> str:
        """Return the ARN of the credentials; this needs no permission."""
        return self.aws.caller


def signed_in(where: Where) -> SignedIn:
    """Sign in with a profile, in a region. Raises ``Unreachable`` without either."""
    try:
        return SignedIn.with_profile(where.profile, where.region, where.endpoint_url)
    except AWS_ERRORS as error:
        raise Unreachable.because(error) from error


def is_paused(belay: Account) -> bool:
    """Whether new uploads are held."""
    return belay.aws.parameters.get_parameter(belay.output("PauseParameterName")) == "true"


def registered_stages(belay: Account, only: str = "") -> dict[str, list[str]]:
    """Return the stages that have a registration, by application, of all or one, from the parameters' names."""
    found: dict[str, list[str]] = {}
    for name in sorted(belay.aws.parameters.get_parameters_by_path(f"{APPLICATIONS}{only}")):
        application, _, stage = name.removeprefix(APPLICATIONS).partition("/")
        found.setdefault(application, []).extend([stage] if stage else [])
    return found
