"""CloudFormation: stacks, change sets, events and the calls of a rollback."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.handlers import json_decode_template_body

from belay.aws.clients import Gateway
from belay.aws.faults import code_of, translated
from belay.errors import AwsFault, ServiceUnavailable, Throttled
from belay.masking import masked
from belay.stack.cause import Cause, Event, event_time, first_cause, nested_stack_ids, of_operation, what_keeps_it
from belay.stack.change_set import ChangeSet, nested_change_set, parse_change_set
from belay.stack.operation import LONGEST_SILENCE, OperationSeen, TakenOver, operation_seen, since, taken_over
from belay.stack.status import StackStatus
from belay.stack.trace import nested_in
from belay.stack.validation import sends_to_events, with_events

_STACK = "AWS::CloudFormation::Stack"
_EVENTS_LOOKED_AT = 2000
_NESTED_LOOKED_INTO = 50
_EVENTS_OF_AN_OPERATION = 20_000
"""A stack has at most 500 resources, each with a few events of the update and of its rollback."""
_SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "IMPORT_COMPLETE")
_REASONS = (
    *("StackStatusReason", "ResourceStatusReason", "StatusReason", "DriftStatusReason"),
    *("ValidationStatusReason", "HookStatusReason"),
)


class Stacks(Gateway):
    """CloudFormation's stacks of one account and region. Stacks are identified by their id if it is known."""

    # -- reading -------------------------------------------------------------------------------------------------

    def describe_stack(self, stack: str) -> dict[str, Any] | None:
        """Return one element of DescribeStacks' ``Stacks``, or None if it does not exist."""
        with translated("CloudFormation.DescribeStacks"):
            try:
                return _masked(self._client.describe_stacks(StackName=stack)["Stacks"][0])
            except ClientError as error:
                if _no_stack(error):
                    return None
                raise

    def status(self, stack_id: str) -> StackStatus:
        """Return a stack's status, DELETE_COMPLETE if it does not exist any more."""
        description = self.describe_stack(stack_id)
        return StackStatus.DELETE_COMPLETE if description is None else StackStatus(description["StackStatus"])

    def describe_stacks(self) -> Iterator[dict[str, Any]]:
        """Yield every stack that is not deleted."""
        with translated("CloudFormation.DescribeStacks"):
            for page in self._client.get_paginator("describe_stacks").paginate():
                yield from map(_masked, page["Stacks"])

    def get_template(self, stack_id: str, stage: str = "Original") -> bytes:
        """Return the template exactly as passed to CloudFormation, or after its transforms (``Processed``)."""
        return self._template(StackName=stack_id, TemplateStage=stage)

    def list_resources(self, stack_id: str) -> list[dict[str, Any]]:
        """Return a stack's StackResourceSummaries."""
        with translated("CloudFormation.ListStackResources"):
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=stack_id)
            return [_masked(summary) for page in pages for summary in page["StackResourceSummaries"]]

    def resources_by_stack(self, stack_id: str) -> dict[str, list[dict[str, Any]]]:
        """Return the resource summaries of a stack and of every stack nested in it, by stack id."""
        found: dict[str, list[dict[str, Any]]] = {}
        waiting = [stack_id]
        while waiting:
            each = waiting.pop()
            found[each] = self.list_resources(each)
            waiting += [r["PhysicalResourceId"] for r in found[each] if r["ResourceType"] == _STACK and _exists(r)]
        return found

    def events(self, stack_id: str, most: int = _EVENTS_LOOKED_AT) -> Iterator[dict[str, Any]]:
        """Yield a stack's newest events, newest first, a page at a time."""
        with translated("CloudFormation.DescribeStackEvents"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
            yield from islice((_masked(event) for page in pages for event in page["StackEvents"]), most)

    def events_since(self, stack_id: str, token: str | None) -> dict[str, list[Event]]:
        """Return the events since an operation on a stack began (its last one without a ``token``), by stack id.

        Those of the nested stacks that it touched are included.
        """
        found = {stack_id: since(self.events(stack_id, most=_EVENTS_OF_AN_OPERATION), token)}
        waiting = list(nested_in(found[stack_id]))
        began = found[stack_id][-1]["Timestamp"] if waiting else None
        while waiting:
            each = waiting.pop()
            if each not in found:
                of_it = self.events(each, most=_EVENTS_OF_AN_OPERATION)
                found[each] = list(takewhile(lambda event: event["Timestamp"] >= began, of_it))
                waiting += nested_in(found[each])
        return found

    def importers(self, export: str) -> tuple[str, ...]:
        """Return the names of the stacks that import an export."""
        with translated("CloudFormation.ListImports"):
            try:
                pages = self._client.get_paginator("list_imports").paginate(ExportName=export)
                return tuple(name for page in pages for name in page["Imports"])
            except ClientError as error:
                if code_of(error) == "ValidationError" and "is not imported by any stack" in str(error):
                    return ()
                raise

    def newest_event(self, stack_id: str) -> dict[str, Any] | None:
        """Return a stack's newest event, or None if it has none."""
        return next(self.events(stack_id), None)

    def operation(self, stack_id: str, token: str) -> OperationSeen:
        """Return the progress of the operation with this client request token, and what interrupted it.

        Without a status until CloudFormation has begun: DescribeStacks would return that of an earlier operation.
        """
        return operation_seen(self.events(stack_id), stack_id, token)

    def operation_status(self, stack_id: str, token: str) -> StackStatus | None:
        """Return the newest status in the operation with this client request token; None until it has begun."""
        return self.operation(stack_id, token).status

    def stands_still(self, stack_id: str, now: datetime) -> bool:
        """Whether neither a stack nor a nested stack had an event for the longest time that one may take."""
        newest = self.newest_event(stack_id)
        if newest is None or now - event_time(newest) <= LONGEST_SILENCE:
            return False
        events = (self.newest_event(each) for each in self.resources_by_stack(stack_id))
        return all(now - event_time(each) > LONGEST_SILENCE for each in events if each is not None)

    def taken_over(self, stack_id: str, by: str | None = None) -> TakenOver | None:
        """Return which operation one with the token ``by``, or else the last one, interrupted; None if none."""
        return taken_over(self.events(stack_id), stack_id, by)

    def newest_success(self, stack_id: str) -> str | None:
        """Return the token of the newest operation that succeeded on a stack, empty if it has none.

        None if the events do not show it: CloudFormation keeps them for 90 days.
        """
        for event in self.events(stack_id):
            if event.get("PhysicalResourceId") == stack_id and event["ResourceStatus"] in _SUCCEEDED:
                return str(event.get("ClientRequestToken") or "")
        return None

    def list_change_sets(self, stack_id: str) -> list[str]:
        """Return the ids of all of a stack's change sets."""
        with translated("CloudFormation.ListChangeSets"):
            pages = self._client.get_paginator("list_change_sets").paginate(StackName=stack_id)
            return [str(summary["ChangeSetId"]) for page in pages for summary in page["Summaries"]]

    def first_cause(self, stack_id: str, token: str | None) -> Cause | None:
        """Return what failed first in an operation, the newest one without a token, including nested stacks.

        At most 50 nested stacks are read, at any depth; deleted ones are found by their ids.
        """
        events = list(self.events(stack_id))
        return self._told(events, token, first_cause)

    def what_keeps_it(self, stack_id: str, tokens: Iterable[str | None]) -> Cause | None:
        """Return why a stack is in its status: the first failure in the first of these operations that has one."""
        events = list(self.events(stack_id))
        found = (self._told(events, token, what_keeps_it) for token in tokens)
        return next((cause for cause in found if cause is not None), None)

    def _told(self, events: list[dict[str, Any]], token: str | None, find: Callable[..., Cause | None]) -> Cause | None:
        """Find a cause in an operation with its nested stacks' events, and with what DescribeEvents reports."""
        nested: dict[str, list[dict[str, Any]]] = {}
        while (unread := nested_stack_ids(events, nested, token=token)) and len(nested) < _NESTED_LOOKED_INTO:
            nested[unread[0]] = list(self.events(unread[0]))
        cause = find(events, nested, token=token)
        if cause is None or not sends_to_events(cause.reason):
            return cause
        times = [event_time(event) for event in of_operation(events, token)]
        return replace(cause, reason=self._with_events(cause.reason, times, StackName=cause.stack_id))

    def why_failed(self, change_set: ChangeSet) -> str:
        """Return why a change set failed, with the resources that its events name, including those of nested change
        sets.

        The events are deleted with the change set: call this first.
        """
        told = [
            self._with_events(each.reason or "CloudFormation gives no reason", [], ChangeSetName=each.change_set_id)
            for each in change_set.failed_ones()
        ]
        return "; ".join(told)

    def _with_events(self, reason: str, between: Sequence[datetime], **named: str) -> str:
        """Add to a reason what DescribeEvents reports; a failed read is noted, and is no verdict."""
        arguments = {**named, "Filters": {"FailedEvents": True}}
        try:
            with translated("CloudFormation.DescribeEvents"):
                pages = self._client.get_paginator("describe_events").paginate(**arguments)
                events = (_masked(event) for page in pages for event in page["OperationEvents"])
                found = [*islice(events, _EVENTS_LOOKED_AT)]
        except (Throttled, ServiceUnavailable):
            raise
        except AwsFault as fault:
            return f"{reason} (what its events name could not be read: {fault})"
        inside = [each for each in found if not between or min(between) <= event_time(each) <= max(between)]
        return with_events(reason, inside)

    # -- change sets ---------------------------------------------------------------------------------------------

    def create_change_set(self, arguments: Mapping[str, Any]) -> tuple[str, str]:
        """Create a change set with CreateChangeSet's arguments. Returns its ARN and the stack's id.

        An existing change set of that name is the same one, because names contain the attempt. Raises
        ``InvalidRequest`` if CloudFormation refuses the template or its parameters.
        """
        with translated("CloudFormation.CreateChangeSet"):
            try:
                answer = self._client.create_change_set(**arguments)
            except ClientError as error:
                if code_of(error) != "AlreadyExistsException":
                    raise
                answer = self._client.describe_change_set(
                    ChangeSetName=arguments["ChangeSetName"], StackName=arguments["StackName"]
                )
                return str(answer["ChangeSetId"]), str(answer["StackId"])
        return str(answer["Id"]), str(answer["StackId"])

    def describe_change_set(self, change_set_id: str) -> ChangeSet | None:
        """Return a change set with those of its nested stacks, or None if it does not exist."""
        pages = self._change_set_pages(change_set_id)
        if not pages:
            return None
        named = nested_change_set(pages[0].get("StatusReason"))
        changes = [change.get("ResourceChange", {}) for page in pages for change in page.get("Changes", [])]
        children = dict.fromkeys([each["ChangeSetId"] for each in changes if each.get("ChangeSetId")])
        nested = [self.describe_change_set(child) for child in children | ({named: None} if named else {})]
        return parse_change_set(pages, [child for child in nested if child is not None])

    def change_set_template(self, change_set_id: str) -> bytes:
        """Return the template that a change set will run, after its transforms."""
        return self._template(ChangeSetName=change_set_id, TemplateStage="Processed")

    def _template(self, **named: str) -> bytes:
        # botocore parses a JSON template into a dict, and 1.10 would come back as 1.1, a minified one longer.
        self._client.meta.events.unregister("after-call.cloudformation.GetTemplate", json_decode_template_body)
        with translated("CloudFormation.GetTemplate"):
            return str(self._client.get_template(**named)["TemplateBody"]).encode()

    @contextmanager
    def begun_once(self, stack_id: str, token: str) -> Iterator[None]:
        """Make the call that begins an operation; ignore a refusal if the operation has already begun with this token.

        botocore repeats a call whose response was lost, and CloudFormation refuses the second one, for example with
        ``TokenAlreadyExistsException`` when the stack's events show nothing yet.
        """
        try:
            yield
        except AwsFault as fault:
            if fault.code != "TokenAlreadyExistsException" and self.operation_status(stack_id, token) is None:
                raise

    def execute_change_set(self, change_set_id: str, token: str) -> None:
        """Execute a change set with a token for the stack's events; succeeds if it is already executed.

        The response to an earlier call may have been lost, and the stack's events may show nothing yet.
        """
        with translated("CloudFormation.ExecuteChangeSet"):
            try:
                self._client.execute_change_set(ChangeSetName=change_set_id, ClientRequestToken=token)
            except ClientError as error:
                refused = code_of(error) == "InvalidChangeSetStatus"
                change_set = self.describe_change_set(change_set_id) if refused else None
                if change_set is None or not change_set.executed:
                    raise

    def delete_change_set(self, change_set_id: str) -> None:
        """Delete a change set; succeeds if already deleted, or busy: executing another one deletes it."""
        with translated("CloudFormation.DeleteChangeSet", ignoring=("ChangeSetNotFound", "InvalidChangeSetStatus")):
            self._client.delete_change_set(ChangeSetName=change_set_id)

    # -- rollback ------------------------------------------------------------------------------------------------

    def delete_stack(self, stack_id: str, token: str, role_arn: str) -> None:
        """Delete a stack and everything in it, with the permissions of the service role."""
        with translated("CloudFormation.DeleteStack"):
            self._client.delete_stack(StackName=stack_id, ClientRequestToken=token, RoleARN=role_arn)

    def perform(self, operation: str, parameters: Mapping[str, Any], token: str) -> None:
        """Make the one call of a recovery step: an operation that takes a ClientRequestToken."""
        with translated(f"CloudFormation.{operation}"):
            getattr(self._client, xform_name(operation))(**parameters, ClientRequestToken=token)

    def _change_set_pages(self, change_set_id: str) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        arguments: dict[str, Any] = {"ChangeSetName": change_set_id, "IncludePropertyValues": True}
        with translated("CloudFormation.DescribeChangeSet"):
            try:
                while True:
                    pages.append(_masked(self._client.describe_change_set(**arguments)))
                    if not pages[-1].get("NextToken"):
                        return pages
                    arguments["NextToken"] = pages[-1]["NextToken"]
            except ClientError as error:
                if code_of(error) in {"ChangeSetNotFound", "ChangeSetNotFoundException"} or _no_stack(error):
                    return []
                raise


class ResourceDrift(Gateway):
    """Drift of a resource from its stack's template. It needs a patient client: the call returns the result.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DetectStackResourceDrift.html
    """

    def detect(self, stack_id: str, logical_id: str) -> dict[str, Any]:
        """Compare one resource with its template and return the StackResourceDrift.

        Raises ``InvalidRequest`` for a type whose drift CloudFormation cannot detect.
        """
        with translated("CloudFormation.DetectStackResourceDrift"):
            answer = self._client.detect_stack_resource_drift(StackName=stack_id, LogicalResourceId=logical_id)
        return _masked(answer["StackResourceDrift"])


def _masked(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an element of a response with secrets in its reasons masked: a service may quote a value."""
    reasons = {name: masked(answer[name]) for name in _REASONS if answer.get(name)}
    return {**answer, **reasons}


def _exists(resource: Mapping[str, Any]) -> bool:
    return bool(resource.get("PhysicalResourceId")) and resource.get("ResourceStatus") != "DELETE_COMPLETE"


def _no_stack(error: ClientError) -> bool:
    return code_of(error) == "ValidationError" and "does not exist" in str(error)
