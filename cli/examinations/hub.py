"""Belay's own stack, and whoever runs the command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from belay import VERSION
from belay.wording import counted
from cli.account import Account, is_paused
from cli.examinations.examined import Condition, Examined, ok, problem, unknown
from cli.permissions import POLICIES, Permission, granted_by, principal, refused, to_register


def caller(belay: Account) -> Iterator[Examined]:
    """Say whose credentials these are."""
    yield ok("you", f"{belay.caller()} in {belay.region}")


def permissions(belay: Account) -> Iterator[Examined]:
    """Say which commands the caller may use."""
    who = principal(belay)
    if who is None:
        detail = "IAM simulates the policies of users and roles, and you are neither"
        yield unknown("your permissions", detail, "look again as a user or a role")
        return
    for policy, commands in POLICIES.items():
        yield _allowed(belay, who, commands, granted_by(belay, policy), f"attach {belay.output(f'{policy}Arn')}")
    yield _allowed(belay, who, ("register",), to_register(belay), "see docs/command-line.md#permissions")


def _allowed(belay: Account, who: str, commands: Sequence[str], wanted: Sequence[Permission], do: str) -> Examined:
    what, denied = f"you may use {', '.join(commands)}", refused(belay, who, wanted)
    if denied is None:
        return unknown(what, f"IAM has no {who}")
    if denied:
        return Examined(what, Condition.NOT_ALLOWED, f"{who} may not {', '.join(denied)}", do)
    return ok(what, f"{who} has the permissions")


def stack(belay: Account) -> Iterator[Examined]:
    """Compare the stack's version with the command's, and look at its status."""
    deployed = belay.outputs.get("Version", "older")
    if deployed != VERSION:
        what, do = f"it is {deployed}, this command is {VERSION}", "deploy this version: make deploy; or use that one's"
        yield problem("version", what, do)
    status = str((belay.aws.stacks.describe_stack(belay.stack) or {}).get("StackStatus"))
    told = f"{belay.stack} is {status}"
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status and "DELETE" not in status:
        yield ok("Belay's stack", told)
    else:
        yield problem("Belay's stack", told, "deploy Belay again: make deploy")


def upload_events(belay: Account) -> Iterator[Examined]:
    """Look whether uploads start releases."""
    bucket = belay.output("ReleaseBucketName")
    if belay.aws.buckets.tells_eventbridge(bucket):
        yield ok("upload events", f"{bucket} sends them to EventBridge")
    else:
        yield problem(
            "upload events",
            f"{bucket} does not send them to EventBridge: no upload would start a release",
            "deploy Belay again, and let nothing else change the bucket's notifications",
        )


def rules(belay: Account) -> Iterator[Examined]:
    """Look for rules that are disabled."""
    found = belay.aws.event_rules.states(f"{belay.stack}-")
    off = [name for name, state in found.items() if state == "DISABLED"]
    for name in off:
        yield problem("event rules", f"{name} is disabled", f"aws events enable-rule --name {name}")
    if not off:
        yield ok("event rules", f"{counted(len(found), 'rule')} enabled")


def subscribers(belay: Account) -> Iterator[Examined]:
    """Look whether anybody is notified."""
    topic = belay.output("NotificationTopicArn")
    found = belay.aws.notifications.subscriptions(topic)
    # Belay's relay to a chat topic does not count: who reads that topic is not known here.
    people = [each for each in found if f":function:{belay.stack}-" not in each.endpoint]
    confirmed = [each for each in people if each.confirmed]
    if confirmed:
        yield ok("on call", f"{len(confirmed)} subscribed to {topic}")
        return
    waiting = f" ({counted(len(people), 'subscription')} not confirmed yet)" if people else ""
    yield problem(
        "on call",
        f"nobody is subscribed to {topic}{waiting}: nobody is notified of failures",
        f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint YOU@EXAMPLE.COM",
    )


def pause(belay: Account) -> Iterator[Examined]:
    """Look whether releases are paused."""
    if is_paused(belay):
        yield problem("pause", "releases are paused: uploads are held", "belay resume")
    else:
        yield ok("pause", "releases are not paused")
