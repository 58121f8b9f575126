"""What Belay has in the account of a vault: one role, which may copy there, and delete what it copied."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

from project import functions, template
from test_convention_accounts import listed
from test_convention_permissions import needed

from belay.release.vault import ROLE_NAME, Vault

VAULT = "accounts/vault.yaml"
FUNCTION = "copy_to_vault"
OF_RDS = {
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"),
    *("kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
}
"""RDS's use of a key to copy an encrypted snapshot
(https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/share-encrypted-snapshot.html).
"""

AT_HOME = {"dynamodb", "sns", "sts", "kms"}


def role() -> dict[str, Any]:
    found: dict[str, Any] = template(VAULT)["Resources"]["VaultRole"]["Properties"]
    return found


def statements() -> list[dict[str, Any]]:
    (policy,) = role()["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_the_role_may_do_what_the_function_does_there_and_nothing_else() -> None:
    there = {action for action in needed(FUNCTION) if action.split(":")[0] not in AT_HOME}
    assert {"rds:CopyDBSnapshot", "rds:DeleteDBSnapshot", "rds:AddTagsToResource"} <= there
    allowed = {action for each in statements() for action in listed(each["Action"])}
    assert allowed == there | OF_RDS
    assert {each["Effect"] for each in statements()} == {"Allow"}


def test_the_function_assumes_this_role_alone() -> None:
    properties = functions()[FUNCTION]
    assert properties["RolePath"] == "/belay/vault/"
    assumed = [
        (statement["Action"], statement["Resource"])
        for statement in properties["Policies"][0]["Statement"]
        if "sts:AssumeRole" in statement["Action"]
    ]
    arn = f"arn:${{AWS::Partition}}:iam::*:role/{ROLE_NAME}"
    assert assumed == [(["sts:AssumeRole", "sts:TagSession"], {"Fn::Sub": arn})]
    assert Vault("aws", "222222222222", "eu-west-1").role == f"arn:aws:iam::222222222222:role/{ROLE_NAME}"
    assert [name for name, each in functions().items() if each.get("RolePath") == "/belay/vault/"] == [FUNCTION]


def test_the_role_trusts_the_function_and_the_applications_alone() -> None:
    assert role()["RoleName"] == ROLE_NAME
    trusted = role()["AssumeRolePolicyDocument"]["Statement"]
    usual = template("accounts/spoke_account.yaml")["Resources"]["CleanRole"]["Properties"]
    for ours, theirs in zip(trusted, usual["AssumeRolePolicyDocument"]["Statement"], strict=True):
        path = {"Fn::Sub": theirs["Condition"]["ArnLike"]["aws:PrincipalArn"]["Fn::Sub"].replace("clean", "vault")}
        condition = {**theirs["Condition"], "ArnLike": {"aws:PrincipalArn": path}}
        assert ours == {**theirs, "Condition": condition}


def test_only_belay_s_copies_are_deleted_each_for_its_application() -> None:
    (deleting,) = [each for each in statements() if "rds:DeleteDBSnapshot" in listed(each["Action"])]
    took = "arn:${AWS::Partition}:states:*:${HubAccountId}:execution:${HubStackName}-deploy-stage:*"
    pipelines = "*/????????-????-????-????-????????????"
    assert re.fullmatch(pipelines.replace("?", ".").replace("*", ".*"), f"orders-pipeline/{uuid4()}")
    assert deleting["Condition"] == {
        "StringLike": {"aws:ResourceTag/belay:execution": [{"Fn::Sub": took}, pipelines]},
        "StringEquals": {"aws:ResourceTag/belay:application": "${aws:PrincipalTag/belay:application}"},
    }
    assert all(":${AWS::AccountId}:" in each["Fn::Sub"] for each in deleting["Resource"])


def test_keys_are_used_through_rds_alone() -> None:
    key = template(VAULT)["Resources"]["Key"]
    _, lent = key["Properties"]["KeyPolicy"]["Statement"]
    _, restoring, _ = lent["Fn::If"]
    (using,) = [each for each in statements() if "kms:CreateGrant" in listed(each["Action"])]
    via = {"StringLike": {"kms:ViaService": "rds.*.amazonaws.com"}}
    assert restoring["Condition"] == using["Condition"] == via
    assert set(restoring["Action"]) == set(using["Action"]) == OF_RDS
    assert restoring["Principal"] == {"AWS": {"Ref": "RestoringAccounts"}}
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_usual_key_is_that_of_the_template() -> None:
    alias = template(VAULT)["Resources"]["KeyAlias"]["Properties"]["AliasName"]
    assert Vault("aws", "222222222222", "eu-west-1").key == alias


def test_nothing_is_shared_with_everybody() -> None:
    """RDS has no condition on the accounts that a snapshot is shared with: the one call names the vault's."""
    text = (Path(__file__).parents[2] / "layers" / "belay" / "belay" / "aws" / "rds.py").read_text()
    assert re.findall(r'"ValuesToAdd": (.+?)\}', text) == ["[account]"]
