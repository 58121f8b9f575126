"""Whether a role elsewhere trusts Belay, by the policy in ``accounts/spoke_account.yaml``."""

from copy import deepcopy
from typing import Any

import pytest

from belay.release.place import AccountRegion, Power
from belay.release.trust import distrust

HOME = AccountRegion("aws", "000000000000", "us-east-1")
ASSUME = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
    "Action": "sts:AssumeRole",
    "Condition": {
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/belay/deploy/*"},
        "StringEquals": {"sts:ExternalId": ["billing", "orders"]},
    },
}
TAG = {**ASSUME, "Action": "sts:TagSession"}


def policy(**changed: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{**deepcopy(ASSUME), **changed}, TAG]}


def test_a_role_of_the_template_lacks_nothing() -> None:
    assert distrust(policy(), HOME, Power.DEPLOY, "orders") == []
    assert distrust(policy(Principal={"AWS": ["000000000000"]}), HOME, Power.DEPLOY, "orders") == []


def test_an_application_that_the_account_does_not_list() -> None:
    assert distrust(policy(), HOME, Power.DEPLOY, "carts") == ["its parameter Applications does not include carts"]
    one = {**ASSUME["Condition"], "StringEquals": {"sts:ExternalId": "orders"}}  # type: ignore[dict-item]
    assert distrust(policy(Condition=one), HOME, Power.DEPLOY, "orders") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"Principal": {"AWS": "arn:aws:iam::222222222222:root"}},
        {"Principal": "*"},
        {"Effect": "Deny"},
        {"Action": "sts:TagSession"},
        {"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/belay/look/*"}}},
    ],
)
def test_a_role_that_trusts_somebody_else(changed: dict[str, Any]) -> None:
    told = ["it does not trust Belay's roles below /belay/deploy/ of account 000000000000"]
    assert distrust(policy(**changed), HOME, Power.DEPLOY, "orders") == told


def test_a_role_that_is_not_there() -> None:
    assert distrust(None, HOME, Power.CLEAN, "orders") == ["it does not exist"]
