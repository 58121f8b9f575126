"""What a release would do to a stage, in words, the riskiest first: for approvers and planners."""

from dataclasses import dataclass

from belay.approval.forecast_report import ForecastReport, without_verdict
from belay.approval.seal import Sealed
from belay.database.forecast import DatabaseForecast
from belay.policy.verdict import Finding, Report, Verdict, combine
from belay.release.registration import Stage
from belay.stack.change_set import Change, in_words
from belay.stack.plan import Progress
from belay.wording import counted


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


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """What one release would do to one stage.

    ``replaces`` says what the stage runs now.
    """

    sealed: Sealed
    replaces: str | None = None

    @property
    def stage(self) -> Stage:
        """The stage as it was registered when the release was accepted."""
        return self.sealed.accepted.stages[self.sealed.stage]

    @property
    def forecast(self) -> DatabaseForecast | None:
        """That of the database changes, if there is one."""
        return self.sealed.forecast

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
        if self.stage.runs_pipeline:
            return ["the stage's pipeline deploys it: what that changes is not planned"]
        lines = []
        for stack in self.sealed.plan.stacks:
            if stack.progress is Progress.UNCHANGED:
                lines.append(f"{stack.stack}: no change")
            elif stack.progress is Progress.WAITING:
                after = ", ".join(stack.depends_on)
                known = (
                    f"its changes are known only after {after} is deployed" if after else "its changes are not known"
                )
                lines.append(f"{stack.stack}: {known}")
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
    def parameter_lines(self) -> list[str]:
        """One line for each parameter read from a table that is new or changes."""
        stacks = self.sealed.plan.stacks
        tables = [(each.stack, self.stage.stacks[each.stack].from_tables) for each in stacks]
        told = (source.told(stack, name) for stack, sources in tables for name, source in sorted(sources.items()))
        return [line for line in told if line is not None]

    @property
    def change_lines(self) -> list[str]:
        """One line for each change, then for each stack without changes, and for each parameter of a table."""
        return [*(each.in_words for each in self.changes), *self.unplanned, *self.parameter_lines]

    @property
    def policy_lines(self) -> list[str]:
        """The verdicts, and each finding that a person has to decide."""
        open_ones = [f"REVIEW, for you to decide: {without_verdict(each)}" for each in self.findings if each.counts]
        quiet = sum(not each.counts for each in self.findings)
        more = [f"{quiet} more, waived or only advice: see the report"] if quiet else []
        forecast = [] if self.forecast is None else [f"{self.forecast.verdict} for the forecast of database changes"]
        verdicts = [f"{self.static.verdict} for the templates, {self.planned.verdict} for the change sets", *forecast]
        return [", ".join(verdicts), *open_ones, *more]

    @property
    def database_lines(self) -> list[str]:
        """The release's database changes, each with its digest."""
        changes, plan = self.sealed.accepted.manifest.database, self.sealed.database_changes
        lines = []
        if changes is None:
            lines.append("the release declares no database changes")
        elif plan is None:
            schema = f", schema {changes.schema.before} to {changes.schema.after}" if changes.schema else ""
            files = sum(path.startswith(f"{changes.changes}/") for path in self.sealed.accepted.manifest.digests)
            lines.append(f"{counted(files, 'file')} of changes in {changes.changes}/{schema}")
            lines.append("Belay does not apply them: no database of the stage has an executor")
        else:
            lines += [plan.what, *plan.describe()]
        return lines

    @property
    def would(self) -> str:
        """What happens to the stage's resources, as in ``would delete 1, add 2 of its resources``."""
        would = ", ".join(f"{_VERBS[kind]} {count}" for kind, count in self.counts.items())
        return f"would {would} of its resources" if would else "would change none of its resources yet"

    @property
    def today(self) -> str:
        """What the stage runs now, and whether data may be lost, in sentences."""
        lost = "DATA MAY BE LOST. " if self.lost else ""
        runs = f"{self.stage.name} runs {self.replaces}." if self.replaces else ""
        return f"{lost}{runs or f'Nothing is deployed to {self.stage.name} yet.'}"


_VERBS = {"deleted": "delete", "replaced": "replace", "changed": "change", "added": "add"}


def _kind(change: Change) -> str:
    if change.action == "Remove":
        return "deleted"
    if change.replacement in ("True", "Conditional"):
        return "replaced"
    return "added" if change.action in ("Add", "Import") else "changed"
