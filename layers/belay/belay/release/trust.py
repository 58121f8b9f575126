"""Whether a role of another account trusts Belay, by its trust policy (``accounts/spoke_account.yaml``)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from belay.release.place import AccountRegion, Power

_ASSUME: Final = "sts:AssumeRole"
_PATTERNS: Final = ("ArnLike", "ArnEquals", "StringLike")


def distrust(policy: Mapping[str, Any] | None, home: AccountRegion, power: Power, application: str) -> list[str]:
    """Say why Belay's functions with a power could not assume a role for an application; empty if they could.

    ``policy`` is the role's AssumeRolePolicyDocument, None for a role that does not exist. Organizations policies and
    other denials are not evaluated.
    """
    if policy is None:
        return ["it does not exist"]
    root = f"arn:{home.partition}:iam::{home.account}:root"
    caller = f"arn:{home.partition}:iam::{home.account}:role/belay/{power}/function"
    ours = [
        each
        for each in _listed(policy.get("Statement"))
        if each.get("Effect") == "Allow"
        and _ASSUME in _listed(each.get("Action"))
        and {root, home.account} & {*_listed(_principal(each))}
        and all(_like(caller, patterns) for patterns in _conditions(each, _PATTERNS, "aws:PrincipalArn"))
    ]
    if not ours:
        return [f"it does not trust Belay's roles below /belay/{power}/ of account {home.account}"]
    named = [ids for each in ours for ids in _conditions(each, ("StringEquals",), "sts:ExternalId")]
    if not any(application in ids for ids in named):
        return [f"its parameter Applications does not include {application}"]
    return []


def _principal(statement: Mapping[str, Any]) -> object:
    principal = statement.get("Principal")
    return principal.get("AWS") if isinstance(principal, Mapping) else None


def _conditions(statement: Mapping[str, Any], operators: tuple[str, ...], key: str) -> Iterator[list[Any]]:
    for operator in operators:
        for name, values in statement.get("Condition", {}).get(operator, {}).items():
            if name.lower() == key.lower():
                yield _listed(values)


def _like(arn: str, patterns: list[Any]) -> bool:
    globs = (re.escape(str(each)).replace(r"\*", ".*").replace(r"\?", ".") for each in patterns)
    return any(re.fullmatch(each, arn) for each in globs)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
