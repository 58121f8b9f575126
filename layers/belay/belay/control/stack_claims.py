"""Claiming a stage's stacks when a release is accepted, and freeing unregistered ones."""

from dataclasses import dataclass

from belay.aws.clock import timestamp
from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.aws.ssm import APPLICATIONS
from belay.control.registrations import ReadRegistrations
from belay.errors import InvalidRegistration
from belay.ledger.ledger import Ledger
from belay.release.accepted import AcceptedRelease
from belay.release.stack_claim import StackClaim, claims_of, refusal, shared


@dataclass(frozen=True)
class StackClaims:
    """The claims on stacks; ``region`` is Belay's own, the default of stages."""

    ledger: Ledger
    artifacts: ArtifactBucket
    region: str

    def claim(self, accepted: AcceptedRelease) -> None:
        """Claim the stacks of every stage of a release.

        Raises ``InvalidRegistration`` if one belongs to another stage. Two stages that shared a stack before there were
        claims keep it; the sweep reports them.
        """
        problems = []
        for stage in accepted.stages.values():
            for wanted in claims_of(stage, self.region, timestamp()):
                found = self.ledger.stack_claims.claim(wanted)
                if found.owner != wanted.owner and not self._deployed_before(wanted):
                    problems.append(refusal(wanted, found))
        if problems:
            raise InvalidRegistration(problems)

    def refuse_others(self, accepted: AcceptedRelease) -> None:
        """Raise ``InvalidRegistration`` if a stack of the release belongs to another stage, without claiming any."""
        standing = self.ledger.stack_claims.every()
        problems = [
            refusal(wanted, found)
            for stage in accepted.stages.values()
            for wanted in claims_of(stage, self.region, timestamp())
            if (found := standing.get(wanted.key)) is not None
            if found.owner != wanted.owner and not self._deployed_before(wanted)
        ]
        if problems:
            raise InvalidRegistration(problems)

    def shared(self, read: ReadRegistrations, faults: list[Exception]) -> dict[str, list[str]]:
        """Return the problems with stacks that several stages register, by the stage's parameter."""
        registered = [each for stage in read.stages for each in claims_of(stage, self.region, "")]
        found = shared(registered, self.ledger.stack_claims.every(faults))
        return {f"{APPLICATIONS}{stage}": problems for stage, problems in found.items()}

    def unregistered(self, read: ReadRegistrations, faults: list[Exception]) -> list[StackClaim]:
        """Return the claims on stacks that their stages no longer register, as far as that is known.

        An active release may yet create stacks registered when it was accepted.
        """
        registered = {(each.key, each.owner) for stage in read.stages for each in claims_of(stage, self.region, "")}
        spared = {*read.faults, *(each.removeprefix(APPLICATIONS).split("/")[0] for each in read.unreadable)}
        spared |= {each.upload.application for each in self.ledger.attempts.open_ones()}
        return [
            each
            for each in self.ledger.stack_claims.every(faults).values()
            if each.application not in spared and (each.key, each.owner) not in registered
        ]

    def free_if_gone(self, claim: StackClaim, stacks: Stacks) -> str | None:
        """Free the claim on a stack if it was deleted. Returns its key; None if it exists."""
        if stacks.describe_stack(claim.stack_name) is not None:
            return None
        self.ledger.stack_claims.free(claim)
        return claim.key

    def _deployed_before(self, wanted: StackClaim) -> bool:
        """Whether a stage runs a release that was deployed to the stack, although it belongs to another stage."""
        runs = self.ledger.stages.runs(wanted.application, wanted.stage)
        accepted = None if runs is None else self.artifacts.read(runs.release.document_key, AcceptedRelease.from_dict)
        if accepted is None:
            return False
        registered = accepted.stages[wanted.stage].stacks
        return wanted.stack_name in {registered[each.name].name for each in accepted.manifest.stacks}
