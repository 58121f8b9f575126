"""``belay reject`` and ``belay override``; sends decisions to Belay, signed with the caller's credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from belay.approval.asked import SAID, Word
from belay.aws.function_url import post_signed
from belay.ledger.ledger import Ledger
from belay.release.records import ReleaseReference
from cli.account import Account, Where, calls_aws
from cli.naming import ReleaseName, find_release, release_argument
from cli.options import gathered
from cli.output import tell
from cli.problems import Refused, Unreachable

Waiting = Callable[[Ledger, ReleaseReference], list[str]]
"""Finds the stages in which an attempt at a release waits for a person."""
_FORBIDDEN: Final = 403
_OK: Final = 200


@dataclass(frozen=True)
class Request:
    """What a person decides about, as the command line names it: a stage's request, or an incident's question."""

    release: ReleaseName
    stage: str | None
    comment: str
    seal: str = ""
    incident: str | None = None
    question: str | None = None


_ABOUT: Final = (
    release_argument,
    click.option("--stage", metavar="STAGE", help="default: the only stage that waits"),
    click.option("--comment", metavar="TEXT", default="", help="why; recorded with the decision"),
)
about_a_stage: Final = gathered("request", Request, *_ABOUT)
about_a_stage_or_incident: Final = gathered(
    "request",
    Request,
    *_ABOUT,
    click.option("--seal", metavar="DIGEST", default="", help="the seal you saw; refused if it has changed"),
    click.option("--incident", metavar="NAME", help="answer a question of this incident instead"),
    click.option("--question", metavar="NAME", help="the name of the question, from the incident's message"),
)


@click.command()
@about_a_stage_or_incident
@calls_aws
def reject(request: Request, where: Where, output: str) -> int:
    """Reject a release in a stage, or what an incident asks."""
    return decide(where, output, request, "reject")


@click.command()
@about_a_stage
@calls_aws
def override(request: Request, where: Where, output: str) -> int:
    """Let a held release continue outside of its stage's windows."""
    return decide(where, output, request, "override")


def decide(where: Where, output: str, request: Request, word: Word) -> int:
    """Send a decision and show the recorded one. Raises ``Refused`` if it is not accepted."""
    belay = Account.of(where)
    if request.incident is not None:
        document = about_incident(request)
    else:
        document = about_release(belay.ledger, request, waiting=held if word == "override" else unanswered)
    found = sent(belay, word, document)
    tell(output, found, taken(belay, word, document, found))
    return 0


def taken(belay: Account, word: Word, document: Mapping[str, str], found: Mapping[str, Any]) -> list[str]:
    """Say which decision was recorded."""
    about = document.get("incident") or f"{document['application']}/{document['version']} in {document['stage']}"
    return [f"{SAID[word]}: {about}, by {found.get('by', belay.caller())}"]


def sent(belay: Account, word: Word, document: Mapping[str, str]) -> dict[str, Any]:
    """Send a decision and return the recorded one. Raises ``Refused``, ``Unreachable``."""
    return send(belay, "DecisionUrl", {"decision": word, **document}, policy="DeciderPolicyArn")


def about_incident(request: Request) -> dict[str, str]:
    """Return the name of an incident's question. Raises ``Refused`` without one."""
    if not (request.incident and request.question):
        raise Refused("--incident needs --question, which is in the incident's message")
    return {
        "application": request.release.application,
        "incident": request.incident,
        "question": request.question,
        "comment": request.comment,
    }


def about_release(ledger: Ledger, request: Request, *, waiting: Waiting) -> dict[str, str]:
    """Return the name of a stage's approval or hold. Raises ``Refused`` unless exactly one stage is ``waiting``."""
    release = find_release(ledger, request.release)
    application, version = release.application, release.version
    stage = request.stage or the_one(waiting(ledger, release), f"{application}/{version}")
    document = {"application": application, "version": version, "stage": stage, "comment": request.comment}
    return {**document, "seal": request.seal} if request.seal else document


def unanswered(ledger: Ledger, release: ReleaseReference) -> list[str]:
    """Return the stages in which this attempt at a release waits for an approval."""
    return [each.stage for each in ledger.approvals.of_attempt(release) if each.answer is None]


def held(ledger: Ledger, release: ReleaseReference) -> list[str]:
    """Return the stages in which this attempt at a release was held outside of their windows."""
    return [each.stage for each in ledger.holds.of_attempt(release)]


def the_one(stages: Sequence[str], release: str) -> str:
    """Return the one stage there is. Raises ``Refused`` otherwise."""
    if not stages:
        raise Refused(f"{release} is not waiting for a person; see `belay show {release}`")
    if len(stages) > 1:
        raise Refused(f"{release} waits in {' and '.join(stages)}: choose one with --stage")
    return stages[0]


def send(belay: Account, url: str, document: Mapping[str, Any], *, policy: str) -> dict[str, Any]:
    """Send a signed request to one of the stack's URLs; ``url`` and ``policy`` name the stack's outputs.

    Raises ``Refused`` where it is not taken, ``Unreachable`` where it may not even be sent.
    """
    own = belay.signed_in
    status, answer = post_signed(belay.output(url), document, own.credentials, belay.region, own.ca_bundle)
    if status == _OK:
        return dict(answer)
    message = str(answer.get("message") or answer.get("Message") or answer)
    if status == _FORBIDDEN and "error" not in answer:
        raise Unreachable(
            f"these credentials may not call lambda:InvokeFunctionUrl: {message} The stack's output {policy} has "
            "the policy that allows it."
        )
    raise Refused(message)
