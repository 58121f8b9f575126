"""Sends decisions to Belay, signed with the caller's credentials."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from belay.ledger.ledger import Ledger
from belay.release.records import ReleaseReference
from cli.account import Account, add_account_arguments
from cli.function_url import post_signed
from cli.naming import ReleaseName, find_release, release_name
from cli.output import tell
from cli.problems import Refused, Unreachable

Waiting = Callable[[Ledger, ReleaseReference], list[str]]
"""Finds the stages in which an attempt at a release waits for a person."""
_DONE: Final = {"approve": "approved", "reject": "rejected", "override": "let through"}
_FORBIDDEN: Final = 403
_OK: Final = 200


def add_decision_arguments(parser: argparse.ArgumentParser, *, incidents: bool) -> None:
    """Declare the arguments that name a request; ``incidents`` says whether it may be an incident's question."""
    parser.add_argument("release", type=release_name, metavar="RELEASE", help="orders/1.2.0, or orders for its newest")
    parser.add_argument("--stage", metavar="STAGE", help="default: the only stage that waits")
    parser.add_argument("--comment", metavar="TEXT", default="", help="why; recorded with the decision")
    if incidents:
        parser.add_argument(
            "--seal",
            metavar="DIGEST",
            default="",
            help="the seal you saw; refused if it has changed",
        )
        parser.add_argument("--incident", metavar="NAME", help="answer a question of this incident instead")
        parser.add_argument("--question", metavar="NAME", help="the name of the question, from the incident's message")
    add_account_arguments(parser)


def decide(arguments: argparse.Namespace, word: str) -> int:
    """Send a decision and show the recorded one. Raises ``Refused`` if it is not accepted."""
    belay = Account.of(arguments)
    if getattr(arguments, "incident", None):
        document = about_incident(arguments)
    else:
        document = about_release(belay.ledger, arguments, waiting=held if word == "override" else unanswered)
    return take(belay, arguments, word, document)


def take(belay: Account, arguments: argparse.Namespace, word: str, document: Mapping[str, str]) -> int:
    """Send a decision about the request in ``document`` and show the recorded one; raises like ``decide``."""
    found = sent(belay, word, document)
    about = document.get("incident") or f"{document['application']}/{document['version']} in {document['stage']}"
    tell(arguments, found, [f"{_DONE[word]}: {about}, by {found.get('by', belay.caller())}"])
    return 0


def sent(belay: Account, word: str, document: Mapping[str, str]) -> dict[str, Any]:
    """Send a decision and return the recorded one. Raises ``Refused``, ``Unreachable``."""
    return send(belay, "DecisionUrl", {"decision": word, **document}, policy="DeciderPolicyArn")


def about_incident(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the name of an incident's question. Raises ``Refused`` without one."""
    if not arguments.question:
        raise Refused("--incident needs --question, which is in the incident's message")
    return {
        "application": arguments.release.application,
        "incident": arguments.incident,
        "question": arguments.question,
        "comment": arguments.comment,
    }


def about_release(ledger: Ledger, arguments: argparse.Namespace, *, waiting: Waiting) -> dict[str, str]:
    """Return the name of a stage's approval or hold. Raises ``Refused`` unless exactly one stage is ``waiting``."""
    name: ReleaseName = arguments.release
    release = find_release(ledger, name)
    application, version = release.application, release.version
    stage = arguments.stage
    if stage is None:
        stage = the_one(waiting(ledger, release), f"{application}/{version}")
    document = {"application": application, "version": version, "stage": stage, "comment": arguments.comment}
    seal = getattr(arguments, "seal", "")
    return {**document, "seal": seal} if seal else document


def unanswered(ledger: Ledger, release: ReleaseReference) -> list[str]:
    """Return the stages in which this attempt at a release waits for an approval."""
    asked = ledger.approvals.of_release(release.application, release.version)
    return [each.stage for each in asked if each.attempt == release.attempt and each.answer is None]


def held(ledger: Ledger, release: ReleaseReference) -> list[str]:
    """Return the stages in which this attempt at a release was held outside of their windows."""
    holds = ledger.holds.of_release(release.application, release.version)
    return [each.stage for each in holds if each.attempt == release.attempt]


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
    credentials = belay.session.get_credentials()
    if credentials is None:
        raise Unreachable("no credentials: configure a profile, or sign in with `aws sso login` or `aws configure`")
    status, answer = post_signed(belay.output(url), document, credentials, belay.region, belay.ca_bundle)
    if status == _OK:
        return dict(answer)
    message = str(answer.get("message") or answer.get("Message") or answer)
    if status == _FORBIDDEN and "error" not in answer:
        raise Unreachable(
            f"these credentials may not call lambda:InvokeFunctionUrl: {message} The stack's output {policy} has "
            "the policy that allows it."
        )
    raise Refused(message)
