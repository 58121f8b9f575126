"""What a change set will do, according to DescribeChangeSet."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from belay.stack.stateful import is_stateful

NO_CHANGES = ("The submitted information didn't contain changes", "No updates are to be performed")
"""CloudFormation's wordings of "there is nothing to change" in the reason of a FAILED change set.

The first is for a plain template, the second for one with a transform. AWS's own tools look for the same two: the AWS
CLI (``awscli/customizations/cloudformation/deployer.py``), the SAM CLI (``samcli/lib/deploy/deployer.py``) and the CDK.
"""

_NESTED = "AWS::CloudFormation::Stack"

_NESTED_FAILED = re.compile(r"Nested change set (?P<change_set_id>arn:\S+) was not successfully created")

_MISSING = (
    re.compile(r"No export named (?P<name>\S+?) found"),
    re.compile(r"Unable to fetch parameters \[(?P<name>[^\]]+)\] from parameter store"),
    re.compile(r"Parameters: \[(?P<name>[^\]]+)\] cannot be found"),
)


@dataclass(frozen=True)
class Detail:
    """One reason why a resource changes: one of its properties or attributes, and whether that needs recreation."""

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
    Modify, Remove, Import, Dynamic or SyncWithActual, ``replacement`` is True, False, Conditional or None if it does
    not apply to the action, ``policy_action`` is what happens to the old resource (Delete, Retain, Snapshot,
    ReplaceAndDelete ...), ``drift_status`` is how it differs from the last deployment, if the change set checked it
    (``DeploymentMode=REVERT_DRIFT``). ``nested_change_set`` is the nested stack's own change set, if there is one.
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
        """Whether the existing resource will or may be deleted or replaced."""
        return self.action == "Remove" or self.replacement in ("True", "Conditional")

    @property
    def loses_data(self) -> bool:
        """Whether data may be lost: a stateful resource is or may be removed without keeping it or a snapshot."""
        kept = self.policy_action in ("Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot")
        return self.removes and is_stateful(self.resource_type) and not kept

    @property
    def endangers_data(self) -> bool:
        """Whether a stateful resource may be permanently deleted, or replaced by an empty one even if the old one is
        kept.

        ``UpdateReplacePolicy`` keeps the old resource or a snapshot of it, but the stack continues with an empty new
        one.
        """
        replaced = self.replacement in ("True", "Conditional") and is_stateful(self.resource_type)
        return self.loses_data or replaced

    @property
    def risk(self) -> int:
        """The rank of the risk; 0 is the worst."""
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
        """What happens to the resource, in a word or two; in capitals if it may be deleted."""
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
    "Dynamic": "decides during execution how to change",
    "SyncWithActual": "adopts the live state of",
}


@dataclass(frozen=True)
class ChangeSet:
    """A change set as CloudFormation describes it, with all its pages.

    ``parameters`` are the values passed (``****`` for NoEcho), ``resolved`` the values that CloudFormation read from
    Parameter Store for parameters of SSM types. ``nested`` are the change sets of nested stacks,
    ``root_change_set_id`` is that of the outermost stack if this is one of them.
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
    root_change_set_id: str | None = None

    @property
    def in_progress(self) -> bool:
        """Whether CloudFormation is still creating the change set."""
        return self.status.endswith(("_PENDING", "_IN_PROGRESS"))

    @property
    def ready(self) -> bool:
        """Whether the change set can be executed."""
        return self.status == "CREATE_COMPLETE" and self.execution_status == "AVAILABLE"

    @property
    def executed(self) -> bool:
        """Whether the change set was executed, whether still running, done or failed."""
        return str(self.execution_status).startswith("EXECUTE_")

    @property
    def overtaken(self) -> bool:
        """Whether the change set can no longer be executed because the stack has been updated since."""
        return self.status == "CREATE_COMPLETE" and self.execution_status == "OBSOLETE"

    @property
    def empty(self) -> bool:
        """Whether the change set FAILED only because there is nothing to change.

        A ready change set without resource changes is not empty: it changes the stack's outputs.
        """
        return self.status == "FAILED" and any(wording in (self.reason or "") for wording in NO_CHANGES)

    @property
    def failed(self) -> bool:
        """Whether the change set failed for a reason other than having nothing to change."""
        return self.status == "FAILED" and not self.empty

    @property
    def endangered(self) -> tuple[str, ...]:
        """The logical paths of stateful resources that will or may be deleted, or replaced by an empty one."""
        return tuple(path for path, change in self.all_changes() if change.endangers_data)

    @property
    def removed_stacks(self) -> tuple[tuple[str, str], ...]:
        """The nested stacks that are deleted without their own change set to list their resources.

        Each is a logical path and an id; those retained by their DeletionPolicy are left out. No property change
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
    def unread(self) -> tuple[str, ...]:
        """The logical paths of nested stacks that change without a change set that lists what changes in them."""
        here = tuple(
            each.logical_id
            for each in self.changes
            if each.resource_type == _NESTED and each.action not in ("Add", "Remove") and self.inside(each) is None
        )
        nested = ((each.logical_id, self.inside(each)) for each in self.changes)
        return here + tuple(f"{name}/{path}" for name, inside in nested if inside for path in inside.unread)

    @property
    def drifted(self) -> tuple[str, ...]:
        """The logical paths of resources that were changed or deleted since CloudFormation deployed them."""
        return tuple(path for path, change in self.all_changes() if change.drift_status in ("MODIFIED", "DELETED"))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of everything that executing the change set will do.

        Describing the same change set again gives the same digest, whatever the order and the pages of the response; so
        does a new change set that will do the same, even if its stack does not exist yet and its empty stack was
        deleted in between. A different effect gives a different digest. NoEcho values are hidden from every describe
        call, so a change of one is not detected.
        """
        effect = _effect(self) | {"stack": self.stack_name}
        document = json.dumps(effect, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(document.encode()).hexdigest()

    def all_changes(self) -> Iterator[tuple[str, Change]]:
        """Yield every change with its logical path (``Database/Instance``), nested stacks' after their parent's.

        A nested stack is never replaced itself: its own change set says what happens, whatever CloudFormation reports
        for the nested stack as a resource of its parent.
        """
        for change in self.changes:
            inside = self.inside(change)
            told = inside is not None and change.action == "Modify"
            yield change.logical_id, replace(change, replacement="False") if told else change
            for path, inner in inside.all_changes() if inside else ():
                yield f"{change.logical_id}/{path}", inner

    def failed_ones(self) -> tuple["ChangeSet", ...]:
        """Return the change sets that failed by themselves: nested stacks' before the ones they made fail."""
        inside = tuple(each for nested in self.nested for each in nested.failed_ones())
        return inside or ((self,) if self.failed else ())

    def inside(self, change: Change) -> "ChangeSet | None":
        """Return the change set of the nested stack that ``change`` is about, if there is one."""
        return next((each for each in self.nested if each.change_set_id == change.nested_change_set), None)

    def describe(self) -> list[str]:
        """Return one line per resource, riskiest first."""
        if self.empty:
            return ["No changes."]
        if self.status == "FAILED":
            return [f"The change set failed: {self.reason or 'CloudFormation gives no reason'}"]
        if not self.changes:
            return ["No resource changes; the stack's outputs change."]
        return [in_words(path, change) for path, change in self.ranked()]

    def ranked(self) -> list[tuple[str, Change]]:
        """Return every change with its logical path, riskiest first."""
        return sorted(self.all_changes(), key=lambda item: (item[1].risk, item[0]))


def parse_change_set(pages: Sequence[Mapping[str, Any]], nested: Sequence[ChangeSet] = ()) -> ChangeSet:
    """Return one ``ChangeSet`` from all pages of DescribeChangeSet, in any order.

    ``nested`` are the change sets of nested stacks, already parsed; their ids are in ``Change.nested_change_set``.
    Every page repeats the attributes of the change set
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html); the first page's are
    used. Raises ``ValueError`` if there are no pages.
    """
    if not pages:
        raise ValueError("expected at least one page of DescribeChangeSet, found none")
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
        root_change_set_id=head.get("RootChangeSetId"),
    )


def nested_change_set(reason: str | None) -> str | None:
    """Return the id of the nested stack's change set that a change set failed because of, if its reason names one."""
    named = _NESTED_FAILED.search(reason or "")
    return named["change_set_id"] if named else None


def missing_dependency(reason: str | None) -> str | None:
    """Return the export or SSM parameter that CloudFormation says does not exist, or None for any other reason.

    ``reason`` is that of a FAILED change set or the message of CreateChangeSet's ValidationError: exports are read
    while the change set is created, SSM parameters already when the call is accepted. The wordings are CloudFormation's
    own, "No export named X found" and "Unable to fetch parameters [X] from parameter store for this account"; AWS
    publishes no list of them, so an unknown wording counts as an ordinary failure.
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
    """Return one line with what happens to a resource, why, and what happens to its data if it is removed."""
    return f"{change.verb} {path} ({change.resource_type}){_because(change)}{fate(change)}"


def _because(change: Change) -> str:
    if change.action != "Modify":
        return ""
    forcing = [detail for detail in change.details if change.removes and detail.requires_recreation != "Never"]
    names = sorted({detail.name or detail.attribute for detail in forcing or change.details})
    return f": {', '.join(names)}" if names else ""


def fate(change: Change) -> str:
    """Return what happens to the data of a stateful resource that is removed, after a semicolon; else an empty
    string.
    """
    if not (change.removes and is_stateful(change.resource_type)):
        return ""
    if change.loses_data:
        return (
            "; ITS DATA IS LOST" if change.policy_action else "; its data is lost unless its deletion policy keeps it"
        )
    return "; a snapshot is kept" if "Snapshot" in (change.policy_action or "") else "; the old one is kept"
