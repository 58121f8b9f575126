"""The static gate: checks every template of a release against the policies, with the values of each stage."""

from collections.abc import Mapping
from datetime import date

from belay.aws.clock import timestamp
from belay.aws.s3 import ArtifactBucket, ReleaseFiles
from belay.control.guard import GuardPack
from belay.control.reasons import Reasons
from belay.ledger.ledger import Ledger
from belay.notify.told import in_words
from belay.policy.gate import check_template
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.release.accepted import AcceptedRelease
from belay.release.gate import Gated, decide
from belay.release.life import State
from belay.release.records import ReleaseReference


class StaticGate:
    """Checks releases and stores a report for each stage."""

    def __init__(self, ledger: Ledger, artifacts: ArtifactBucket, pack: GuardPack) -> None:
        self._ledger = ledger
        self._artifacts = artifacts
        self._pack = pack

    def check(self, release: ReleaseReference, today: date) -> Gated:
        """Return the verdict of each stage, and whether they refuse the release."""
        accepted = AcceptedRelease.from_dict(self._artifacts.require_json(release.document_key))
        files = ReleaseFiles(self._artifacts, release.prefix, accepted.manifest.digests)
        with Reasons(self._artifacts, release).refusing():
            reports = {stage: self._static(accepted, release, stage, files, today) for stage in accepted.stages}
        for stage, report in reports.items():
            policies = _policies_of(accepted, stage)
            found = self._pack.check(release, stage, files, report.paths, settings=policies, today=today)
            reports[stage] = report.merged(found)
        for stage, report in reports.items():
            self._artifacts.put_json(release.stage_key(stage, "static-report.json"), report.to_json())
        gated = decide(reports, accepted.stages)
        state = State.CHECKED if gated.refusal is None else State.REFUSED
        self._ledger.attempts.record(release, state, timestamp(), detail=in_words(gated.refusal))
        return gated

    def _static(
        self, accepted: AcceptedRelease, release: ReleaseReference, stage: str, files: Mapping[str, bytes], today: date
    ) -> Report:
        """Return one report over every stack of the release in one stage."""
        policies, bucket = _policies_of(accepted, stage), self._artifacts.name
        given = [
            (stack.template, accepted.parameters(stage, stack, release.attempt, bucket, release.prefix))
            for stack in accepted.manifest.stacks
        ]
        return Report().merged(*(check_template(files, path, values, policies, today) for path, values in given))


def _policies_of(accepted: AcceptedRelease, stage: str) -> PolicySettings:
    """Return the operator's policy settings for a stage."""
    registered = accepted.stages[stage]
    return PolicySettings.from_registration(registered.policies, registered.trusted_networks)
