"""Another account and region in the embedded engine, prepared for stages with the templates of ``accounts/``."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.engine import ACCOUNT, REGION, ROOT, EmbeddedEngine

SPOKE_ACCOUNT: Final = "111111111111"
SPOKE_REGION: Final = "eu-central-1"
LOOK_EVERY_SECONDS: Final = 1
LOOKS: Final = 60


@dataclass(frozen=True)
class EmbeddedSpoke:
    """An account and region for stages; ``hub`` is the name of Belay's stack."""

    engine: EmbeddedEngine
    hub: str
    account: str = SPOKE_ACCOUNT
    region: str = SPOKE_REGION

    def client(self, service: str) -> Any:
        """Return a boto3 client of the account's root in its region."""
        return self.engine.client(service, account=self.account, region=self.region)

    @property
    def files(self) -> str:
        """The bucket of the region, in Belay's account."""
        return f"{self.hub}-files-{ACCOUNT}-{self.region}"

    @contextmanager
    def without_role(self, name: str) -> Iterator[None]:
        """Delete a role of the account, and recreate it under its name at the end."""
        iam = self.client("iam")
        role, policies = iam.get_role(RoleName=name)["Role"], iam.list_role_policies(RoleName=name)["PolicyNames"]
        kept = {each: iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in policies}
        for each in kept:
            iam.delete_role_policy(RoleName=name, PolicyName=each)
        iam.delete_role(RoleName=name)
        try:
            yield
        finally:
            trust = json.dumps(role["AssumeRolePolicyDocument"])
            iam.create_role(RoleName=name, Path=role["Path"], AssumeRolePolicyDocument=trust)
            for each, document in kept.items():
                iam.put_role_policy(RoleName=name, PolicyName=each, PolicyDocument=json.dumps(document))


def join(
    engine: EmbeddedEngine,
    applications: Sequence[str],
    *,
    account: str = SPOKE_ACCOUNT,
    region: str = SPOKE_REGION,
    hub: str = "belay",
) -> EmbeddedSpoke:
    """Deploy what stages of these applications need in an account and region, and their files' bucket at home.

    ``hub`` is the name of Belay's stack, whose parameter ``SpokeAccounts`` must name the account. Service roles have
    the path ``/belay/``, verify functions, database executors and tables of parameters one prefix each, as at home.
    """
    named = {"HubAccountId": ACCOUNT, "HubStackName": hub}
    spoke = EmbeddedSpoke(engine, hub, account, region)
    _deploy(
        spoke.client("cloudformation"),
        "spoke_account",
        {
            **named,
            "Applications": ",".join(applications),
            "ServiceRoleArns": f"arn:aws:iam::{account}:role/belay/*",
            "VerifyFunctionArns": f"arn:aws:lambda:*:{account}:function:verify-*",
            "ExecutorArns": f"arn:aws:lambda:*:{account}:function:executor-*",
            "PipelineArns": f"arn:aws:codepipeline:*:{account}:*",
            "ParameterTableArns": f"arn:aws:dynamodb:*:{account}:table/parameters-*",
        },
    )
    _deploy(
        spoke.client("cloudformation"), "spoke_region", {**named, "HubRegion": REGION, "ForwardPipelineEvents": "true"}
    )
    home = engine.client("cloudformation", region=region)
    _deploy(home, "hub_region", {"HubStackName": hub, "SpokeAccounts": account})
    return spoke


def _deploy(cloudformation: Any, template: str, parameters: Mapping[str, str]) -> None:
    stack = f"belay-{template.replace('_', '-')}"
    create(cloudformation, stack, ROOT / "accounts" / f"{template}.yaml", parameters)


def create(cloudformation: Any, stack: str, template: Path, parameters: Mapping[str, str]) -> None:
    """Create a stack and wait for it."""
    cloudformation.create_stack(
        StackName=stack,
        TemplateBody=template.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": LOOK_EVERY_SECONDS, "MaxAttempts": LOOKS}
    )
