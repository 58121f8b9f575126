"""``belay doctor``: look at everything that a first release needs, and say what is missing and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final

import click

from belay import VERSION
from belay.aws.faults import translated
from belay.control.spokes import FORWARD, FORWARD_PIPELINES, SeenThere, needs
from belay.errors import AwsFault, BelayError, InvalidRelease, InvalidRequest
from belay.release.place import Power
from belay.release.registration import Stage
from belay.release.table_values import TableAttribute, text_of
from cli.account import Account, Where, calls_aws
from cli.output import plain, tell
from cli.permissions import POLICIES, Permission, granted_by, principal, refused, to_register
from cli.problems import REFUSED, Refused, in_words
from cli.spoke_template import account_command, region_command
from cli.stacks import gather, registered_in

CLOUDFORMATION: Final = "cloudformation.amazonaws.com"
PENDING: Final = ("PendingConfirmation", "Deleted")
"""What stands in place of a subscription's ARN: https://docs.aws.amazon.com/sns/latest/api/API_Subscription.html"""

_NOT_THERE: Final = ("NoSuchBucket", "NoSuchBucketPolicy")


class Condition(StrEnum):
    """In order; wrong; not these credentials' to do, which may be meant so; or not known, as they may not look."""

    OK = "ok"
    PROBLEM = "problem"
    NOT_ALLOWED = "not allowed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Examined:
    """One thing that was looked at: what, in which state, in words, and what to do about it."""

    what: str
    state: Condition
    detail: str
    do: str = ""


Examination = Callable[[Account], Iterator[Examined]]


@click.command()
@calls_aws
def command(where: Where, output: str) -> int:
    """Look at everything that a first release needs, and say what is missing and what to do.

    The exit status is 1 if something is wrong.
    """
    belay = Account.of(where)
    examined = [each for name, examine in EXAMINATIONS.items() for each in examinations(name, examine, belay)]
    problems = sum(each.state is Condition.PROBLEM for each in examined)
    tell(output, {"problems": problems, "examined": [asdict(each) for each in examined]}, render(examined))
    return REFUSED if problems else 0


def examinations(name: str, examine: Examination, belay: Account) -> Iterator[Examined]:
    """Look at one thing; what AWS does not show is unknown, and says why."""
    try:
        yield from examine(belay)
    except BelayError as error:
        yield Examined(name, Condition.UNKNOWN, in_words(error), "look again with credentials that may")


def render(examined: list[Examined]) -> list[str]:
    """Return a line for each, and below it what to do."""
    marks = {each: "PROBLEM" if each is Condition.PROBLEM else each.value for each in Condition}
    lines = []
    for each in examined:
        lines.append(plain(f"{marks[each.state]:<11} {each.what}: {each.detail}"))
        lines += [plain(f"            {each.do}")] if each.do else []
    problems = sum(each.state is Condition.PROBLEM for each in examined)
    return [*lines, "", f"{problems} problem{'' if problems == 1 else 's'}" if problems else "Nothing is wrong."]


def _caller(belay: Account) -> Iterator[Examined]:
    yield Examined("you", Condition.OK, f"{belay.caller()} in {belay.region}")


def _permissions(belay: Account) -> Iterator[Examined]:
    who = principal(belay)
    if who is None:
        detail = "IAM simulates the policies of users and roles, and you are neither"
        yield Examined("your permissions", Condition.UNKNOWN, detail, "look again as a user or a role")
        return
    for policy, commands in POLICIES.items():
        yield _allowed(belay, who, commands, granted_by(belay, policy), f"attach {belay.output(f'{policy}Arn')}")
    yield _allowed(belay, who, ("register",), to_register(belay), "see docs/command-line.md#permissions")


def _allowed(belay: Account, who: str, commands: Sequence[str], wanted: Sequence[Permission], to_do: str) -> Examined:
    what, denied = f"you may use {', '.join(commands)}", refused(belay, who, wanted)
    if denied is None:
        return Examined(what, Condition.UNKNOWN, f"IAM has no {who}")
    if denied:
        return Examined(what, Condition.NOT_ALLOWED, f"{who} may not {', '.join(denied)}", to_do)
    return Examined(what, Condition.OK, f"{who} has the permissions")


def _stack(belay: Account) -> Iterator[Examined]:
    described = belay.aws.stacks.describe_stack(belay.stack) or {}
    deployed = belay.outputs.get("Version", "older")
    if deployed != VERSION:
        what, do = f"it is {deployed}, this command is {VERSION}", "deploy this version: make deploy; or use that one's"
        yield Examined("version", Condition.PROBLEM, what, do)
    status = str(described.get("StackStatus"))
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status and "DELETE" not in status:
        yield Examined("Belay's stack", Condition.OK, f"{belay.stack} is {status}")
        return
    yield Examined("Belay's stack", Condition.PROBLEM, f"{belay.stack} is {status}", "deploy Belay again: make deploy")


def _upload_events(belay: Account) -> Iterator[Examined]:
    bucket = belay.output("ReleaseBucketName")
    if "EventBridgeConfiguration" in notifications(belay, bucket):
        yield Examined("upload events", Condition.OK, f"{bucket} sends them to EventBridge")
        return
    yield Examined(
        *(
            "upload events",
            Condition.PROBLEM,
            f"{bucket} does not send them to EventBridge: no upload would start a release",
        ),
        "deploy Belay again, and let nothing else change the bucket's notifications",
    )


def _rules(belay: Account) -> Iterator[Examined]:
    with translated("Events.ListRules"):
        pages = belay.aws.client("events").get_paginator("list_rules").paginate(NamePrefix=f"{belay.stack}-")
        found = [each for page in pages for each in page["Rules"]]
    off = [str(each["Name"]) for each in found if each.get("State") == "DISABLED"]
    for name in off:
        yield Examined("event rules", Condition.PROBLEM, f"{name} is disabled", f"aws events enable-rule --name {name}")
    if not off:
        yield Examined("event rules", Condition.OK, f"{len(found)} rules are enabled")


def notifications(belay: Account, bucket: str) -> Mapping[str, Any]:
    """Return what a bucket tells of its uploads."""
    with translated("S3.GetBucketNotificationConfiguration"):
        answer: Mapping[str, Any] = belay.aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    return answer


def _subscribers(belay: Account) -> Iterator[Examined]:
    topic = belay.output("NotificationTopicArn")
    with translated("SNS.ListSubscriptionsByTopic"):
        pages = belay.aws.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        found = [each for page in pages for each in page["Subscriptions"]]
    # Belay's relay to a chat topic is nobody: who reads that topic is not told here.
    people = [each for each in found if f":function:{belay.stack}-" not in str(each.get("Endpoint"))]
    confirmed = [each for each in people if each["SubscriptionArn"] not in PENDING]
    if confirmed:
        yield Examined("on call", Condition.OK, f"{len(confirmed)} subscribed to {topic}")
        return
    waiting = " (one waits for its confirmation)" if people else ""
    yield Examined(
        *("on call", Condition.PROBLEM, f"nobody is subscribed to {topic}{waiting}: nobody is told what fails"),
        f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint YOU@EXAMPLE.COM",
    )


def _pause(belay: Account) -> Iterator[Examined]:
    if belay.parameters.get_parameter(belay.output("PauseParameterName")) == "true":
        yield Examined("pause", Condition.PROBLEM, "releases are paused: uploads are held", "belay resume")
        return
    yield Examined("pause", Condition.OK, "releases are not paused")


def _registrations(belay: Account) -> Iterator[Examined]:
    read = belay.registrations.read()
    for parameter, problems in read.unreadable.items():
        correct = "correct the file, then: belay register APPLICATION FILE"
        yield Examined(parameter, Condition.PROBLEM, "; ".join(problems), correct)
    for application, fault in read.faults.items():
        yield Examined(application, Condition.UNKNOWN, in_words(fault))
    for problem in gather(belay.ledger.stack_claims.every(), registered_in(belay))["problems"]:
        yield Examined("stacks", Condition.PROBLEM, problem, "see belay stacks")
    stages = [f"{each.application}/{each.name}" for each in read.stages]
    if stages:
        yield Examined("registrations", Condition.OK, f"Belay can read {', '.join(stages)}")
    elif not (read.unreadable or read.faults):
        yield Examined("registrations", Condition.PROBLEM, "no application is registered", "belay register --help")


def _service_roles(belay: Account) -> Iterator[Examined]:
    users: dict[str, list[Stage]] = {}
    for stage in _at_home(belay):
        users.setdefault(stage.service_role, []).append(stage)
    for role, stages in users.items():
        yield from _service_role(belay, role, ", ".join(f"{each.application}/{each.name}" for each in stages))


def _service_role(belay: Account, role: str, used_by: str) -> Iterator[Examined]:
    what = f"service role of {used_by}"
    ledger = (
        f"arn:{role.split(':')[1]}:dynamodb:{belay.region}:{role.split(':')[4]}:table/{belay.output('LedgerTableName')}"
    )
    refused = belay.aws.roles.refused(role, ["dynamodb:PutItem"], ledger)
    if refused is None:
        yield Examined(what, Condition.PROBLEM, f"{role} does not exist", "create it, or register another")
        return
    if not refused:
        policy = belay.output("ServiceRolePolicyArn")
        yield Examined(
            *(what, Condition.PROBLEM, f"{role} may write to Belay's ledger, and so may every release"),
            f"aws iam attach-role-policy --role-name {role.rpartition('/')[2]} --policy-arn {policy}",
        )
    if not _trusts(belay, role):
        yield Examined(
            *(what, Condition.PROBLEM, f"{role} cannot be assumed by {CLOUDFORMATION}"),
            "allow it sts:AssumeRole in the role's trust policy",
        )
    elif refused:
        yield Examined(what, Condition.OK, f"{role} can be assumed, and cannot change Belay")


def _trusts(belay: Account, role: str) -> bool:
    with translated("IAM.GetRole"):
        document = belay.aws.client("iam").get_role(RoleName=role.rpartition("/")[2])["Role"][
            "AssumeRolePolicyDocument"
        ]
    read: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
    statements = read["Statement"] if isinstance(read["Statement"], list) else [read["Statement"]]
    return any(
        CLOUDFORMATION in _listed(each.get("Principal", {}).get("Service")) and each.get("Effect") == "Allow"
        for each in statements
        if isinstance(each.get("Principal"), dict)
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _verify_functions(belay: Account) -> Iterator[Examined]:
    for stage in _at_home(belay):
        function = stage.verify.function
        if function is None:
            continue
        what, state = f"verify function of {stage.application}/{stage.name}", belay.aws.verify_functions.state(function)
        if state is None:
            yield Examined(what, Condition.PROBLEM, f"{function} does not exist", "create it, or register another")
        else:
            yield Examined(what, Condition.OK, f"{function} is {state}")


def _parameter_tables(belay: Account) -> Iterator[Examined]:
    """Look for each registered value as Belay does when it plans a stage, with these credentials."""
    for stage in belay.registrations.read().stages:
        for stack, registered in stage.stacks.items():
            for name, source in registered.from_tables.items():
                what = f"{name} of {stage.application}/{stage.name}, {stack}"
                yield _in_table(belay, stage, what, source)


def _in_table(belay: Account, stage: Stage, what: str, source: TableAttribute) -> Examined:
    if stage.place is not None:
        return Examined(
            *(what, Condition.UNKNOWN, f"{source.where} is in {stage.place}, where only Belay's role reads it"),
            "look at it there; ParameterTableArns of belay-deploy's stack has to cover the table",
        )
    arn = f"arn:{belay.aws.partition}:dynamodb:{belay.region}:{belay.aws.account}:table/{source.table}"
    try:
        found = text_of(belay.aws.parameter_tables.item(source.table, source.key), source)
    except InvalidRelease as error:
        return Examined(what, Condition.PROBLEM, error.problems[0], "publish it, or register where it stands")
    except InvalidRequest as error:
        do = "create the table, or register the one that has it, with its whole key"
        return Examined(what, Condition.PROBLEM, f"{source.where}: {error.message}", do)
    except AwsFault as fault:
        return Examined(what, Condition.UNKNOWN, in_words(fault), "look again with credentials that may read the table")
    if not any(fnmatchcase(arn, each) for each in belay.parameter_tables):
        given = ",".join([*belay.parameter_tables, arn])
        return Examined(
            *(
                what,
                Condition.PROBLEM,
                f"Belay's parameter ParameterTableArns does not cover {arn}: it may not read it",
            ),
            f"deploy Belay with ParameterTableArns={given}",
        )
    return Examined(what, Condition.OK, f"it is {found!r} now: {source.where}")


def _at_home(belay: Account) -> list[Stage]:
    """Return the stages of Belay's own account and region: the others' roles and functions cannot be seen from here."""
    return [stage for stage in belay.registrations.read().stages if stage.place is None]


def _elsewhere(belay: Account) -> Iterator[Examined]:
    places: dict[tuple[str, str], list[Stage]] = {}
    registered = belay.registrations.read().stages
    for stage in registered:
        if stage.place is not None:
            places.setdefault((stage.place.account, stage.place.region), []).append(stage)
    if not places:
        return
    named = belay.given.get("SpokeAccounts", "").split(",")
    looked = seen(belay)
    for (account, region), stages in places.items():
        where = f"account {account}, region {region}"
        found = {each.application: each for each in looked if (each.account, each.region) == (account, region)}
        yield _events(where, account, named)
        yield from _forwarded(belay, where, [*found.values()], region_command(account, region, stages))
        yield _files(belay, where, account, region)
        for stage in stages:
            yield from _reached(stage, found[stage.application], account_command(account, registered))


def _vaults(belay: Account) -> Iterator[Examined]:
    """Whether the snapshots of stages with a vault arrive there; only the function that copies them may look there."""
    stages = [each for each in belay.registrations.read().stages if each.vault is not None]
    copies = belay.ledger.vault_copies.every() if stages else []
    for stage in stages:
        what = f"vault of {stage.application}/{stage.name}"
        waiting = [each for each in copies if (each.origin.application, each.stage) == (stage.application, stage.name)]
        refused_ones = [each for each in waiting if each.failing]
        if refused_ones:
            do = "correct what refuses it: docs/databases.md#a-vault-in-another-account; Belay tries again"
            newest = refused_ones[-1]
            yield Examined(what, Condition.PROBLEM, f"{newest.in_words} is not copied: {newest.failing}", do)
        else:
            told = f"{len(waiting)} being copied" if waiting else "nothing waits to be copied"
            yield Examined(what, Condition.OK, f"{stage.vault}: {told}")


def _events(where: str, account: str, named: list[str]) -> Examined:
    if account in named:
        return Examined(f"events of {where}", Condition.OK, "Belay's bus takes what the account forwards")
    return Examined(
        *(f"events of {where}", Condition.PROBLEM, f"Belay's parameter SpokeAccounts does not name {account}"),
        f"deploy Belay with SpokeAccounts={','.join([*filter(None, named), account])}",
    )


def _files(belay: Account, where: str, account: str, region: str) -> Examined:
    bucket = f"{belay.stack}-files-{belay.aws.account}-{region}"
    what = f"files for {where}"
    deployed = f"deploy accounts/hub_region.yaml to {region} of this account, with {account} in SpokeAccounts"
    try:
        with translated("S3.GetBucketPolicy"):
            policy = belay.aws.in_region(region).client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    except AwsFault as fault:
        if fault.code not in _NOT_THERE:
            raise
        return Examined(what, Condition.PROBLEM, f"there is no bucket {bucket} that anybody may read", deployed)
    if account not in policy:
        return Examined(what, Condition.PROBLEM, f"{account} may not read from the bucket {bucket}", deployed)
    return Examined(what, Condition.OK, f"{account} may read what {bucket} has for it")


def _forwarded(belay: Account, where: str, found: Sequence[SeenThere], prints: str) -> Iterator[Examined]:
    """Whether the rules of a region send to Belay's bus what happens there; ``prints`` is what makes them."""
    what = f"rule of {where}"
    arn = belay.aws.here.arn("events", f"event-bus/{belay.stack}-spokes")
    looked = [each for each in found if not each.fault]
    if not looked:
        yield Examined(what, Condition.UNKNOWN, "Belay cannot look there", "see what keeps it from that, below")
        return
    do = f"{prints}, and deploy it in that region of the account, as its first line says (docs/accounts.md, step 4)"
    pipelines = [each.pipelines_to for each in looked if each.pipelines_to is not None]
    missing = [
        f"no rule {rule} sends {events} to {arn}: {otherwise}"
        for rule, events, otherwise, targets in (
            (FORWARD, "failed stacks", "the sweep alone finds what fails", looked[0].forwards_to),
            (FORWARD_PIPELINES, "what happens in pipelines", "Belay follows none there", next(iter(pipelines), [arn])),
        )
        if arn not in targets
    ]
    for each in missing:
        yield Examined(what, Condition.PROBLEM, each, do)
    if not missing:
        yield Examined(what, Condition.OK, f"it forwards to {arn}")


def seen(belay: Account) -> list[SeenThere]:
    """Return what Belay sees where stages elsewhere lie: its functions may look there, and nobody else."""
    with translated("Lambda.InvokeFunction"):
        answer = belay.aws.client("lambda").invoke(
            FunctionName=belay.output("SweepFunctionName"), Payload=json.dumps({"examine": True}).encode()
        )
    done: Mapping[str, Any] = json.load(answer["Payload"])
    if "spokes" not in done:
        raise Refused(f"Belay could not look at the stages elsewhere: {done.get('errorMessage', done)}")
    return [SeenThere(**each) for each in done["spokes"]]


def _reached(stage: Stage, found: SeenThere, prints: str) -> Iterator[Examined]:
    """Whether Belay can work in a stage; ``prints`` is the command that prints what its account needs."""
    what, place = f"{stage.application}/{stage.name}", stage.place
    account = f"{prints}, and deploy it there, as its first line says (docs/accounts.md, step 3)"
    if found.fault:
        enable = f"aws account enable-region --region-name {found.region}, in that account; if it is enabled: {account}"
        do = enable if "is not enabled in the account" in found.fault else account
        yield Examined(what, Condition.PROBLEM, found.fault, do)
        return
    needed = {power: lacks for power, lacks in found.roles.items() if needs(stage, Power(power))}
    lacking = {power: "; ".join(lacks) for power, lacks in needed.items() if lacks}
    for power, lacks in lacking.items():
        yield Examined(what, Condition.PROBLEM, f"belay-{power}: {lacks}", account)
    if not lacking:
        yield Examined(
            what,
            Condition.OK,
            f"the roles for {', '.join(needed)} of {place} trust Belay for {stage.application}",
        )


EXAMINATIONS: Final[dict[str, Examination]] = {
    "you": _caller,
    "your permissions": _permissions,
    "Belay's stack": _stack,
    "upload events": _upload_events,
    "event rules": _rules,
    "on call": _subscribers,
    "pause": _pause,
    "registrations": _registrations,
    "service roles": _service_roles,
    "verify functions": _verify_functions,
    "parameters from tables": _parameter_tables,
    "stages elsewhere": _elsewhere,
    "vaults": _vaults,
}
