"""What operators registered, and what their stages use."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from belay.errors import AwsFault, InvalidRelease, InvalidRequest
from belay.release.registration import Stage
from belay.release.table_values import TableAttribute, text_of
from cli.account import Account
from cli.examinations.examined import Examined, named, ok, problem, unknown
from cli.permissions import listed
from cli.problems import in_words
from cli.stacks import gather, registered_in

CLOUDFORMATION: Final = "cloudformation.amazonaws.com"
_NOT_THERE: Final = "create it, or register another"


def registrations(belay: Account) -> Iterator[Examined]:
    """Read all registrations."""
    read = belay.registrations.read()
    for parameter, problems in read.unreadable.items():
        yield problem(parameter, "; ".join(problems), "correct the file, then: belay register APPLICATION FILE")
    for application, fault in read.faults.items():
        yield unknown(application, in_words(fault))
    for shared in gather(belay.ledger.stack_claims.every(), registered_in(belay))["problems"]:
        yield problem("stacks", shared, "see belay stacks")
    if read.stages:
        yield ok("registrations", f"Belay can read {', '.join(map(named, read.stages))}")
    elif not (read.unreadable or read.faults):
        yield problem("registrations", "no application is registered", "belay register --help")


def service_roles(belay: Account) -> Iterator[Examined]:
    """Look at each service role once."""
    users: dict[str, list[str]] = {}
    for stage in _at_home(belay):
        users.setdefault(stage.service_role, []).append(named(stage))
    for role, stages in users.items():
        yield from _service_role(belay, role, f"service role of {', '.join(stages)}")


def _service_role(belay: Account, role: str, what: str) -> Iterator[Examined]:
    _, partition, _, _, account, path = role.split(":", 5)
    name = path.rpartition("/")[2]
    ledger = f"arn:{partition}:dynamodb:{belay.region}:{account}:table/{belay.output('LedgerTableName')}"
    refused = belay.aws.roles.refused(role, ["dynamodb:PutItem"], ledger)
    if refused is None:
        yield problem(what, f"{role} does not exist", _NOT_THERE)
        return
    if not refused:
        attach = f"aws iam attach-role-policy --role-name {name} --policy-arn {belay.output('ServiceRolePolicyArn')}"
        yield problem(what, f"{role} may write to Belay's ledger, and so may every release", attach)
    if not _trusts(belay, name):
        allow = "allow it sts:AssumeRole in the role's trust policy"
        yield problem(what, f"{role} cannot be assumed by {CLOUDFORMATION}", allow)
    elif refused:
        yield ok(what, f"{role} can be assumed, and cannot change Belay")


def _trusts(belay: Account, role: str) -> bool:
    trust = belay.aws.roles.trust(role) or {"Statement": []}
    return any(
        CLOUDFORMATION in listed(each["Principal"].get("Service")) and each.get("Effect") == "Allow"
        for each in listed(trust["Statement"])
        if isinstance(each.get("Principal"), dict)
    )


def verify_functions(belay: Account) -> Iterator[Examined]:
    """Look for each verify function."""
    for stage in _at_home(belay):
        function = stage.verify.function
        if function is None:
            continue
        what, state = f"verify function of {named(stage)}", belay.aws.verify_functions.state(function)
        if state is None:
            yield problem(what, f"{function} does not exist", _NOT_THERE)
        else:
            yield ok(what, f"{function} is {state}")


def _at_home(belay: Account) -> list[Stage]:
    """Return the stages of Belay's own account and region: the others' roles and functions cannot be seen from here."""
    return [stage for stage in belay.registrations.read().stages if belay.aws.elsewhere(stage.place) is None]


def parameter_tables(belay: Account) -> Iterator[Examined]:
    """Look up each registered value as Belay does when it plans a stage, with these credentials."""
    for stage in belay.registrations.read().stages:
        for stack, registered in stage.stacks.items():
            for name, source in registered.from_tables.items():
                yield _in_table(belay, stage, f"{name} of {named(stage)}, {stack}", source)


def _in_table(belay: Account, stage: Stage, what: str, source: TableAttribute) -> Examined:
    if elsewhere := belay.aws.elsewhere(stage.place):
        do = "look at it there; ParameterTableArns of belay-deploy's stack has to cover the table"
        return unknown(what, f"{source.where} is in {elsewhere}, where only Belay's role reads it", do)
    arn = f"arn:{belay.aws.partition}:dynamodb:{belay.region}:{belay.aws.account}:table/{source.table}"
    try:
        found = text_of(belay.aws.parameter_tables.item(source.table, source.key), source)
    except InvalidRelease as error:
        return problem(what, error.problems[0], "publish it, or register where it is")
    except InvalidRequest as error:
        do = "create the table, or register the one that has it, with its whole key"
        return problem(what, f"{source.where}: {error.message}", do)
    except AwsFault as fault:
        return unknown(what, in_words(fault), "use credentials that may read the table")
    if not any(fnmatchcase(arn, each) for each in belay.parameter_tables):
        do = f"deploy Belay with ParameterTableArns={','.join([*belay.parameter_tables, arn])}"
        return problem(what, f"Belay may not read it: its parameter ParameterTableArns does not cover {arn}", do)
    return ok(what, f"it is {found!r} now: {source.where}")


def vaults(belay: Account) -> Iterator[Examined]:
    """Look whether snapshots arrive in the vaults; only the function that copies them may look there."""
    stages = [each for each in belay.registrations.read().stages if each.vault is not None]
    copies = belay.ledger.vault_copies.every() if stages else []
    for stage in stages:
        what = f"vault of {named(stage)}"
        waiting = [each for each in copies if (each.origin.application, each.stage) == (stage.application, stage.name)]
        failing = [each for each in waiting if each.failing]
        if failing:
            do = "correct what refuses it: docs/databases.md#a-vault-in-another-account; Belay tries again"
            yield problem(what, f"{failing[-1].in_words} is not copied: {failing[-1].failing}", do)
        else:
            copied = f"{len(waiting)} being copied" if waiting else "nothing waits to be copied"
            yield ok(what, f"{stage.vault}: {copied}")
