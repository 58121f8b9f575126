"""``belay approve RELEASE``: approve a release in a stage, or an incident's question, after showing what that is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import click

from belay.approval.request import ApprovalText
from belay.approval.seal import SEAL_DIGITS
from belay.aws.clock import timestamp
from belay.release.records import Outcome
from cli.account import Account, Where, calls_aws
from cli.decision import Request, about_a_stage_or_incident, about_incident, about_release, sent, taken, unanswered
from cli.follow import Wait, finish, waits
from cli.naming import find_accepted
from cli.output import ago, at, plain, section
from cli.problems import Refused
from cli.views.followed import Follower


@click.command()
@about_a_stage_or_incident
@click.option("--yes", is_flag=True, help="approve the current request without confirmation")
@waits([Outcome.DEPLOYED, Outcome.ROLLED_BACK])
@calls_aws
def command(request: Request, yes: bool, wait: Wait, where: Where, output: str) -> int:
    """Approve a release in a stage, or an incident's question, after showing what that is.

    Without --seal, the person at the terminal is asked whether it is what they mean. What an incident asks is named by
    its question and never changes: naming it is enough.
    """
    belay = Account.of(where)
    follower = Follower(belay)
    if request.incident is not None:
        document = about_incident(request)
        show(question_lines(belay, document))
        named, good = (document["application"], document["incident"]), Outcome.ROLLED_BACK
        look = partial(follower.incident, *named)
    else:
        document = about_release(belay.ledger, request, waiting=unanswered)
        asked = PendingApproval.find(belay, document)
        show(asked.lines(datetime.now(UTC)))
        if not request.seal and not yes:
            confirm(asked)
        document = {"seal": asked.seal, **document}
        release, good = find_accepted(belay.ledger, request.release).upload, Outcome.DEPLOYED
        look = partial(follower.upload, release, timestamp())
    found = sent(belay, "approve", document)
    lines, about = taken(belay, "approve", document, found), document.get("incident") or str(request.release)
    return finish(look, about, found, lines, wait=wait, output=output, good=[good])


@dataclass(frozen=True)
class PendingApproval:
    """What a stage asks at this moment.

    ``seal`` is the whole digest; the times are the ledger's texts; ``told`` is what the approvers were told.
    """

    release: str
    stage: str
    seal: str
    since: str
    until: str
    told: ApprovalText

    @classmethod
    def find(cls, belay: Account, document: Mapping[str, str]) -> PendingApproval:
        """Find the request of the stage in ``document``. Raises ``Refused`` if there is none."""
        application, version, stage = (document[name] for name in ("application", "version", "stage"))
        attempt = belay.ledger.attempts.current(application, version)
        release = None if attempt is None else attempt.release
        approval = None if release is None else belay.ledger.approvals.asked_of(release, stage)
        if approval is None or release is None:
            raise Refused(f"{application}/{version} is not waiting for an approval in {stage}")
        told = ApprovalText.from_dict(belay.artifacts.require_json(release.stage_key(stage, "approval.json")))
        return cls(
            release=f"{application}/{version}",
            stage=stage,
            seal=approval.digest,
            since=approval.requested_at,
            until=approval.expires_at,
            told=told,
        )

    @property
    def short_seal(self) -> str:
        """The first digits of the seal, as in the message."""
        return self.seal[:SEAL_DIGITS]

    def lines(self, now: datetime) -> list[str]:
        """Describe what would be approved."""
        since = ago(datetime.fromisoformat(self.since), now)
        return [
            self.told.what,
            f"  requested {at(self.since)}, {since} ago; expires {at(self.until)}",
            f"  seal      {self.short_seal}",
            *section("Changes", self.told.changes),
            *(line for title, lines in self.told.more.items() for line in section(title, lines)),
            "",
        ]


def question_lines(belay: Account, document: Mapping[str, str]) -> list[str]:
    """Show an incident's question; nothing if there is no such question, which the function then refuses."""
    asked = belay.ledger.decisions.get(document["application"], document["incident"], document["question"])
    return [asked.text, f"  asked     {at(asked.asked_at)}", ""] if asked else []


def show(lines: list[str]) -> None:
    """Print what is about to be approved, unless the output is JSON."""
    if lines:
        print(plain("\n".join(lines)), file=sys.stderr)


def confirm(asked: PendingApproval) -> None:
    """Ask for confirmation. Raises ``Refused`` without a terminal or without a yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        command = f"belay approve {asked.release} --stage {asked.stage} --seal {asked.short_seal}"
        raise Refused(
            f"nothing was approved: there is no terminal to confirm it. Pass the seal you saw: {command}\n"
            "or pass --yes to approve the current request, whatever it is"
        )
    print(f"Approve {asked.release} in {asked.stage}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Refused("nothing was approved")
