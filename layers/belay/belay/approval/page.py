"""The report for approvers, and what a plan shows of a stage."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from belay.approval.elements import (
    LONGEST_VALUE,
    MOST_ROWS,
    Html,
    boxed,
    document,
    escaped,
    finding_row,
    listed,
    section,
    sentence,
    sentences,
    tabulated,
)
from belay.approval.forecast_report import sections
from belay.approval.request import ApprovalRequest, in_utc
from belay.approval.stage_report import PlannedChange, StageReport
from belay.policy.verdict import Verdict
from belay.release.waves import wave_of
from belay.rollback.rehearsal import Readiness
from belay.stack.change_set import Change, Detail, fate
from belay.wording import counted


def render(request: ApprovalRequest) -> Html:
    """Return the whole report."""
    release = request.sealed.release
    return document(
        f"Approve {release.application} {release.version} in {request.stage.name}?",
        f"{_head(request)}{_cards(request)}{_changes(request)}{_policies(request)}{_parameters(request)}"
        f"{section('Databases', sentences(request.database_lines))}{_forecast(request)}"
        f"{section('Rollback', sentences(request.rollback_lines))}"
        f"{section('While it waits', sentences(request.waiting_lines))}"
        f"{_answer(request)}{_seal(request)}",
    )


def _head(request: ApprovalRequest) -> Html:
    release, stage = request.sealed.release, request.stage
    description = request.sealed.accepted.manifest.description
    waves = request.sealed.accepted.application.waves
    here = waves.index(wave_of(waves, stage.name))
    asks = f", {escaped(stage.name)} asks for approval" if len(waves[here]) > 1 else ", asks for approval"
    way = "".join(
        f'<li class="{"here" if number == here else "later" if number > here else "done"}">'
        f"{escaped(' and '.join(wave))}{asks if number == here else ' passed' if number < here else ''}</li>\n"
        for number, wave in enumerate(waves)
    )
    return (
        f'<p class="soft">Approval asked for on {escaped(in_utc(request.asked_at))}</p>\n'
        f"<h1>{escaped(release.application)} {escaped(release.version)} in {escaped(stage.name)}</h1>\n"
        f"<p>{escaped(request.what)}</p>\n"
        + (f'<p class="soft">{escaped(description, LONGEST_VALUE)}</p>\n' if description else "")
        + f'<ol class="stages">\n{way}</ol>\n'
    )


def of_plan(report: StageReport, outcome: str, why: str) -> Html:
    """Return what a page about a plan says of a stage: ``outcome`` in a word, and ``why``."""
    release, stage = report.sealed.release, report.stage.name
    said = f"{release.application} {release.version} {report.would}. {report.today}"
    refused = f'<p class="loud">{escaped(sentence(outcome.lower().replace("_", " ")))}</p>\n' if why else ""
    return (
        f"<h1>{escaped(release.application)} {escaped(release.version)} in {escaped(stage)}</h1>\n"
        f"<p>{escaped(said)}</p>\n{refused}{listed(why.splitlines()) if why else ''}"
        f"{_boxes((_resources(report), _verdict(report), _databases(report)))}"
        f"{_changes(report)}{_policies(report)}{_parameters(report)}"
        f"{section('Databases', sentences(report.database_lines))}{_forecast(report)}"
    )


Card = tuple[str, str, str, str]
"""A box at the top: its tone, its title, what it says, and more of that."""


def _cards(request: ApprovalRequest) -> Html:
    rehearsal = request.rehearsal
    ready = ("warn", "Not rehearsed") if rehearsal is None else _READINESS[rehearsal.readiness]
    read = f"{len(rehearsal.reasons)} to read below" if rehearsal else "See below"
    return _boxes(
        (
            _resources(request),
            _verdict(request),
            (ready[0], "Rollback", ready[1], read),
            _databases(request),
            ("cool", "Answer until", in_utc(request.expires_at), "then it ends ABORTED"),
        )
    )


def _boxes(cards: Iterable[Card]) -> Html:
    return '<div class="cards">\n' + "".join(boxed(*each) for each in cards) + "</div>\n"


def _resources(report: StageReport) -> Card:
    risk = min((each.change.risk for each in report.changes), default=len(_TONES))
    counts = ", ".join(f"{count} {kind}" for kind, count in report.counts.items()) or "None yet"
    lost = f"Data may be lost in {len(report.lost)}" if report.lost else "No data is lost"
    return _tone(risk), "Resources", counts, lost


def _verdict(report: StageReport) -> Card:
    tone, said = _VERDICTS[report.verdict]
    return tone, "Policies", report.verdict.value, said


def _databases(report: StageReport) -> Card:
    declared, changes = report.sealed.accepted.manifest.database, report.sealed.database_changes
    pending = "None" if changes is None else f"{len(changes.pending)} to apply"
    return (
        "warn" if declared and (changes is None or changes.pending) else "good",
        "Database",
        ("Changes declared" if declared else "No changes declared") if changes is None else pending,
        f"{len(report.stage.databases)} registered",
    )


_TONES: Final = ("bad", "bad", "bad", "warn", "warn", "warn", "cool", "cool")
"""The tone of a change by its risk; a pure addition is good."""

_VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    Verdict.PASS: ("good", "No findings"),
    Verdict.REVIEW: ("warn", "For you to decide, see below"),
    Verdict.FAIL: ("bad", "A policy is violated"),
}
_READINESS: Final[Mapping[Readiness, tuple[str, str]]] = {
    Readiness.READY: ("good", "Ready"),
    Readiness.NOT_KNOWN: ("warn", "Not known"),
    Readiness.NOT_READY: ("bad", "NOT ready"),
}


def _tone(risk: int) -> str:
    return _TONES[risk] if risk < len(_TONES) else "good"


def _changes(report: StageReport) -> Html:
    shown = "".join(_change(each) for each in report.changes[:MOST_ROWS])
    more = len(report.changes) - MOST_ROWS
    rest = [*report.unplanned, *([f"and {counted(more, 'more change')} of lower risk"] if more > 0 else [])]
    return section("Changes", shown + (listed(rest) if rest else ""), "The riskiest first.")


def _change(planned: PlannedChange) -> Html:
    change = planned.change
    loss = fate(change).removeprefix("; ")
    told = f'<p class="{"loud" if change.loses_data else "soft"}">{escaped(sentence(loss))}.</p>' if loss else ""
    where = f"in {escaped(planned.stack)}" + (f", today {escaped(change.physical_id)}" if change.physical_id else "")
    return (
        f'<div class="row {_tone(change.risk)}"><p><span class="tag">{escaped(sentence(change.verb))}</span>'
        f"<code>{escaped(planned.path)}</code> {escaped(change.resource_type)}</p>"
        f'<p class="soft">{where}</p>{told}{_details(change)}</div>\n'
    )


def _details(change: Change) -> Html:
    """The properties that change, with their values; all known ones for a new or deleted resource."""
    if change.details:
        rows = [_row(name, each) for name, each in _by_property(change.details).items()]
        table = tabulated(("property", "before", "after", "what it needs"), rows, values=(1, 2))
        summary = f"<summary>{counted(len(rows), 'property', 'properties')}</summary>"
        return f"<details{' open' if change.risk <= _OPEN else ''}>{summary}{table}</details>"
    context = change.after or change.before
    if not context:
        return ""
    return f"<details><summary>description</summary><pre>{escaped(context, LONGEST_VALUE)}</pre></details>"


_OPEN: Final = 4
"""The risks whose properties are expanded by default: deleted or replaced resources."""


def _property(detail: Detail) -> str:
    if detail.path:
        return detail.path.removeprefix("/Properties/")
    return detail.name or detail.attribute


def _by_property(details: Iterable[Detail]) -> dict[str, list[Detail]]:
    """Group details: CloudFormation lists a property once for each reason that it changes."""
    found: dict[str, list[Detail]] = {}
    for each in details:
        found.setdefault(_property(each), []).append(each)
    return found


def _row(name: str, details: Sequence[Detail]) -> list[str]:
    before = next((each.before for each in details if each.before), "")
    after = next((each.after for each in details if each.after), "")
    return [name, before, after, _needs(details)]


def _needs(details: Sequence[Detail]) -> str:
    recreation = {each.requires_recreation for each in details}
    needs = next((words for needed, words in _RECREATION.items() if needed in recreation), "")
    causes = [*dict.fromkeys(each.causing_entity for each in details if each.causing_entity)]
    return ", ".join(filter(None, (needs, f"because of {', '.join(causes)}" if causes else "")))


_RECREATION: Final = {"Always": "a replacement", "Conditionally": "maybe a replacement"}


def _policies(report: StageReport) -> Html:
    rows = "".join(finding_row(each) for each in report.findings[:MOST_ROWS])
    checked = sorted({policy for _, each in (*report.static.checked, *report.planned.checked) for policy in each})
    summary = f"<summary>{counted(len(checked), 'policy', 'policies')} checked</summary>"
    names = f"<details>{summary}<p>{escaped(', '.join(checked), LONGEST_VALUE)}</p></details>\n"
    return section("Policies", (rows or "<p>No findings.</p>\n") + names, f"{report.policy_lines[0]}.")


def _parameters(report: StageReport) -> Html:
    """The values that may be shown: see ``stack.shown``; before them what was read from tables and changes."""
    parts = [listed(report.parameter_lines)] if report.parameter_lines else []
    for stack in report.sealed.plan.stacks:
        change_set = report.sealed.change_sets.get(stack.stack)
        if change_set is None or not change_set.parameters:
            continue
        rows = [
            [name, value, change_set.resolved.get(name, "")] for name, value in sorted(change_set.parameters.items())
        ]
        table = tabulated(("parameter", "value", "read from Parameter Store"), rows, values=(1, 2))
        summary = f"{escaped(stack.stack)}: {counted(len(rows), 'parameter')}"
        parts.append(f"<details><summary>{summary}</summary>{table}</details>\n")
    return section("Parameters", "".join(parts) or "<p>No changed stack has parameters.</p>\n")


def _forecast(report: StageReport) -> Html:
    return "" if report.forecast_report is None else sections(report.forecast_report)


def _answer(request: ApprovalRequest) -> Html:
    commands = escaped("\n".join(request.commands), LONGEST_VALUE)
    note = "You cannot answer on this page. Answer with the command, signed with your own credentials:"
    return section("Your answer", f"<pre>{commands}</pre>\n", note)


def _seal(request: ApprovalRequest) -> Html:
    rows = [[name, digest] for name, digest in request.seal.parts.items()]
    note = (
        "An approval covers exactly this. The seal is computed again before anything is changed; if it differs, "
        "the release ends ABORTED."
    )
    digest = f"<p>Sealed as <code>{escaped(request.seal.digest)}</code></p>\n"
    table = tabulated(("part", "SHA-256"), rows, values=(1,))
    open_ones = listed(request.unsealed_lines) if request.unsealed else ""
    parts = f"<details><summary>its {len(rows)} parts</summary>{table}</details>\n"
    return section("The seal", f"{digest}{open_ones}{parts}", note)
