"""What each page of the console shows, read from the ledger and the stages' documents with the caller's credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from starlette.requests import Request

from belay.ledger.ledger import Ledger
from belay.notify.credentials import commands_of, whose_credentials
from belay.release.accepted import AcceptedRelease
from belay.release.attempt import Attempt, numbered
from belay.release.place import AccountRegion
from belay.release.records import Outcome
from belay.release.waves import wave_of
from cli.account import is_paused
from cli.approve import PendingApproval
from cli.console.desk import Desk, Shown
from cli.decision import held, unanswered
from cli.diff import accepted
from cli.incident_show import stacks_of_attempt
from cli.naming import ReleaseName, application_name, find_attempts
from cli.problems import Refused
from cli.show import chosen, gather, read_forecast
from cli.views.differences import differences
from cli.views.history import stage_history
from cli.views.incidents import answer_until, newest_incidents, open_incidents, read_incident
from cli.views.measures import Measures, read_measures
from cli.views.overview import Overview, read_overview
from cli.views.stacks import stacks_of
from cli.views.stage_track import track

_NEWEST: Final = 50


def _overview(desk: Desk) -> Overview:
    return read_overview(desk.belay.ledger, desk.registered(), paused=is_paused(desk.belay), now=desk.clock())


def overview(desk: Desk, request: Request) -> Shown:
    """What runs where, what goes on, and what a person must do now."""
    return Shown("overview.html", "Overview", {"found": _overview(desk)})


def application(desk: Desk, request: Request) -> Shown:
    """One application: its stages now, and its newest releases."""
    name = _application(request)
    row = next((each for each in _overview(desk).applications if each.name == name), None)
    attempts = desk.belay.ledger.attempts.newest(name, _NEWEST)
    if row is None and not attempts:
        raise Refused(f"there is no application {name}")
    return Shown("application.html", name, {"name": name, "row": row, "attempts": attempts})


# -- a release ---------------------------------------------------------------------------------------------------------


def release(desk: Desk, request: Request) -> Shown:
    """One attempt at a release: its stages as they go, and everything that is known of it."""
    ledger, artifacts = desk.belay.ledger, desk.belay.artifacts
    name = ReleaseName(_application(request), request.path_params["name"])
    attempts = find_attempts(ledger, name)
    attempt = chosen(attempts, request.query_params.get("attempt"), name)
    found = gather(ledger, artifacts, attempt, attempts)
    history = ledger.attempts.history(attempt)
    known = dict.fromkeys([*desk.stages(name.application), *(each.stage for each in history if each.stage)])
    places = _places(desk, attempt)
    stages = [
        {
            "track": track(history, stage, attempt.shared_with(stage)),
            "beside": [each for each in wave_of(attempt.waves, stage) if each != stage],
            "place": places.get(stage),
            "stacks": stacks_of(artifacts, desk.belay.aws, attempt.release, stage),
            "more": next((each for each in found["stages"] if each["stage"] == stage), None),
        }
        for stage in known
    ]
    runs = {stage: ledger.stages.runs(name.application, stage) for stage in known}
    waits = [] if attempt.release is None or attempt.outcome else unanswered(ledger, attempt.release)
    context = {
        "found": found,
        "attempt": attempt,
        "number": numbered(attempts, attempt.id),
        "stages": stages,
        "asks": waits,
        "held": [] if attempt.release is None or attempt.outcome else held(ledger, attempt.release),
        "questions": _questions(ledger, found),
        "beside": next(
            (one.release.version for one in runs.values() if one and one.release.attempt != attempt.id), None
        ),
        "uploader": ledger.uploads.uploader(attempt.upload),
        "forecasts": _forecasts(desk, attempt, list(known)),
        "messages": ledger.messages.of_thread(attempt.upload.thread),
    }
    return Shown("release.html", f"{name.application} {attempt.name}", context)


def _places(desk: Desk, attempt: Attempt) -> Mapping[str, AccountRegion | None]:
    """Return where each stage of a release lay as it was registered then."""
    document = None if attempt.release is None else desk.belay.artifacts.get_json(attempt.release.document_key)
    stages = {} if document is None else AcceptedRelease.from_dict(document).stages
    return {name: stage.place for name, stage in stages.items()}


def _questions(ledger: Ledger, found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the incidents of a release that need a person."""
    return [
        {"incident": each["incident"], "outcome": each["outcome"] or ""}
        for each in found["incidents"]
        if each["outcome"] == Outcome.NEEDS_OPERATOR
        or (each["outcome"] is None and any(one["answer"] is None for one in each["questions"]))
    ]


def _forecasts(desk: Desk, attempt: Attempt, stages: list[str]) -> dict[str, list[str]]:
    """Return the forecast of each stage that has one, in words."""
    found: dict[str, list[str]] = {}
    for stage in stages if attempt.release is not None else ():
        try:
            found[stage] = read_forecast(desk.belay.artifacts, attempt, stage).lines()
        except Refused:
            continue
    return found


def compare(desk: Desk, request: Request) -> Shown:
    """Two releases of an application side by side."""
    name = _application(request)
    ledger = desk.belay.ledger
    wanted = [request.query_params.get(each, "") for each in ("before", "after")]
    attempts = [each for each in ledger.attempts.newest(name, _NEWEST) if each.release is not None]
    if not all(wanted):
        return Shown("compare.html", f"Compare {name}", {"name": name, "attempts": attempts, "found": None}, live=False)
    both = [accepted(ledger, ReleaseName(name, version)) for version in wanted]
    context = {
        "name": name,
        "attempts": attempts,
        "before": both[0],
        "after": both[1],
        "found": differences(desk.belay.artifacts, *both),
    }
    return Shown("compare.html", f"{name} {wanted[0]} and {wanted[1]}", context, live=False)


# -- incidents ---------------------------------------------------------------------------------------------------------


def incidents(desk: Desk, request: Request) -> Shown:
    """The open incidents, those that are left to a person first, then the newest others."""
    applications = sorted(desk.registered().topics)
    wanted = request.query_params.get("application", "")
    open_ones = open_incidents(desk.belay.ledger)
    newest = newest_incidents(desk.belay.ledger, [each for each in applications if wanted in ("", each)], _NEWEST)
    context = {
        "open_ones": [each for each in open_ones if wanted in ("", each.application)],
        "ended": [each for each in newest if not each.state.is_open],
        "applications": applications,
        "wanted": wanted,
    }
    return Shown("incidents.html", "Incidents", context)


def incident(desk: Desk, request: Request) -> Shown:
    """One incident, from what failed to what is left to do."""
    application, name = _application(request), request.path_params["name"]
    found = read_incident(desk.belay.ledger, desk.belay.artifacts, application, name)
    if found is None:
        raise Refused(f"{application} has no incident {name}")
    runs = desk.belay.ledger.stages.in_words(application, found.line.stage)
    until = {each.name: answer_until(each) for each in found.open_questions}
    messages = desk.belay.ledger.messages.of_thread(found.thread)
    commands = commands_of(found.left, found.look)
    context = {
        "found": found,
        "credentials": whose_credentials(commands, [found.place], desk.belay.aws.account),
        "runs": runs,
        "until": until,
        "events": stacks_of_attempt(desk.belay, found),
        "messages": messages,
    }
    return Shown("incident.html", f"Incident {name}", context)


# -- a stage over time -------------------------------------------------------------------------------------------------


def history(desk: Desk, request: Request) -> Shown:
    """What a stage ran: every deployment and rollback."""
    application, stage = _place(desk, request)
    ledger = desk.belay.ledger
    row = next((each for each in _overview(desk).applications if each.name == application), None)
    context = {
        "application": application,
        "stage": stage,
        "now_there": None if row is None else next((each for each in row.stages if each.stage == stage), None),
        "lines": stage_history(ledger, application, stage),
        "incidents": [each for each in newest_incidents(ledger, [application], _NEWEST) if each.stage == stage],
    }
    return Shown("history.html", f"{application} in {stage}", context)


def measures(desk: Desk, request: Request) -> Shown:
    """The four measures, of every application's last stage, or of all stages of one."""
    wanted = request.query_params.get("application", "")
    registered = desk.registered()
    lasting = [each for each in registered.stages if not each.ephemeral]
    last = {each.application: each for each in lasting}
    shown = [each for each in lasting if each.application == wanted] if wanted else list(last.values())
    found = [read_measures(desk.belay.ledger, each.application, each.name, desk.clock()) for each in shown]
    context = {"found": found, "applications": sorted(registered.topics), "wanted": wanted, "bars": _bars}
    return Shown("measures.html", "Measures", context, live=False)


def _bars(found: Measures, what: str) -> list[tuple[float, str]]:
    """Return the height of each week's bar, from 0 to 1, with what it says."""
    values = [getattr(each, what) for each in found.weeks]
    highest = max((each for each in values if each), default=0)
    return [
        (0 if not value or not highest else value / highest, f"{week.begins:%d %B}")
        for value, week in zip(values, found.weeks, strict=True)
    ]


# -- what the pages about an act show ----------------------------------------------------------------------------------


def approval(desk: Desk, request: Request) -> Shown:
    """What an approval covers, and its seal; the answer names that seal."""
    application, version = _application(request), request.path_params["version"]
    stage = request.path_params["stage"]
    asked = PendingApproval.find(desk.belay, {"application": application, "version": version, "stage": stage})
    attempt = desk.belay.ledger.attempts.current(application, version)
    release = None if attempt is None else attempt.release
    record = None if release is None else desk.belay.ledger.approvals.asked_of(release, stage)
    context = {
        "application": application,
        "version": version,
        "stage": stage,
        "asked": asked,
        "record": record,
        "expired": asked.until <= desk.clock().astimezone(UTC).isoformat(timespec="milliseconds"),
        "attempt": attempt,
        "uploader": None if attempt is None else desk.belay.ledger.uploads.uploader(attempt.upload),
    }
    return Shown("approval.html", f"Approve {application} {version} in {stage}", context, live=False)


def nothing(desk: Desk, request: Request) -> Shown:
    """Raise ``Refused``: there is no such page."""
    raise Refused(f"there is no page {request.url.path}")


# -- what an address names ---------------------------------------------------------------------------------------------


def _application(request: Request) -> str:
    """Return the application in the address. Raises ``Refused`` for what cannot be one."""
    try:
        return application_name(request.path_params["application"])
    except Exception as error:
        raise Refused(str(error)) from error


def _place(desk: Desk, request: Request) -> tuple[str, str]:
    """Return the application and the stage in the address. Raises ``Refused`` where there is no such stage."""
    application, stage = _application(request), request.path_params["stage"]
    known = dict.fromkeys([*desk.stages(application), *desk.belay.ledger.stages.of(application)])
    if stage not in known:
        raise Refused(f"{application} has no stage {stage}; its stages are {', '.join(known) or 'not registered'}")
    return application, stage
