"""Sessions of assumed roles: their names and tags identify the work in the other account's CloudTrail."""

import re
from dataclasses import dataclass
from typing import Any, Final

from belay.errors import AccessDenied

LONGEST_NAME: Final = 64
_LONGEST_TAG: Final = 256
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_+=,.@-]")
_NOT_IN_TAG: Final = re.compile(r"[^\w .:/=+@-]")


@dataclass(frozen=True)
class Session:
    """What a role is assumed for: the work on one stage of one application.

    ``about`` is the release's version or the kind of work, ``attempt`` the attempt, if there is one. Names and tags are
    truncated to STS's limits (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html).
    """

    application: str
    stage: str
    about: str
    attempt: str = ""

    @property
    def external_id(self) -> str:
        """The application, which the other account's trust policies list."""
        return self.application

    @property
    def name(self) -> str:
        """The session's name, ``orders-1.3.0-1f0c2d3e4b5a``; truncated before the attempt if too long."""
        ending = f"-{self.attempt}" if self.attempt else ""
        return _NOT_IN_NAME.sub("-", f"{self.application}-{self.about}")[: LONGEST_NAME - len(ending)] + ending

    @property
    def request(self) -> dict[str, Any]:
        """Return AssumeRole's arguments beside the role."""
        told = {"belay:application": self.application, "belay:stage": self.stage, "belay:release": self.about}
        tags = [{"Key": key, "Value": _NOT_IN_TAG.sub("-", value)[:_LONGEST_TAG]} for key, value in told.items()]
        return {"RoleSessionName": self.name, "ExternalId": self.external_id, "Tags": tags}

    def refused(self, role: str, fault: AccessDenied) -> AccessDenied:
        """Return the fault with what to do about it."""
        todo = (
            f"the role {role} cannot be assumed for {self.application}/{self.stage}. Either it does not exist, or it "
            f"does not trust Belay's account, or the applications allowed there do not include {self.application} "
            "(the parameter Applications of accounts/spoke_account.yaml, or of accounts/vault.yaml for a vault, sent "
            "as the external id). docs/accounts.md says how an account is prepared; `belay doctor` checks it"
        )
        return AccessDenied(fault.operation, fault.code, f"{fault.message}. {todo}")
