"""What a change set will do, read from DescribeChangeSet."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from belay.stack.stateful import is_stateful

NO_CHANGES = ("The submitted information didn't contain changes", "No updates are to be performed")
"""How CloudFormation words "there is nothing to change" in the reason of a FAILED change set.

The first is for a plain template, the second for one with a transform. AWS's own tools look for the same two: the AWS
CLI (``awscli/customizations/cloudformation/deployer.py``), the SAM CLI (``samcli/lib/deploy/deployer.py``) and the CDK.
"""

_NESTED = "AWS::CloudFormation::Stack"

_MISSING = (
    re.compile(r"No export named (?P<name>\S+?) found"),
    re.compile(r"Unable to fetch parameters \[(?P<name>[^\]]+)\] from parameter store"),
    re.compile(r"Parameters: \[(?P<name>[^\]]+)\] cannot be found"),
)


@dataclass(frozen=True)
class Detail:
    """One reason why a resource changes: a property or another attribute of it, and what that needs."""

    attribute: str
    name: str | None
    requires_recreation: str
    evaluation: str | None
    change_source: str | None
    causing_entity: str | None
    path: str | None
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Change:
    """What a change set will do to one resource.

    The fields are those of the API's ``ResourceChange``
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html): ``action`` is Add,
    Modify, Remove, Import, Dynamic or SyncWithActual, ``replacement`` is True, False, Conditional or None where the
    action makes it pointless, ``policy_action`` what happens to the resource that goes (Delete, Retain, Snapshot,
    ReplaceAndDelete ...), ``drift_status`` how it differs from the last deployment, where the change set looked
    (``DeploymentMode=REVERT_DRIFT``). ``nested_change_set`` is the nested stack's own change set, where there is one.
    """

    logical_id: str
    resource_type: str
    action: str
    replacement: str | None = None
    physical_id: str | None = None
    scope: tuple[str, ...] = ()
    policy_action: str | None = None
    details: tuple[Detail, ...] = ()
    nested_change_set: str | None = None
    drift_status: str | None = None
    before: str | None = None
    after: str | None = None

    @property
    def removes(self) -> bool:
        """Whether the resource that exists today will be gone or may be gone."""
        return self.action == "Remove" or self.replacement in ("True", "Conditional")

    @property
    def loses_data(self) -> bool:
        """Whether data may be lost: a stateful resource goes or may go, and no policy keeps it or a snapshot of it."""
        kept = self.policy_action in ("Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot")
        return self.removes and is_stateful(self.resource_type) and not kept

    @property
    def endangers_data(self) -> bool:
        """Whether what holds data goes for good, or something empty may take its place, kept or not.

        ``UpdateReplacePolicy`` keeps the old resource or a snapshot of it, and the stack goes on with an empty new one.
        """
        replaced = self.replacement in ("True", "Conditional") and is_stateful(self.resource_type)
        return self.loses_data or replaced

    @property
    def risk(self) -> int:
        """How much could be lost: 0 is the worst."""
        ranks = (
            self.loses_data,
            self.removes and is_stateful(self.resource_type),
            self.action == "Remove",
            self.replacement == "True",
            self.replacement == "Conditional",
            self.action == "Dynamic",
            self.action in ("Modify", "SyncWithActual"),
            self.action == "Import",
        )
        return ranks.index(True) if True in ranks else len(ranks)

    @property
    def verb(self) -> str:
        """What happens to the resource, in a word or two; capitals where it may be gone afterwards."""
        if self.action == "Modify" and self.replacement == "True":
            return "REPLACES"
        if self.action == "Modify" and self.replacement == "Conditional":
            return "MAY REPLACE"
        return _VERBS.get(self.action, self.action)


_VERBS = {
    "Remove": "DELETES",
    "Modify": "changes",
    "Add": "adds",
    "Import": "imports",
    "Dynamic": "decides during the run about",
    "SyncWithActual": "takes over the live state of",
}


@dataclass(frozen=True)
class ChangeSet:
    """A change set as CloudFormation describes it, all pages in one.

    ``parameters`` are the values as given (``****`` where the template says NoEcho), ``resolved`` the values that
    CloudFormation read from Parameter Store for parameters of an SSM type. ``nested`` are the change sets of nested
    stacks.
    """

    stack_id: str
    stack_name: str
    change_set_id: str
    name: str
    status: str
    execution_status: str | None
    reason: str | None
    parameters: Mapping[str, str]
    resolved: Mapping[str, str]
    changes: tuple[Change, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    rollback_configuration: Mapping[str, Any] = field(default_factory=dict)
    on_stack_failure: str | None = None
    deployment_mode: str | None = None
    nested: tuple["ChangeSet", ...] = ()

    @property
    def in_progress(self) -> bool:
        """Whether CloudFormation is still working the change set out."""
        return self.status.endswith(("_PENDING", "_IN_PROGRESS"))

    @property
    def ready(self) -> bool:
        """Whether the change set can be executed."""
        return self.status == "CREATE_COMPLETE" and self.execution_status == "AVAILABLE"

    @property
    def executed(self) -> bool:
        """Whether the change set was executed: it is under way, done or failed."""
        return str(self.execution_status).startswith("EXECUTE_")

    @property
    def overtaken(self) -> bool:
        """Whether the change set was made and can be executed no more: the stack was updated since."""
        return self.status == "CREATE_COMPLETE" and self.execution_status == "OBSOLETE"

    @property
    def empty(self) -> bool:
        """Whether the stack already is what the change set asks for: FAILED for want of changes, which is no failure.

        A ready change set without any resource change is not empty: it changes the stack's outputs.
        """
        return self.status == "FAILED" and any(wording in (self.reason or "") for wording in NO_CHANGES)

    @property
    def missing_dependency(self) -> str | None:
        """The export or SSM parameter that does not exist yet and made the change set fail, if that is the reason."""
        return missing_dependency(self.reason) if self.status == "FAILED" else None

    @property
    def failed(self) -> bool:
        """Whether the change set failed for a reason other than having nothing to change."""
        return self.status == "FAILED" and not self.empty

    @property
    def loses_data(self) -> tuple[str, ...]:
        """The stateful resources, by logical path, that would be or might be deleted or replaced with their data."""
        return tuple(path for path, change in self.all_changes() if change.loses_data)

    @property
    def endangered(self) -> tuple[str, ...]:
        """The stateful resources, by logical path, that would or might go, or be replaced by an empty one."""
        return tuple(path for path, change in self.all_changes() if change.endangers_data)

    @property
    def removed_stacks(self) -> tuple[tuple[str, str], ...]:
        """The nested stacks that go without a change set of their own that says what goes with them.

        Each by its logical path and its id; not one that its DeletionPolicy keeps as it is. No change of its properties
        replaces a nested stack
        (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html).
        """
        here = tuple(
            (each.logical_id, each.physical_id)
            for each in self.changes
            if each.resource_type == _NESTED and each.action == "Remove" and each.policy_action != "Retain"
            if each.physical_id and self.inside(each) is None
        )
        nested = ((each, self.inside(each)) for each in self.changes)
        return here + tuple(
            (f"{each.logical_id}/{path}", stack_id)
            for each, inside in nested
            if inside is not None
            for path, stack_id in inside.removed_stacks
        )

    @property
    def drifted(self) -> tuple[str, ...]:
        """The resources, by logical path, that somebody changed or deleted since CloudFormation deployed them."""
        return tuple(path for path, change in self.all_changes() if change.drift_status in ("MODIFIED", "DELETED"))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over all that executing the change set will do.

        Describing the same change set again, with or without property values as before, gives the same digest, whatever
        the order and the pages of the answer; so does a change set made anew that will do the same, even where its
        stack does not exist yet and its shell was deleted in between. Another effect gives another digest. A NoEcho
        value is hidden from every describe call, so a change of one is not seen here.
        """
        effect = _effect(self) | {"stack": self.stack_name}
        document = json.dumps(effect, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(document.encode()).hexdigest()

    def all_changes(self) -> Iterator[tuple[str, Change]]:
        """Every change with its logical path (``Database/Instance``), those of nested stacks after their parent's."""
        for change in self.changes:
            yield change.logical_id, change
            inside = self.inside(change)
            for path, inner in inside.all_changes() if inside else ():
                yield f"{change.logical_id}/{path}", inner

    def inside(self, change: Change) -> "ChangeSet | None":
        """The change set of the nested stack that ``change`` is about, if it is about one and its own is known."""
        return next((each for each in self.nested if each.change_set_id == change.nested_change_set), None)

    def describe(self) -> list[str]:
        """What will happen, one line a resource, the riskiest first."""
        if self.empty:
            return ["No changes."]
        if self.status == "FAILED":
            return [f"The change set failed: {self.reason or 'CloudFormation gives no reason'}"]
        if not self.changes:
            return ["No resource changes; the stack's outputs change."]
        return [in_words(path, change) for path, change in self.ranked()]

    def ranked(self) -> list[tuple[str, Change]]:
        """Every change with its logical path, the riskiest first."""
        return sorted(self.all_changes(), key=lambda item: (item[1].risk, item[0]))


def parse_change_set(pages: Sequence[Mapping[str, Any]], nested: Sequence[ChangeSet] = ()) -> ChangeSet:
    """Make one ``ChangeSet`` of all pages that DescribeChangeSet answered, in any order.

    ``nested`` are the change sets of nested stacks, parsed before; the ids are in ``Change.nested_change_set``.
    Every page repeats the head
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html); the first one's is
    taken. Raises ``ValueError`` when there is no page at all.
    """
    if not pages:
        raise ValueError("DescribeChangeSet answered no page: expected at least one")
    head = pages[0]
    parameters = head.get("Parameters") or []
    return ChangeSet(
        stack_id=head["StackId"],
        stack_name=head["StackName"],
        change_set_id=head["ChangeSetId"],
        name=head["ChangeSetName"],
        status=head["Status"],
        execution_status=head.get("ExecutionStatus"),
        reason=head.get("StatusReason"),
        parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in parameters},
        resolved={each["ParameterKey"]: each["ResolvedValue"] for each in parameters if each.get("ResolvedValue")},
        changes=tuple(
            _change(each["ResourceChange"])
            for page in pages
            for each in page.get("Changes") or []
            if "ResourceChange" in each
        ),
        tags={each["Key"]: each["Value"] for each in head.get("Tags") or []},
        capabilities=tuple(head.get("Capabilities") or ()),
        notification_arns=tuple(head.get("NotificationARNs") or ()),
        rollback_configuration=dict(head.get("RollbackConfiguration") or {}),
        on_stack_failure=head.get("OnStackFailure"),
        deployment_mode=head.get("DeploymentMode"),
        nested=tuple(nested),
    )


def missing_dependency(reason: str | None) -> str | None:
    """Name the export or SSM parameter that CloudFormation says does not exist, or None if it says something else.

    Takes the reason of a FAILED change set or the message of the ValidationError that CreateChangeSet answers: exports
    are looked up while the change set is made, SSM parameter types already when the call is accepted. The wordings are
    CloudFormation's own, "No export named X found" and "Unable to fetch parameters [X] from parameter store for this
    account"; no list of them is published, so an unknown wording counts as an ordinary failure.
    """
    found = (pattern.search(reason or "") for pattern in _MISSING)
    return next((match["name"].rstrip(".") for match in found if match), None)


def _change(answer: Mapping[str, Any]) -> Change:
    return Change(
        logical_id=answer["LogicalResourceId"],
        resource_type=answer["ResourceType"],
        action=answer["Action"],
        replacement=answer.get("Replacement"),
        physical_id=answer.get("PhysicalResourceId"),
        scope=tuple(sorted(answer.get("Scope") or ())),
        policy_action=answer.get("PolicyAction"),
        details=tuple(_detail(each) for each in answer.get("Details") or ()),
        nested_change_set=answer.get("ChangeSetId"),
        drift_status=answer.get("ResourceDriftStatus"),
        before=answer.get("BeforeContext"),
        after=answer.get("AfterContext"),
    )


def _detail(answer: Mapping[str, Any]) -> Detail:
    target = answer.get("Target") or {}
    return Detail(
        attribute=target.get("Attribute", "Properties"),
        name=target.get("Name"),
        requires_recreation=target.get("RequiresRecreation", "Never"),
        evaluation=answer.get("Evaluation"),
        change_source=answer.get("ChangeSource"),
        causing_entity=answer.get("CausingEntity"),
        path=target.get("Path"),
        before=target.get("BeforeValue"),
        after=target.get("AfterValue"),
    )


def _effect(change_set: ChangeSet) -> dict[str, Any]:
    return {
        "parameters": dict(change_set.parameters),
        "resolved": dict(change_set.resolved),
        "tags": dict(change_set.tags),
        "capabilities": sorted(change_set.capabilities),
        "notifications": sorted(change_set.notification_arns),
        "rollback": change_set.rollback_configuration,
        "failure": change_set.on_stack_failure,
        "mode": change_set.deployment_mode,
        "changes": _sorted([_change_effect(each, change_set.inside(each)) for each in change_set.changes]),
    }


def _change_effect(change: Change, nested: ChangeSet | None) -> dict[str, Any]:
    return {
        "id": change.logical_id,
        "type": change.resource_type,
        "action": change.action,
        "replacement": change.replacement,
        "physical": change.physical_id,
        "scope": change.scope,
        "policy": change.policy_action,
        "before": change.before,
        "after": change.after,
        "details": _sorted([vars(detail) for detail in change.details]),
        "nested": _effect(nested) if nested else None,
    }


def _sorted(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(documents, key=lambda document: json.dumps(document, sort_keys=True))


def in_words(path: str, change: Change) -> str:
    """Say in one line what happens to a resource, why, and what becomes of its data where it goes."""
    return f"{change.verb} {path} ({change.resource_type}){_because(change)}{fate(change)}"


def _because(change: Change) -> str:
    if change.action != "Modify":
        return ""
    forcing = [detail for detail in change.details if change.removes and detail.requires_recreation != "Never"]
    names = sorted({detail.name or detail.attribute for detail in forcing or change.details})
    return f": {', '.join(names)}" if names else ""


def fate(change: Change) -> str:
    """Say what becomes of a stateful resource that goes, after a semicolon; nothing about any other."""
    if not (change.removes and is_stateful(change.resource_type)):
        return ""
    if change.loses_data:
        return (
            "; ITS DATA IS LOST" if change.policy_action else "; its data is lost unless its deletion policy keeps it"
        )
    return "; a snapshot is kept" if "Snapshot" in (change.policy_action or "") else "; the old one is kept"
