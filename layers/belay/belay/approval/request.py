"""An approval request: everything that a release would do to a stage, in words, the riskiest first."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from belay.approval.forecast_report import ForecastReport
from belay.approval.seal import SEAL_DIGITS, Seal, Sealed
from belay.database.forecast import DatabaseForecast
from belay.documents import Document, read, written
from belay.policy.verdict import Finding, Report, Verdict, combine
from belay.release.gate import finding_in_words
from belay.release.registration import Restore, Stage
from belay.rollback.rehearsal import Rehearsal
from belay.stack.change_set import Change, in_words
from belay.stack.plan import Progress

_DAY = timedelta(days=1)


def remind_at(asked_at: datetime, expires_at: datetime) -> datetime:
    """Return when the reminder is due: a day before the deadline, or when a quarter of the time is left if that is
    later.

    For a week's approval that is a day before its end, for a day's six hours.
    """
    return expires_at - min(_DAY, (expires_at - asked_at) / 4)


@dataclass(frozen=True)
class PlannedChange:
    """One change of one stack's change set, with its logical path."""

    stack: str
    path: str
    change: Change

    @property
    def in_words(self) -> str:
        """``network: REPLACES Vpc (AWS::EC2::VPC): CidrBlock``."""
        return f"{self.stack}: {in_words(self.path, self.change)}"


@dataclass(frozen=True)
class ApprovalRequest:
    """One stage's approval of one release.

    ``replaces`` says what the stage runs now; ``others`` are the application's other open releases;
    ``rehearsal`` is the rollback's rehearsal, if it was done; ``forecast`` is that of the database changes, if any is
    registered; ``held`` is until when the stage's windows hold the
    release; ``link`` lets its recipients answer without the command; ``unsealed`` are the dynamic references without a
    version, each with its location.
    """

    sealed: Sealed
    seal: Seal
    asked_at: datetime
    expires_at: datetime
    replaces: str | None = None
    others: tuple[str, ...] = ()
    rehearsal: Rehearsal | None = None
    forecast: DatabaseForecast | None = None
    held: str | None = None
    link: str | None = None
    unsealed: tuple[str, ...] = ()

    @property
    def stage(self) -> Stage:
        """The stage as it was registered when the release was accepted."""
        return self.sealed.accepted.stages[self.sealed.stage]

    @property
    def forecast_report(self) -> ForecastReport | None:
        """The forecast with what the gate found in the changes."""
        if self.forecast is None:
            return None
        return ForecastReport.of(self.sealed.release, self.sealed.stage, self.forecast, self.static)

    @property
    def changes(self) -> tuple[PlannedChange, ...]:
        """Every change of every change set, the riskiest first."""
        found = [
            PlannedChange(stack.stack, path, change)
            for stack in self.sealed.plan.stacks
            if (change_set := self.sealed.change_sets.get(stack.stack)) is not None
            for path, change in change_set.ranked()
        ]
        return tuple(sorted(found, key=lambda each: each.change.risk))

    @property
    def unplanned(self) -> list[str]:
        """The stacks that have no change set, and why."""
        lines = []
        for stack in self.sealed.plan.stacks:
            if stack.progress is Progress.UNCHANGED:
                lines.append(f"{stack.stack}: no change")
            elif stack.progress is Progress.WAITING:
                after = ", ".join(stack.depends_on)
                lines.append(f"{stack.stack}: its changes are known only after {after} is deployed")
        return lines

    @property
    def counts(self) -> dict[str, int]:
        """The counts of resources deleted, (maybe) replaced, changed and added; zeros are left out."""
        counts = {"deleted": 0, "replaced": 0, "changed": 0, "added": 0}
        for each in self.changes:
            counts[_kind(each.change)] += 1
        return {kind: count for kind, count in counts.items() if count}

    @property
    def lost(self) -> tuple[PlannedChange, ...]:
        """The changes that may lose data."""
        return tuple(each for each in self.changes if each.change.loses_data)

    @property
    def static(self) -> Report:
        """What the static gate found for this stage."""
        return self.sealed.static or Report()

    @property
    def planned(self) -> Report:
        """What the policies found in the change sets."""
        return Report().merged(*self.sealed.reports.values())

    @property
    def verdict(self) -> Verdict:
        """The worst verdict: REVIEW means that a person must decide."""
        forecast = Verdict.PASS if self.forecast is None else self.forecast.verdict
        return combine((self.static.verdict, self.planned.verdict, forecast))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, the relevant ones first."""
        forecast = () if self.forecast is None else self.forecast.findings
        found = dict.fromkeys((*self.static.findings, *self.planned.findings, *forecast))
        return tuple(sorted(found, key=lambda each: (not each.counts, each.severity.rank)))

    @property
    def what(self) -> str:
        """The request, in two sentences."""
        release, stage = self.sealed.release, self.stage.name
        would = ", ".join(f"{_VERBS[kind]} {count}" for kind, count in self.counts.items())
        does = f"would {would} of its resources" if would else "would change none of its resources yet"
        lost = " DATA MAY BE LOST." if self.lost else ""
        today = f"{stage} runs {self.replaces}." if self.replaces else f"Nothing is deployed to {stage} yet."
        return f"{release.application} {release.version} is ready to deploy to {stage} and {does}.{lost} {today}"

    @property
    def change_lines(self) -> list[str]:
        """One line for each change, then for each stack without changes."""
        return [*(each.in_words for each in self.changes), *self.unplanned]

    @property
    def policy_lines(self) -> list[str]:
        """The verdicts, and each finding that a person has to decide."""
        open_ones = [f"REVIEW, for you to decide: {_told(each)}" for each in self.findings if each.counts]
        quiet = sum(not each.counts for each in self.findings)
        more = [f"{quiet} more, waived or only advice: see the report"] if quiet else []
        forecast = [] if self.forecast is None else [f"{self.forecast.verdict} for the forecast of database changes"]
        verdicts = [f"{self.static.verdict} for the templates, {self.planned.verdict} for the change sets", *forecast]
        return [", ".join(verdicts), *open_ones, *more]

    @property
    def database_lines(self) -> list[str]:
        """The release's database changes, each with its digest, and the databases' snapshots."""
        changes, plan, stage = self.sealed.accepted.manifest.database, self.sealed.database_changes, self.stage
        lines = []
        if changes is None:
            lines.append("the release declares no database changes")
        elif plan is None:
            schema = f", schema {changes.schema.before} to {changes.schema.after}" if changes.schema else ""
            files = sum(path.startswith(f"{changes.changes}/") for path in self.sealed.accepted.manifest.digests)
            lines.append(f"{files} file{'' if files == 1 else 's'} of changes in {changes.changes}/{schema}")
            lines.append("Belay does not apply them: no database of the stage has an executor")
        else:
            lines += [plan.what, *plan.describe()]
        if stage.databases:
            names = ", ".join(each.identifier for each in stage.databases)
            lines.append(f"a snapshot of {names} is taken after the approval; {_RESTORES[stage.restore]}")
        return lines

    @property
    def rollback_lines(self) -> list[str]:
        """The result of the rollback's rehearsal."""
        return ["the rollback was not rehearsed"] if self.rehearsal is None else self.rehearsal.describe()

    @property
    def unsealed_lines(self) -> list[str]:
        """References that may have another value when CloudFormation resolves them, despite the approval."""
        return [f"{each}: CloudFormation looks it up; not sealed" for each in self.unsealed]

    @property
    def waiting_lines(self) -> list[str]:
        """The consequences of waiting."""
        queue = ", ".join(self.others)
        eyes = "the uploader cannot approve"
        return [
            "no lock is held and no snapshot is taken before the approval, so waiting loses no data",
            "the change sets do not expire, but if the stage changes meanwhile, the approval no longer counts",
            f"other releases in progress: {queue}" if queue else "no other release of the application is in progress",
            *([f"if approved now, it waits until {self.held}"] if self.held else []),
            *([eyes] if self.stage.approval.four_eyes else []),
        ]

    @property
    def commands(self) -> list[str]:
        """How to answer. An approval names the seal, so that it cannot approve a later attempt at the version."""
        release = shlex.quote(f"{self.sealed.release.application}/{self.sealed.release.version}")
        stage = shlex.quote(self.stage.name)
        return [
            f"belay approve {release} --stage {stage} --seal {self.seal.digest[:SEAL_DIGITS]}",
            f"belay reject {release} --stage {stage} --comment WHY",
        ]

    @property
    def report_command(self) -> str:
        """How to open the full report."""
        release = shlex.quote(f"{self.sealed.release.application}/{self.sealed.release.version}")
        return f"belay show {release} --report"


@dataclass(frozen=True)
class ApprovalText:
    """The text of an approval's message, stored for the reminder."""

    what: str
    until: str
    changes: tuple[str, ...]
    more: Mapping[str, tuple[str, ...]]
    answers: Mapping[str, str]
    report: str

    @classmethod
    def of(cls, request: ApprovalRequest) -> "ApprovalText":
        """Return the request's text."""
        approve, reject = request.commands
        more = {
            "Policies": request.policy_lines,
            "Databases": request.database_lines,
            "Rollback": request.rollback_lines,
            "While it waits": request.waiting_lines,
            **({"Not sealed": request.unsealed_lines} if request.unsealed else {}),
        }
        return cls(
            what=request.what,
            until=in_utc(request.expires_at),
            changes=tuple(request.change_lines),
            more={title: tuple(lines) for title, lines in more.items()},
            answers={"Approve": approve, "Reject": reject},
            report=request.report_command,
        )

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "ApprovalText":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord``."""
        return read(cls, document, "approval.json", _with_answers_by_name)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON document."""
        return written(self)


def _with_answers_by_name(document: Document) -> Document:
    """Belay 0.1 kept a line for each answer: ``Approve: belay approve ...``."""
    return {**document, "answers": dict(each.split(": ", 1) for each in document["answers"])}


_RESTORES: dict[Restore, str] = {
    "never": "it is registered as never to be restored",
    "approval": "a restore needs a separate approval",
    "automatic": "it is registered to be restored automatically",
}


_VERBS = {"deleted": "delete", "replaced": "replace", "changed": "change", "added": "add"}


def _kind(change: Change) -> str:
    if change.action == "Remove":
        return "deleted"
    if change.replacement in ("True", "Conditional"):
        return "replaced"
    return "added" if change.action in ("Add", "Import") else "changed"


def _told(finding: Finding) -> str:
    return finding_in_words(finding).replace(f" [{finding.verdict}]", "")


def in_utc(time: datetime) -> str:
    """``2026-03-02 12:00 UTC``."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
