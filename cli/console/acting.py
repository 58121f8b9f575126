"""What a person does in the console: each act is shown before it is done, and done by the same code as the command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import click

from belay.approval.asked import SAID, Word
from belay.wording import counted
from cli import abort, resume, retry, rollback
from cli.console.desk import Desk, Shown
from cli.decision import held, sent, the_one
from cli.naming import ReleaseName, application_name, find_accepted, find_attempts
from cli.problems import Refused
from cli.views.incidents import IncidentShown, read_incident

Fields = Mapping[str, str]

LONGEST_BODY: Final = 16_384
"""Bytes of a form; a comment has at most a thousand characters."""


@dataclass(frozen=True)
class Done:
    """What was done, in a sentence, and the page that shows it."""

    said: str
    then: str


@dataclass(frozen=True)
class ConsoleAct:
    """An act: what it shows before, and what does it with the fields of the form. Both raise ``Refused``."""

    shows: Callable[[Desk, Fields], Shown] | None
    does: Callable[[Desk, Fields], Done]


# -- decisions ---------------------------------------------------------------------------------------------------------


def decide(desk: Desk, fields: Fields) -> Done:
    """Approve or reject a release in a stage: exactly what the page with this seal showed."""
    application, version, stage = _named(fields, "application", "version", "stage")
    word = _word(fields)
    if word == "approve" and not fields.get("seal"):
        raise Refused("an approval needs the seal of what was shown: open the approval's page again")
    by = _sent(desk, fields, word, "application", "version", "stage", "seal")
    return Done(f"{application}/{version} in {stage} was {SAID[word]} by {by}.", _release(application, version))


def answer(desk: Desk, fields: Fields) -> Done:
    """Answer a question of an incident."""
    application, incident, question = _named(fields, "application", "incident", "question")
    word = _word(fields)
    by, said = _sent(desk, fields, word, "application", "incident", "question"), _ANSWERED[word]
    return Done(f"{question} was {said} by {by}.", _incident_page(application, incident))


def show_override(desk: Desk, fields: Fields) -> Shown:
    """Show what is held, and why."""
    application, version = _named(fields, "application", "version")
    release = find_accepted(desk.belay.ledger, ReleaseName(application, version)).release
    stages = [] if release is None else held(desk.belay.ledger, release)
    stage = fields.get("stage") or the_one(stages, f"{application}/{version}")
    hold = None if release is None else desk.belay.ledger.holds.of(release, stage)
    if hold is None:
        raise Refused(f"{application}/{version} is not held in {stage}")
    lines = [
        f"It is held in {stage}: {hold.reason}",
        f"Without an override it continues at {hold.until[:16].replace('T', ' ')} UTC.",
    ]
    question = f"Let {application} {version} through in {stage}?"
    return _asks("override", question, lines, {**fields, "stage": stage}, comment="required")


def override(desk: Desk, fields: Fields) -> Done:
    """Let a held release go on outside its stage's windows."""
    application, version, stage = _named(fields, "application", "version", "stage")
    by = _sent(desk, fields, "override", "application", "version", "stage")
    return Done(f"{application}/{version} was let through in {stage} by {by}.", _release(application, version))


# -- an incident as a whole --------------------------------------------------------------------------------------------


def show_acknowledge(desk: Desk, fields: Fields) -> Shown:
    """Show what an acknowledgement does."""
    found = _incident(desk, fields)
    before = found.line.acknowledged
    lines = [
        "The topic is notified once that you are on it, and every page and list says so.",
        *([f"{before.by} is on it now: you take it over."] if before else []),
    ]
    return _asks("acknowledge", f"Take on the incident {found.line.name}?", lines, fields)


def show_close(desk: Desk, fields: Fields) -> Shown:
    """Show what would be said to be done, and what stays."""
    found = _incident(desk, fields)
    mixed = desk.belay.ledger.stages.left(found.line.application, found.line.stage)
    lines = [
        *(f"Left to a person: {each.in_words()}" for each in found.left),
        "You say that this is done; it is recorded with your name, and the topic is notified.",
        *(f"It changes nothing in the stage: {each.in_words}." for each in mixed),
    ]
    return _asks("close", f"Close the incident {found.line.name}?", lines, fields, comment="required")


def acknowledge(desk: Desk, fields: Fields) -> Done:
    """Acknowledge an incident."""
    return _about_incident(desk, fields, "acknowledge")


def close(desk: Desk, fields: Fields) -> Done:
    """Say that what an incident left to a person is done."""
    return _about_incident(desk, fields, "close")


def _about_incident(desk: Desk, fields: Fields, word: Word) -> Done:
    application, incident = _named(fields, "application", "incident")
    by = _sent(desk, fields, word, "application", "incident")
    return Done(f"{incident} was {SAID[word]} by {by}.", _incident_page(application, incident))


def _sent(desk: Desk, fields: Fields, word: Word, *names: str) -> str:
    """Send a decision about the fields of these names; return who made it, as recorded."""
    found = sent(desk.belay, word, {name: fields.get(name, "") for name in (*names, "comment")})
    return str(found.get("by") or desk.belay.caller())


def _incident(desk: Desk, fields: Fields) -> IncidentShown:
    application, incident = _named(fields, "application", "incident")
    found = read_incident(desk.belay.ledger, desk.belay.artifacts, application, incident)
    if found is None:
        raise Refused(f"{application} has no incident {incident}")
    return found


# -- acts --------------------------------------------------------------------------------------------------------------


def show_rollback(desk: Desk, fields: Fields) -> Shown:
    """Ask for the plan of a rollback, and show it."""
    application, stage = _named(fields, "application", "stage")
    to = fields.get("to") or None
    found = rollback.ask(desk.belay, application, stage, to, comment="", plan_only=True)
    title = f"Roll {application} in {stage} back" + (f" to {to}?" if to else "?")
    return _asks("rollback", title, rollback.planned(found), fields, danger=True)


def roll_back(desk: Desk, fields: Fields) -> Done:
    """Start the rollback whose plan was shown; Belay plans again before every step."""
    application, stage = _named(fields, "application", "stage")
    found = rollback.ask(
        desk.belay, application, stage, fields.get("to") or None, comment=fields.get("comment", ""), plan_only=False
    )
    incident = str(found.get("incident") or "")
    then = _incident_page(application, incident) if incident else "/"
    return Done(f"The rollback of {application} in {stage} has begun.", then)


def show_retry(desk: Desk, fields: Fields) -> Shown:
    """Show what would be uploaded again."""
    application, name = _named(fields, "application", "name")
    upload = retry.to_retry(desk.belay, ReleaseName(application, name))
    lines = [
        f"s3://{upload.bucket}/{upload.key} is copied onto itself, which uploads the same content again.",
        "That is a new attempt: it goes through the policies and every stage again.",
    ]
    return _asks("retry", f"Deploy {application} {name} again?", lines, fields, comment="")


def upload_again(desk: Desk, fields: Fields) -> Done:
    """Upload a release again."""
    application, name = _named(fields, "application", "name")
    found = retry.upload_again(desk.belay, ReleaseName(application, name))
    said = f"{found.url} was uploaded again as version {found.now.version_id}; it is there in a moment."
    return Done(said, f"/applications/{quote(application, safe='')}")


def show_abort(desk: Desk, fields: Fields) -> Shown:
    """Show what would be stopped, and what becomes of the other stages of its wave."""
    application, name = _named(fields, "application", "name")
    attempt, stage = find_attempts(desk.belay.ledger, ReleaseName(application, name))[-1], fields.get("stage")
    if fields.get("recovery"):
        stopping = abort.recovery_to_stop(desk.belay, attempt, stage)
        lines = ["Its rollback stops after the step that is under way. What is left has to be done by a person."]
    else:
        stopping = abort.to_stop(desk.belay, attempt, stage)
        where = " and ".join(stopping.stages) or "its stages"
        lines = [
            f"It stops, and what it has changed in {where} is rolled back as after a failure.",
            *(f"{each}." for each in stopping.others),
        ]
    what, place = "the rollback of " if fields.get("recovery") else "", f" in {stage}" if stage else ""
    return _asks("abort", f"Stop {what}{application} {name}{place}?", lines, fields, danger=True)


def stop(desk: Desk, fields: Fields) -> Done:
    """Stop a release or its rollback, everywhere or in one stage."""
    application, name = _named(fields, "application", "name")
    attempt = find_accepted(desk.belay.ledger, ReleaseName(application, name))
    recovery = bool(fields.get("recovery"))
    comment, stage = fields.get("comment", ""), fields.get("stage")
    found = abort.stop(desk.belay, attempt, comment, recovery=recovery, stage=stage)
    return Done(f"{'. '.join(abort.in_words(found, recovery=recovery))}.", _release(application, name))


def show_pause(desk: Desk, fields: Fields) -> Shown:
    """Show what a pause does."""
    lines = ["Releases that are uploaded from now on are held. What is running continues."]
    return _asks("pause", "Pause releases?", lines, fields, comment="")


def hold(desk: Desk, fields: Fields) -> Done:
    """Pause."""
    resume.hold(desk.belay)
    return Done("Releases are paused: new uploads are held.", "/")


def show_resume(desk: Desk, fields: Fields) -> Shown:
    """Show what would start."""
    uploads = [each.upload.key for each in desk.belay.ledger.uploads.held()]
    lines = [f"{counted(len(uploads), 'held upload')} will start, the oldest first.", *uploads]
    return _asks("resume", "Resume releases?", lines, fields, comment="")


def go_on(desk: Desk, fields: Fields) -> Done:
    """Resume."""
    said = resume.in_words(resume.resume(desk.belay))
    return Done(f"{said[:1].upper()}{said[1:]}.", "/")


ACTS: Final[Mapping[str, ConsoleAct]] = {
    "decide": ConsoleAct(None, decide),
    "answer": ConsoleAct(None, answer),
    "override": ConsoleAct(show_override, override),
    "acknowledge": ConsoleAct(show_acknowledge, acknowledge),
    "close": ConsoleAct(show_close, close),
    "rollback": ConsoleAct(show_rollback, roll_back),
    "retry": ConsoleAct(show_retry, upload_again),
    "abort": ConsoleAct(show_abort, stop),
    "pause": ConsoleAct(show_pause, hold),
    "resume": ConsoleAct(show_resume, go_on),
}
"""By the last part of their address, ``/act/<name>``; the approval's and the incident's pages show the first two."""


def _asks(
    act: str, question: str, lines: list[str], fields: Fields, *, comment: str = "optional", danger: bool = False
) -> Shown:
    """Return the page that asks once; ``fields`` are sent with the answer, unseen."""
    sent_on = {name: value for name, value in fields.items() if name in _FIELDS}
    context = {"act": act, "lines": lines, "fields": sent_on, "comment": comment, "danger": danger}
    return Shown("act.html", question, context, live=False)


_FIELDS: Final = ("application", "version", "stage", "name", "to", "recovery", "incident")


def _named(fields: Fields, *names: str) -> tuple[str, ...]:
    """Return the values of fields that an act needs. Raises ``Refused`` where one is missing or is no name."""
    missing = [each for each in names if not fields.get(each)]
    if missing:
        raise Refused(f"the form lacks {', '.join(missing)}: open the page again")
    try:
        application_name(fields["application"])
    except click.BadParameter as error:
        raise Refused(error.message) from error
    return tuple(fields[each] for each in names)


_ANSWERED: Final[Mapping[Word, str]] = {"approve": "approved", "reject": "denied"}


def _word(fields: Fields) -> Word:
    found = fields.get("word", "nothing")
    word = next((each for each in _ANSWERED if each == found), None)
    if word is None:
        raise Refused(f"word: expected approve or reject, found {found!r}")
    return word


def _incident_page(application: str, incident: str) -> str:
    return f"/incidents/{quote(application, safe='')}/{quote(incident, safe='')}"


def _release(application: str, name: str) -> str:
    return f"/releases/{quote(application, safe='')}/{quote(name, safe='')}"
