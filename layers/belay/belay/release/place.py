"""Where a stage lies that is not in Belay's own account and region, and the roles through which Belay works there."""

from dataclasses import dataclass
from enum import StrEnum


class Power(StrEnum):
    """What a function may do in another account or region: each has one power at most, and assumes that role alone."""

    LOOK = "look"
    DEPLOY = "deploy"
    RECOVER = "recover"
    CLEAN = "clean"

    @property
    def role_name(self) -> str:
        """The end of the names of its roles; all of it unless an operator registers others."""
        return f"belay-{self.value}"


@dataclass(frozen=True)
class PlaceRoles:
    """The ARNs of an account's roles for Belay, by power."""

    look: str
    deploy: str
    recover: str
    clean: str

    @classmethod
    def named_alike(cls, partition: str, account: str) -> "PlaceRoles":
        """Return the roles of ``accounts/spoke_account.yaml``."""
        return cls(**{power.value: f"arn:{partition}:iam::{account}:role/{power.role_name}" for power in Power})

    def of(self, power: Power) -> str:
        """Return the ARN of a power's role."""
        return {
            Power.LOOK: self.look,
            Power.DEPLOY: self.deploy,
            Power.RECOVER: self.recover,
            Power.CLEAN: self.clean,
        }[power]


@dataclass(frozen=True)
class StagePlace:
    """An account and a region of a partition."""

    partition: str
    account: str
    region: str
    roles: PlaceRoles

    def holds(self, arn: str) -> bool:
        """Whether a resource lies here, by its ARN."""
        parts = arn.split(":", 5)
        return parts[1:2] + parts[3:5] == [self.partition, self.region, self.account]

    def __str__(self) -> str:
        return f"account {self.account}, region {self.region}"
