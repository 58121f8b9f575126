"""The static gate: checks a release's templates and database changes against the policies, as set in each stage."""

from collections.abc import Mapping
from datetime import date

from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket, ReleaseFiles
from belay.control.database_gate import DatabaseGate
from belay.control.reasons import Reasons
from belay.control.template_checks import TemplateChecks
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.gate import Gated, decide
from belay.release.life import State
from belay.release.records import ReleaseReference
from belay.release.registration import Stage


class StaticGate:
    """Checks releases and stores a report for each stage; ``region`` is the default of stages."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, templates: TemplateChecks, region: str) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._templates = templates
        self._region = region

    def check(self, release: ReleaseReference, today: date) -> Gated:
        """Return the verdict of each stage, and whether they refuse the release."""
        accepted = AcceptedRelease.from_dict(self._artifacts.require_json(release.document_key))
        files = ReleaseFiles(self._artifacts, release.prefix, accepted.manifest.digests)
        with Reasons(self._artifacts, release).refusing():
            reports = {stage: self._static(accepted, release, stage, files, today) for stage in accepted.stages}
            changes = DatabaseGate(self._ledger, self._artifacts).check(accepted, files, today)
        for stage, report in reports.items():
            stacks = self._stacks(accepted, release, stage)
            roots = {path for path, _ in stacks}
            stacks += [(path, {}) for path in report.paths if path not in roots]
            place = self._place(accepted.stages[stage])
            known = [(path, {**place, **values}) for path, values in stacks]
            found = self._templates.check(release, files, known, _policies_of(accepted, stage), today)
            reports[stage] = report.merged(found, changes.get(stage, Report()))
        for stage, report in reports.items():
            self._artifacts.put_json(release.stage_key(stage, "static-report.json"), report.to_json())
        gated = decide(reports, accepted.stages)
        state = State.CHECKED if gated.refusal is None else State.REFUSED
        self._ledger.attempts.record(release, state, timestamp(), detail=in_words(gated.refusal))
        return gated

    def _static(
        self, accepted: AcceptedRelease, release: ReleaseReference, stage: str, files: Mapping[str, bytes], today: date
    ) -> Report:
        policies, stacks = _policies_of(accepted, stage), self._stacks(accepted, release, stage)
        return Report().merged(*(check_template(files, path, values, policies, today) for path, values in stacks))

    def _place(self, stage: Stage) -> dict[str, str]:
        """Return the pseudo parameters for a stage's account and region."""
        partition = stage.service_role.split(":")[1]
        region = stage.region(self._region)
        return {"AWS::AccountId": stage.account, "AWS::Partition": partition, "AWS::Region": region}

    def _stacks(
        self, accepted: AcceptedRelease, release: ReleaseReference, stage: str
    ) -> list[tuple[str, Mapping[str, str]]]:
        return [
            (stack.template, accepted.parameters(stage, stack, release.attempt, self._artifacts.name, release.prefix))
            for stack in accepted.manifest.stacks
        ]


def _policies_of(accepted: AcceptedRelease, stage: str) -> PolicySettings:
    registered = accepted.stages[stage]
    return PolicySettings.from_registration(registered.policies, registered.trusted_networks)
