"""What whoever runs the command may do with Belay: IAM's simulation of the policies that its stack has for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cli.account import Account

POLICIES: Final[Mapping[str, tuple[str, ...]]] = {
    "ReaderPolicy": (
        "status",
        "list",
        "show",
        "incidents",
        "incident show",
        "history",
        "diff",
        "messages",
        "logs",
        "stacks",
        "console",
    ),
    "OperatorPolicy": ("release push", "abort", "retry", "pause", "resume", "unlock", "unclaim"),
    "DeciderPolicy": ("approve", "reject", "override", "incident acknowledge", "incident close"),
    "RollbackPolicy": ("rollback",),
    "PlannerPolicy": ("plan",),
}
"""The managed policies of Belay's stack, and the commands that each one allows."""


@dataclass(frozen=True)
class Permission:
    """Actions on a resource, under conditions: what a statement of a policy allows."""

    actions: tuple[str, ...]
    resource: str
    context: Mapping[str, str]


def principal(belay: Account) -> str | None:
    """Return the ARN of the user or role that IAM can simulate; None for the root user and for federated ones.

    The ARN of an assumed role lacks the role's path
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html), so the role is looked up by its name.
    """
    caller = belay.caller()
    _, _, resource = caller.rpartition(":")
    kind, _, rest = resource.partition("/")
    if kind == "user":
        return caller
    if kind != "assumed-role":
        return None
    return belay.aws.roles.arn(rest.partition("/")[0])


def granted_by(belay: Account, policy: str) -> list[Permission]:
    """Return what a managed policy of Belay's stack allows, as it is deployed."""
    document = belay.aws.roles.managed_policy(belay.output(f"{policy}Arn"))
    return [
        Permission(tuple(listed(each["Action"])), resource, dict(_context(each.get("Condition", {}))))
        for each in listed(document["Statement"])
        for resource in listed(each["Resource"])
    ]


def to_register(belay: Account) -> list[Permission]:
    """Return what storing a registration needs, which no policy of the stack allows."""
    partition, account = belay.caller().split(":")[1], belay.caller().split(":")[4]
    parameters = f"arn:{partition}:ssm:{belay.region}:{account}:parameter/belay/applications/*"
    documents = f"arn:{partition}:s3:::{belay.output('ArtifactBucketName')}/registrations/*"
    return [Permission(("ssm:PutParameter",), parameters, {}), Permission(("s3:PutObject",), documents, {})]


def refused(belay: Account, who: str, wanted: Iterable[Permission]) -> list[str] | None:
    """Return the actions that a user or role may not do, each once; None if IAM does not know them."""
    found: dict[str, None] = {}
    for each in wanted:
        denied = belay.aws.roles.refused(who, each.actions, each.resource, each.context)
        if denied is None:
            return None
        found |= dict.fromkeys(denied)
    return [*found]


def _context(condition: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield a value that meets each condition."""
    for keys in condition.values():
        for key, values in keys.items():
            yield key, str(listed(values)[0])


def listed(value: Any) -> list[Any]:
    """Return what a policy has as a list or, where there is one, by itself."""
    return value if isinstance(value, list) else [value]
