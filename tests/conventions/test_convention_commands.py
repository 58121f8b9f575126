"""The managed policy that a command is documented under allows exactly what the command does."""

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest
from project import ROOT, machines, resources, template
from reach import Code, Node, calls_of, followed
from test_convention_accounts import listed
from test_convention_permissions import ALSO_NEEDED, OTHERWISE_CALLED, PREFIX, RELEASES, named
from test_convention_vaults import OF_RDS

from belay.database.restore import OPERATIONS
from cli.commands import COMMANDS, place_of

PAGE = (ROOT / "docs" / "command-line.md").read_text()
ALSO_ATTACHED = {"OperatorPolicy": "ReaderPolicy"}
WITHOUT_WAITING = {"DeciderPolicy", "RollbackPolicy"}
"""Their commands use a ``Follower`` only for ``--wait``, which also needs the ReaderPolicy."""

OF_THE_COMMAND = {
    # https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    "send": {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"},
    # One PutObject, or parts of a zip over 5 GiB; the response to HeadObject has the version.
    "Uploads.put": {f"s3:{each}@{RELEASES}" for each in ("PutObject", "AbortMultipartUpload", "GetObject")},
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
    "Uploads.put_again": {f"s3:{each}@{RELEASES}" for each in ("PutObject", "GetObjectVersion")},
}
"""What a function of the command needs besides the calls that it names."""


def documented() -> dict[str, list[str]]:
    """The commands that the page lists under each policy."""
    rows = re.findall(r"^\| `(\w+Policy)`[^|]*\| ([^|]+) \|$", PAGE, re.MULTILINE)
    return {policy: re.findall(r"`([a-z ]+)`", commands) for policy, commands in rows}


def needed(command: str, *, waiting: bool = True) -> set[str]:
    code = Code.of_the_command()
    if not waiting:
        code = replace(code, classes={name: each for name, each in code.classes.items() if name != "Follower"})
    starts = {Node(place_of(tuple(command.split()))[0], "", place_of(tuple(command.split()))[1])}
    if command == "console":  # which finds its pages by their addresses
        starts |= {Node(module, "", name) for module, name in code.functions if module == "cli.console.pages"}
    nodes = followed(code, starts)
    found: set[str] = set()
    for node, operation in calls_of(code, nodes):
        service, name = operation.split(".")
        if operation == "RDS.{operation}":
            found |= {f"rds:{each}" for each in OPERATIONS}
        elif node not in OF_THE_COMMAND and operation != "STS.GetCallerIdentity":
            found |= OTHERWISE_CALLED.get(operation, {f"{PREFIX[service]}:{name}"})
    also = {**ALSO_NEEDED, **OF_THE_COMMAND}
    return found.union(*(also.get(str(node), set()) for node in nodes))


def statements(policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = resources("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"]["Statement"]
    return found


def granted(policy: str) -> set[str]:
    return {
        named(action, statement["Resource"])
        for statement in statements(policy)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


FROM_VAULTS = ("vault list", "vault restore")
OF_COMMANDS = [(policy, command) for policy, commands in documented().items() for command in commands]


@pytest.mark.parametrize(("policy", "command"), OF_COMMANDS)
def test_who_has_the_policy_may_use_the_command(policy: str, command: str) -> None:
    also = granted(ALSO_ATTACHED[policy]) if policy in ALSO_ATTACHED else set()
    assert needed(command, waiting=policy not in WITHOUT_WAITING) - granted(policy) - also == set()


@pytest.mark.parametrize("policy", documented())
def test_a_policy_allows_no_more_than_its_commands(policy: str) -> None:
    waiting = policy not in WITHOUT_WAITING
    assert granted(policy) - set().union(*(needed(each, waiting=waiting) for each in documented()[policy])) == set()


def test_every_command_that_asks_aws_is_somebody_s() -> None:
    """Except for those who deploy Belay, who may do anything to its stack, and who register applications."""
    asking = {" ".join(command) for command in COMMANDS if needs_aws(" ".join(command))}
    assert asking - {command for _, command in OF_COMMANDS} == {
        *("upgrade check", "upgrade continue"),
        *("init", "doctor", "register", "register check", "register show", "spoke template"),
        *FROM_VAULTS,
    }


def test_who_restores_from_a_vault_has_a_policy_in_each_account_and_no_more_than_that() -> None:
    """``ReaderPolicy`` at home, and the policies of the vault's account and of the stage's."""
    lent, restored = (
        policy("accounts/vault.yaml", "LendFromVault"),
        policy("accounts/restorer.yaml", "RestoreFromVault"),
    )
    elsewhere = {each for command in FROM_VAULTS for each in needed(command) - granted("ReaderPolicy")}
    assert lent | restored == elsewhere | OF_RDS
    assert {each for each in lent if not each.startswith("rds:Describe")} == {
        "rds:ModifyDBSnapshotAttribute",
        "rds:ModifyDBClusterSnapshotAttribute",
    }
    assert not {each for each in lent | restored if "Delete" in each}


def policy(template_of: str, name: str) -> set[str]:
    found = template(template_of)["Resources"][name]["Properties"]["PolicyDocument"]["Statement"]
    return {action for each in found for action in listed(each["Action"])}


def needs_aws(command: str) -> bool:
    return place_of(tuple(command.split())) in Code.of_the_command().functions and bool(needed(command))


def test_what_a_command_needs_is_really_found() -> None:
    assert "states:StopExecution" in needed("abort")
    assert "states:GetExecutionHistory" in needed("status")
    assert "lambda:InvokeFunctionUrl" in needed("rollback", waiting=False)
    assert "cloudformation:DescribeStackEvents" in needed("approve") - needed("approve", waiting=False)
    assert f"s3:GetObjectVersion@{RELEASES}" in needed("retry")


@pytest.mark.parametrize("machine", sorted(set(machines()) - {"forecast_changes", "plan_release"}))
def test_an_abort_may_stop_the_executions_of_every_machine(machine: str) -> None:
    """``--recovery`` stops those of ``rollback_stage``; a forecast's is stopped with its stage's, which started it.

    A dry run is not a release: it ends by itself in minutes.
    """
    (stopping,) = (each for each in statements("OperatorPolicy") if each["Action"] == "states:StopExecution")
    execution = f"execution:${{AWS::StackName}}-{machine.replace('_', '-')}:name"
    patterns = [each["Fn::Sub"].partition("${AWS::AccountId}:")[2] for each in stopping["Resource"]]
    assert any(fnmatchcase(execution, pattern) for pattern in patterns)
