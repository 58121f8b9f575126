"""A person's decision as it was sent, and why it may be refused.

A decision is a JSON object of strings. About a stage's approval, or continuing outside its windows (``override``):

    {"decision": "approve", "application": "orders", "version": "1.2.0", "stage": "production", "comment": "...",
     "seal": "<the digest that the report showed>"}

About an incident's question, such as whether to restore a database:

    {"decision": "approve", "application": "orders", "incident": "orders-production-0123456789ab",
     "question": "restore", "comment": "..."}

About an incident as a whole, that somebody is on it (``acknowledge``) or that what it left is done (``close``):

    {"decision": "close", "application": "orders", "incident": "orders-production-0123456789ab", "comment": "..."}
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from belay.approval.asked import SAID, AskedApproval, GivenAnswer, Word
from belay.approval.principal import Principal, Sameness, same_person
from belay.events.function_url import Refusal
from belay.release.attempt import Attempt
from belay.release.names import NAME, NAME_RULE
from belay.release.records import Outcome
from belay.release.version import Version
from belay.rollback.question import AskedQuestion

LONGEST_REQUEST: Final = 16_384
"""Bytes."""

_LONGEST_COMMENT: Final = 1_024
ON_CALL: Final[tuple[Word, ...]] = ("acknowledge", "close")
"""What is said about an incident as a whole."""

_WORDS: Final[tuple[Word, ...]] = ("approve", "reject", "override", *ON_CALL)
_NEED_A_REASON: Final[Mapping[Word, str]] = {"override": "override", "close": "closing"}
_KEYS: Final = ("decision", "application", "version", "stage", "incident", "question", "comment", "seal")
_INCIDENT: Final = re.compile(r"[A-Za-z0-9-]{1,80}")
_QUESTION: Final = re.compile(r"[A-Za-z0-9:._/-]{1,200}")
_SEAL: Final = re.compile(r"[0-9a-f]{12,64}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True)
class Decision:
    """A decision. ``version`` and ``stage`` are set for a stage, the other two for an incident.

    ``seal`` is the beginning of the digest that the person saw, empty if it was not sent.
    """

    word: Word
    application: str
    version: str = ""
    stage: str = ""
    incident: str = ""
    question: str = ""
    comment: str = ""
    seal: str = ""

    @property
    def about(self) -> str:
        """Its subject, in words."""
        if self.incident and not self.question:
            return f"the incident {self.incident}"
        if self.incident:
            return f"{self.question} in the incident {self.incident}"
        return f"{self.application} {self.version} in {self.stage}"


def parse_decision(body: str) -> Decision | Refusal:
    """Read what was sent, which may be anything."""
    try:
        document = json.loads(body) if len(body.encode(errors="replace")) <= LONGEST_REQUEST else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        return _invalid(f"expected a JSON object of strings, in at most {LONGEST_REQUEST} bytes")
    unknown = sorted(set(document) - set(_KEYS))
    if unknown:
        return _invalid(f"unknown key {unknown[0]!r:.80}; known are {', '.join(_KEYS)}")
    word = next((each for each in _WORDS if each == document.get("decision")), None)
    if word is None:
        return _invalid(f"decision: expected one of {', '.join(_WORDS)}")
    problem = _problem(document, word)
    if problem is not None:
        return _invalid(problem)
    return Decision(
        word,
        document["application"],
        document.get("version", ""),
        document.get("stage", ""),
        document.get("incident", ""),
        document.get("question", ""),
        " ".join(_CONTROL.sub(" ", document.get("comment", "")).split()),
        document.get("seal", ""),
    )


def _problem(document: Mapping[str, str], word: Word) -> str | None:
    """Return the first problem of the strings that were sent."""
    about_incident = word in ON_CALL or (word != "override" and ("incident" in document or "question" in document))
    checks = [("application", NAME, NAME_RULE)]
    if about_incident:
        checks += [("incident", _INCIDENT, "an incident's name")]
        checks += [] if word in ON_CALL else [("question", _QUESTION, "the name of a question")]
    else:
        checks += [("stage", NAME, NAME_RULE)]
        try:
            Version.parse(document.get("version", ""))
        except ValueError as error:
            return f"version: {error}"
    if document.get("seal"):
        checks += [("seal", _SEAL, "the first 12 or more digits of the seal, as the report shows it")]
    for key, pattern, expected in checks:
        if not pattern.fullmatch(document.get(key, "")):
            return f"{key}: expected {expected}"
    if len(document.get("comment", "")) > _LONGEST_COMMENT:
        return f"comment: expected at most {_LONGEST_COMMENT} characters"
    if word in _NEED_A_REASON and not document.get("comment", "").strip():
        return f"comment: expected the reason for the {_NEED_A_REASON[word]}"
    if word in ON_CALL and document.get("question"):
        return f"question: expected none, because {word} is about the whole incident"
    return None


def _invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidRequest", message)


def refuse_approval(
    decision: Decision,
    approval: AskedApproval | None,
    attempt: Attempt | None,
    *,
    uploader: Principal | None,
    caller: Principal,
    now: str,
    earlier: Sequence[Principal] = (),
) -> Refusal | None:
    """Return why an answer to a stage's approval is refused, or None.

    ``attempt`` is the newest accepted one of the version; times are as in the ledger. ``earlier`` are those who
    uploaded the same version before: retrying a release does not make it one's own. Only an approval is refused because
    of who the person is: an uploader can always reject their release.
    """
    if approval is None or attempt is None or approval.attempt != attempt.id:
        return Refusal(404, "Unknown", f"{decision.about} is not waiting for an approval")
    refusal = _refuse_late(decision, approval, attempt, now)
    if refusal is None and decision.seal and not approval.digest.startswith(decision.seal):
        refusal = Refusal(409, "SealMismatch", f"{decision.about} {_OTHER_SEAL.format(approval.digest)}")
    if refusal is None and decision.word == "approve" and approval.four_eyes:
        several = (_refuse_same_eyes(decision, each, caller) for each in (uploader, *earlier))
        refusal = next(filter(None, several), None)
    return refusal


def _refuse_late(decision: Decision, approval: AskedApproval, attempt: Attempt, now: str) -> Refusal | None:
    if approval.answer is not None:
        return answered_before(decision.about, approval.answer)
    if attempt.outcome is not None:
        return Refusal(410, "Ended", f"{decision.about} has already ended without an answer")
    if approval.expires_at <= now:
        expired = f"the request expired at {approval.expires_at}; upload the release again for a new one"
        return Refusal(410, "Expired", f"{decision.about}: {expired}")
    return None


_OTHER_SEAL: Final = "now has the seal {}, not the one you saw; read the report again before you decide"


def answered_before(about: str, answer: GivenAnswer) -> Refusal:
    """Refuse a second answer: each request is answered once."""
    return Refusal(409, "AlreadyAnswered", f"{about} was {SAID[answer.word]} by {answer.by} at {answer.at}")


def _refuse_same_eyes(decision: Decision, uploader: Principal | None, caller: Principal) -> Refusal | None:
    if uploader is None:
        return Refusal(403, "UploaderUnknown", f"{decision.about}: {_UNKNOWN_UPLOADER}")
    sameness = same_person(uploader, caller)
    if sameness is Sameness.SAME:
        other = "its registration requires four eyes, so the uploader cannot approve"
        return Refusal(403, "FourEyes", f"{decision.about} was uploaded by you ({uploader.arn}); {other}")
    if sameness is Sameness.UNKNOWN:
        return Refusal(
            403, "ApproverUnknown", f"{decision.about}: {_UNKNOWN_APPROVER.format(caller.arn, uploader.arn)}"
        )
    return None


_UNKNOWN_UPLOADER: Final = (
    "its registration requires four eyes, and the uploader is unknown. CloudTrail records it, up to 15 minutes "
    "after the upload, if it records the data events of the release bucket (Belay's parameter UploaderTrail); "
    "switch that on and upload the release again, or have the operator remove four_eyes from the registration"
)
_UNKNOWN_APPROVER: Final = (
    "its registration requires four eyes, and {} does not identify you, so you may be {}. Approve as an IAM user "
    "or in a session with your own name"
)


def refuse_question(
    decision: Decision, asked: Mapping[str, AskedQuestion], *, known: bool, outcome: Outcome | None
) -> Refusal | None:
    """Return why an answer to an incident's question is refused, or None.

    ``asked`` are all the questions of the incident, by name; ``known``: there is such an incident, ``outcome`` is
    how it ended.
    """
    if not known:
        return Refusal(404, "Unknown", f"{decision.application} has no incident {decision.incident}")
    question = asked.get(decision.question)
    if question is None:
        asks = f"its questions are {', '.join(sorted(asked))}" if asked else "it has no questions"
        return Refusal(404, "Unknown", f"the incident {decision.incident} has no question {decision.question}; {asks}")
    if question.answer is not None:
        answered = f"{decision.about} was {question.answer} by {question.by} at {question.at}"
        return Refusal(409, "AlreadyAnswered", answered)
    if outcome is not None:
        return Refusal(410, "Ended", f"the incident {decision.incident} has already ended: {outcome}")
    return None


def refuse_override(decision: Decision, attempt: Attempt | None, overridden: GivenAnswer | None) -> Refusal | None:
    """Return why an override of a stage's windows is refused, or None; ``overridden`` is the attempt's own."""
    if attempt is None:
        return Refusal(404, "Unknown", f"{decision.application} has no release {decision.version}")
    if attempt.outcome is not None:
        return Refusal(410, "Ended", f"{decision.about} has already ended: {attempt.outcome}")
    if overridden is not None:
        said = f"{decision.about} was already overridden by {overridden.by} at {overridden.at}"
        return Refusal(409, "AlreadyAnswered", said)
    return None
