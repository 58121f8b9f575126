"""Capturing stacks before a deployment, so that they can be rolled back to that state."""

from collections.abc import Callable
from dataclasses import replace

from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.ledger.ledger import Ledger
from belay.release.manifest import digest
from belay.release.origin import Origin
from belay.stack.baseline import Baseline, TemplatePointer, baseline_of
from belay.stack.outputs import outputs_of, shown_outputs

Known = Callable[[Baseline], Baseline]


def _nothing(baseline: Baseline) -> Baseline:
    return baseline


class Baselines:
    """Stores a stack's template in the artifact bucket and its parameters and tags in the ledger.

    ``known`` adds what is known of hidden values; without it, as for what a pipeline deploys, that is nothing.
    """

    def __init__(self, stacks: Stacks, artifacts: ArtifactBucket, ledger: Ledger, known: Known = _nothing) -> None:
        self._stacks = stacks
        self._known = known
        self._artifacts = artifacts
        self._ledger = ledger

    def capture(self, origin: Origin, stage: str, stack: str, stack_name: str) -> None:
        """Capture one stack, ``stack`` being its registered name; the first capture is kept."""
        description = self._stacks.describe_stack(stack_name)
        template, outputs = None, None
        if description is not None and description["StackStatus"] != "REVIEW_IN_PROGRESS":
            body = self._stacks.get_template(description["StackId"])
            key = origin.stage_key(stage, f"baselines/{stack}.template")
            version_id = self._artifacts.put_bytes(key, body)
            outputs = shown_outputs(outputs_of(description), [body])
            template = TemplatePointer(self._artifacts.name, key, version_id, digest(body))
        baseline = self._known(replace(baseline_of(description, template, name=stack_name), outputs=outputs))
        self._ledger.baselines.record(origin, stage, stack, baseline)
