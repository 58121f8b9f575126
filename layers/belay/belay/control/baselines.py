"""Capturing stacks before a deployment, so that they can be rolled back to that state."""

from collections.abc import Callable
from dataclasses import replace

from belay.aws.cloudformation import Stacks
from belay.aws.s3 import ArtifactBucket
from belay.ledger.ledger import Ledger
from belay.release.manifest import digest
from belay.release.origin import Origin
from belay.release.place import StagePlace
from belay.stack.baseline import Baseline, TemplatePointer, baseline_of
from belay.stack.outputs import outputs_of, shown_outputs

Known = Callable[[Baseline], Baseline]
Keep = Callable[[str, bytes], TemplatePointer]
"""Stores a template under a key of the artifact bucket; returns where CloudFormation reads it."""


def kept_in(bucket: ArtifactBucket) -> Keep:
    """Return a function that stores templates in a bucket from which CloudFormation reads them too."""

    def keep(key: str, template: bytes) -> TemplatePointer:
        return TemplatePointer(bucket.name, key, bucket.put_bytes(key, template), digest(template))

    return keep


def kept_in_both(artifacts: ArtifactBucket, there: ArtifactBucket, place: StagePlace) -> Keep:
    """Return one that stores templates in the artifact bucket, and where CloudFormation reads them for a place."""

    def keep(key: str, template: bytes) -> TemplatePointer:
        kept_in(artifacts)(key, template)
        return kept_in(there)(place.key(key), template)

    return keep


def _nothing(baseline: Baseline) -> Baseline:
    return baseline


class Baselines:
    """Stores a stack's template with ``keep``, its parameters and tags in the ledger.

    ``known`` adds what is known about hidden values; it is omitted for pipelines.
    """

    def __init__(self, stacks: Stacks, keep: Keep, ledger: Ledger, known: Known = _nothing) -> None:
        self._stacks = stacks
        self._known = known
        self._keep = keep
        self._ledger = ledger

    def capture(self, origin: Origin, stage: str, stack: str, stack_name: str) -> None:
        """Capture one stack, ``stack`` being its registered name; the first capture is kept."""
        description = self._stacks.describe_stack(stack_name)
        template, outputs = None, None
        if description is not None and description["StackStatus"] != "REVIEW_IN_PROGRESS":
            body = self._stacks.get_template(description["StackId"])
            outputs = shown_outputs(outputs_of(description), [body])
            template = self._keep(origin.stage_key(stage, f"baselines/{stack}.template"), body)
        baseline = self._known(replace(baseline_of(description, template, name=stack_name), outputs=outputs))
        self._ledger.baselines.record(origin, stage, stack, baseline)
