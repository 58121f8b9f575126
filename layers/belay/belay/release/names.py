"""Names that AWS accepts, made from applications, stages, stacks and versions.

Every name ends in a digest of its inputs. So the same input gives the same name (a rerun finds what a crash left), and
two inputs never share one, even if dots became hyphens or the end was cut off.
"""

import hashlib
import re
from typing import Final

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
"""What an application, a stage and a registered stack may be called: names become part of keys and paths."""

NAME_RULE: Final = "a name of at most 40 letters, digits and hyphens that begins with a letter"

_DIGEST_LENGTH: Final = 12


def change_set_name(application: str, stage: str, version: str, stack: str, unique: str) -> str:
    """Name a change set: a letter, then letters, digits and hyphens, at most 128.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
    """
    return _name(128, application, stage, version, stack, unique)


def client_request_token(  # noqa: PLR0917 - all are parts of one name
    application: str, stage: str, version: str, stack: str, operation: str, unique: str
) -> str:
    """Make the token that identifies an operation in a stack's events, in the format of a change set's name.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
    """
    return _name(128, operation, application, stage, version, stack, unique)


def snapshot_name(  # noqa: PLR0917 - all are parts of one name
    longest: int, application: str, stage: str, version: str, database: str, unique: str
) -> str:
    """Name a snapshot: at most ``longest`` characters, which depends on the kind of database.

    A letter, then letters, digits and hyphens, no two hyphens together and none last. RDS stores these names in lower
    case.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html,
    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBClusterSnapshot.html
    """
    return _name(longest, application, stage, version, database, unique).lower()


def stack_name_parameter(stack: str) -> str:
    """Name the parameter in which templates get the real name of a release's stack: ``NetworkStackName``."""
    return "".join(word.capitalize() for word in stack.replace("_", "-").split("-")) + "StackName"


def ephemeral_stack_name(base: str, version: str, unique: str) -> str:
    """Name a release's own copy of a registered stack: a letter, then letters, digits and hyphens, at most 50.

    CloudFormation would take 128, but templates make names from ``AWS::StackName`` that must fit too: a DB instance's
    has at most 63. So ``unique`` is only in the digest.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html,
    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
    """
    return _name(50, base, version, hidden=unique)


def execution_name(*parts: str) -> str:
    """Name an execution of a state machine: at most 80 characters, unique for 90 days.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    return _name(80, *parts)


def successor_of(attempt: str, execution: str) -> tuple[str, str]:
    """Name the execution of deploy_release that continues one (an ARN), and the suffix of its stages' executions."""
    number = int(stage_suffix(attempt, execution).removeprefix("-") or 1) + 1
    return f"{attempt}-{number}", f"-{number}"


def executions_beside(execution: str) -> str:
    """Return what the ARNs of all executions of one state machine begin with, given one of them."""
    return execution[: execution.rindex(":") + 1]


def stage_suffix(attempt: str, execution: str) -> str:
    """Return the suffix of the stages' executions that an execution (an ARN) of deploy_release starts."""
    name = execution.rpartition(":")[2]
    return name.removeprefix(attempt) if name.startswith(f"{attempt}-") else ""


def _name(longest: int, *parts: str, hidden: str = "") -> str:
    digest = hashlib.sha256("\0".join([*parts, hidden]).encode()).hexdigest()[:_DIGEST_LENGTH]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-")
    if not readable[:1].isalpha():
        readable = f"r-{readable}"
    return f"{readable[: longest - _DIGEST_LENGTH - 1].rstrip('-')}-{digest}"
