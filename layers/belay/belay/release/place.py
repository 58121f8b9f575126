"""The account and region of a stage outside Belay's own, and the roles that Belay assumes there."""

import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from belay.release.document import Fields, Node

COPIES: Final = "spokes/"
"""An account may read what is below ``spokes/<account>/`` (``accounts/hub_region.yaml``)."""

ACCOUNT: Final = re.compile(r"[0-9]{12}")
REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)


class Power(StrEnum):
    """What a function may do in another account or region: each function has at most one power, and assumes only that
    role.
    """

    LOOK = "look"
    DEPLOY = "deploy"
    FORECAST = "forecast"
    PIPELINE = "pipeline"
    RECOVER = "recover"
    CLEAN = "clean"

    @property
    def role_name(self) -> str:
        """The end of its roles' names; the whole name unless an operator registers others."""
        return f"belay-{self.value}"


@dataclass(frozen=True)
class PlaceRoles:
    """The ARNs of an account's roles for Belay, by power."""

    look: str
    deploy: str
    forecast: str
    pipeline: str
    recover: str
    clean: str

    @classmethod
    def named_alike(cls, partition: str, account: str) -> "PlaceRoles":
        """Return the default roles of ``accounts/spoke_account.yaml``."""
        return cls(**{power.value: f"arn:{partition}:iam::{account}:role/{power.role_name}" for power in Power})

    def of(self, power: Power) -> str:
        """Return the ARN of a power's role."""
        return {
            Power.LOOK: self.look,
            Power.DEPLOY: self.deploy,
            Power.FORECAST: self.forecast,
            Power.PIPELINE: self.pipeline,
            Power.RECOVER: self.recover,
            Power.CLEAN: self.clean,
        }[power]


@dataclass(frozen=True)
class AccountRegion:
    """An account and a region of a partition."""

    partition: str
    account: str
    region: str

    @classmethod
    def of(cls, arn: str) -> "AccountRegion":
        """Return where a resource is, by its ARN."""
        _, partition, _, region, account, _ = arn.split(":", 5)
        return cls(partition, account, region)

    def holds(self, arn: str) -> bool:
        """Whether a resource is here, by its ARN; a role is in every region of its account."""
        partition, service, region, account = [*arn.split(":", 5), "", "", "", ""][1:5]
        return [partition, account] == [self.partition, self.account] and (service == "iam" or region == self.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource here."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def __str__(self) -> str:
        return f"account {self.account}, region {self.region}"


@dataclass(frozen=True)
class StagePlace(AccountRegion):
    """The account and region of a stage that is not at home."""

    roles: PlaceRoles

    def key(self, key: str) -> str:
        """Return the key of an artifact's copy, in the bucket that the account can read."""
        return f"{COPIES}{self.account}/{key}"


def artifact_key(key: str) -> str:
    """Return the key in the artifact bucket of an object that may be a copy in another bucket."""
    return key.split("/", 2)[2] if key.startswith(COPIES) else key


def read_place(stage: Fields, *, whole: bool) -> StagePlace | None:
    """Read a stage's place: None for Belay's own account and region, and for invalid ones, which are noted.

    Unless the keys are ``whole``, each may be given without the others, as in an application's defaults.
    """
    account = stage["account"].text(ACCOUNT, "the id of an AWS account, 12 digits")
    region = stage["region"].text(REGION, "the name of an AWS region")
    roles = _roles(stage["belay_roles"])
    given = [name for name in ("account", "region", "belay_roles") if stage[name].present]
    if not whole or not given:
        return None
    for name in ("account", "region"):
        if name not in given:
            stage.owner.note(f"{', '.join(given)}: expected {name} too; a stage without both is in Belay's own")
    partition = str(stage["service_role"].value).partition(":")[2].split(":")[0]
    if not account or not region:
        return None
    usual = asdict(PlaceRoles.named_alike(partition, account))
    for power, arn in roles.items():
        if not arn.startswith(f"arn:{partition}:iam::{account}:"):
            stage["belay_roles"].note(f"{power}: expected a role of the stage's account {account}, found {arn}")
    return StagePlace(partition, account, region, PlaceRoles(**{**usual, **roles}))


def _roles(node: Node) -> dict[str, str]:
    """Read roles by power. Belay's own roles may assume only roles with the prescribed name endings."""
    fields = node.fields([], [*Power]) if node.present else Fields({}, node)
    given = [power.value for power in Power if fields[power].present]
    roles = {name: fields[name].text(_ROLE, "the ARN of an IAM role") for name in given}
    for name, arn in roles.items():
        if arn and not arn.endswith(Power(name).role_name):
            fields[name].note(f"expected a role whose name ends in {Power(name).role_name}, found {arn}")
    return {name: arn for name, arn in roles.items() if arn}
