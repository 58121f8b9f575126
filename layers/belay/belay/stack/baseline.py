"""The state of a stack before a release changed it, to roll back to."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from belay.documents import read, written
from belay.masking import is_reference
from belay.stack.outputs import Output, outputs_of
from belay.stack.status import StackStatus

HIDDEN = "****"
"""What DescribeStacks shows for a NoEcho parameter
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html)."""


@dataclass(frozen=True)
class TemplatePointer:
    """A stored template: one version of one S3 object, and the SHA-256 (hex) of its bytes."""

    bucket: str
    key: str
    version_id: str | None
    digest: str

    def is_of(self, template: bytes) -> bool:
        """Whether it points to this template; Belay 0.1 stored a JSON one parsed and written again."""
        return self.digest in (_sha256(template), _sha256(_written_again(template)))

    def url(self, region: str, suffix: str = "amazonaws.com") -> str:
        """Return the ``TemplateURL`` for CreateChangeSet: path-style, with the version."""
        version = f"?versionId={quote(self.version_id, safe='')}" if self.version_id else ""
        return f"https://s3.{region}.{suffix}/{self.bucket}/{quote(self.key)}{version}"


@dataclass(frozen=True)
class Baseline:
    """A stack as it was before a release changed it.

    ``existed`` is False for a stack that the release creates; everything else is then empty. ``parameters`` are the
    stack's parameter values, without the hidden ones; ``hidden`` names the NoEcho parameters, whose values no call
    returns; ``known`` has the HMAC of each whose value Belay deployed, or its dynamic reference; ``versions`` has the
    version of each dynamic reference without one, None if not known. ``resolved`` are the values of parameters of SSM
    types at that time (an update reads them again). ``outputs`` are None in a baseline that Belay 0.1 captured.
    """

    stack_name: str
    existed: bool
    stack_id: str | None = None
    status: StackStatus | None = None
    template: TemplatePointer | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    resolved: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    role_arn: str | None = None
    notification_arns: tuple[str, ...] = ()
    outputs: Mapping[str, Output] | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str | None] = field(default_factory=dict)

    def update_parameters(self, current: Collection[str] | None = None) -> list[dict[str, Any]]:
        """Return the ``Parameters`` of a change set to this baseline, with the previous value if hidden.

        ``current`` are the stack's parameter names now. A hidden parameter that is not among them is left out, because
        CloudFormation refuses ``UsePreviousValue`` for a parameter that the stack does not have; see ``lost``.
        """
        given = {**self.parameters, **self.references}
        known = [{"ParameterKey": key, "ParameterValue": value} for key, value in sorted(given.items())]
        kept = [key for key in self.hidden if key not in self.lost(current) and key not in self.references]
        return known + [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]

    def lost(self, current: Collection[str] | None) -> tuple[str, ...]:
        """Return the hidden parameters that the stack no longer has, so that their values are lost."""
        lost = () if current is None else tuple(key for key in self.hidden if key not in current)
        return tuple(key for key in lost if key not in self.references)

    @property
    def references(self) -> dict[str, str]:
        """The hidden parameters whose values are dynamic references, which say where the value is."""
        return {key: value for key, value in self.known.items() if is_reference(value)}

    def matches(self, description: Mapping[str, Any], template: bytes) -> bool:
        """Return whether a stack is now as it was then: same template, same parameters, same tags.

        ``description`` is one element of DescribeStacks' ``Stacks``, ``template`` GetTemplate's for
        ``TemplateStage=Original``. Hidden values cannot be compared.
        """
        now = baseline_of(description, self.template)
        return (
            self.template is not None
            and self.template.is_of(template)
            and (now.stack_id, now.parameters, now.hidden) == (self.stack_id, self.parameters, self.hidden)
            and now.tags == self.tags
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the baseline as a JSON document."""
        return written(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Baseline":
        """Read what ``to_dict`` wrote. Raises ``UnreadableRecord`` for anything else."""
        return read(cls, document, f"the baseline of {document.get('stack_name')}")


def baseline_of(description: Mapping[str, Any] | None, template: TemplatePointer | None, name: str = "") -> Baseline:
    """Return the baseline of one element of DescribeStacks' ``Stacks``, or of None if the stack does not exist.

    ``template`` says where the stack's original template is stored; ``name`` is needed only if it does not exist. A
    deleted stack and the empty stack of a create change set (REVIEW_IN_PROGRESS) count as not existing.
    """
    if description is None:
        return Baseline(stack_name=name, existed=False)
    status = StackStatus(description["StackStatus"])
    if status.holds_nothing:
        return Baseline(stack_name=description["StackName"], existed=False)
    parameters = description.get("Parameters") or []
    return Baseline(
        stack_name=description["StackName"],
        existed=True,
        stack_id=description["StackId"],
        status=status,
        template=template,
        parameters={
            each["ParameterKey"]: each.get("ParameterValue", "")
            for each in parameters
            if each.get("ParameterValue") != HIDDEN
        },
        hidden=tuple(sorted(each["ParameterKey"] for each in parameters if each.get("ParameterValue") == HIDDEN)),
        resolved={
            each["ParameterKey"]: each["ResolvedValue"]
            for each in parameters
            if each.get("ResolvedValue", HIDDEN) != HIDDEN
        },
        tags={each["Key"]: each["Value"] for each in description.get("Tags") or []},
        capabilities=tuple(description.get("Capabilities") or ()),
        role_arn=description.get("RoleARN"),
        notification_arns=tuple(description.get("NotificationARNs") or ()),
        outputs=outputs_of(description),
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _written_again(template: bytes) -> bytes:
    try:
        return json.dumps(json.loads(template)).encode()
    except (ValueError, RecursionError):
        return template
