"""A person's AWS identity, and whether two callers may be the same person."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_ARN: Final = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::(?P<account>\d{12}):(?P<kind>[a-z-]+)(?:/(?P<name>.+))?")

_MADE_BY_PROGRAMS: Final = re.compile(
    r"botocore-session-\d+|awscli-session.*|aws-(?:go-)?sdk.*|awscodebuild-.*|githubactions|i-[0-9a-f]{8,}|[\d.:_-]+",
    re.IGNORECASE,
)
"""Session names that programs choose by default, such as boto3's ``botocore-session-<time>``
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html): they name no person."""


class Sameness(StrEnum):
    """Whether two principals are the same person."""

    SAME = "SAME"
    DIFFERENT = "DIFFERENT"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Principal:
    """An IAM user or a role's session, by its ARN and its unique id (``AIDA...``, or ``AROA...:session``).

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """

    arn: str
    principal_id: str = ""

    @property
    def role(self) -> str:
        """The account and role of a session, empty for a user."""
        found = _ARN.fullmatch(self.arn)
        if found is None or found["kind"] != "assumed-role":
            return ""
        return f"{found['account']}/{(found['name'] or '').split('/')[0]}"

    @property
    def person(self) -> str:
        """A user's name, or the name chosen for a session; empty if none was chosen.

        Single sign-on names a session after the user, in every role.
        """
        found = _ARN.fullmatch(self.arn)
        if found is None or found["kind"] not in ("user", "assumed-role", "federated-user"):
            return ""
        name = (found["name"] or "").rsplit("/", 1)[-1]
        by_a_program = found["kind"] != "user" and _MADE_BY_PROGRAMS.fullmatch(name)
        return "" if by_a_program else name.casefold()


def same_person(uploader: Principal, approver: Principal) -> Sameness:
    """Tell whether the uploader and the approver are the same person.

    The same name is the same person in any role or account. An approver without a name (the root user, a session named
    by a program) may be anybody; so may an uploader's unnamed session of the approver's own role.
    """
    if uploader.arn == approver.arn or (uploader.principal_id and uploader.principal_id == approver.principal_id):
        return Sameness.SAME
    if not approver.person:
        return Sameness.UNKNOWN
    if uploader.person == approver.person:
        return Sameness.SAME
    if not uploader.person and (not uploader.role or uploader.role == approver.role):
        return Sameness.UNKNOWN
    return Sameness.DIFFERENT
