"""Gap: events reach no bus of another account or region, and CloudFormation has no bus policies.

Here a rule's target may be such a bus. The rule's role and, for another account, the bus's policy must allow it, as for
PutEvents (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html); a refused event goes to the
target's dead-letter queue. The event keeps its account and region. It can be removed once ministack delivers to other
accounts.
"""

import json
from typing import Any

import ministack.app
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.iam_evaluator import EvalContext, _gather_role_policies, evaluate, evaluate_resource_policy
from ministack.core.responses import error_response_json, get_account_id, get_region, request_scope
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from local.bridges import event_targets

POLICY = "AWS::Events::EventBusPolicy"


def install() -> None:
    """Deliver to buses elsewhere, refuse what their policies do not allow, and register the policies' type."""
    _deliver_elsewhere()
    _put_elsewhere()
    provisioners._RESOURCE_HANDLERS[POLICY] = {
        "create": _create_policy,
        "update": _update_policy,
        "delete": _delete_policy,
    }


def _deliver_elsewhere() -> None:
    invoke = eventbridge._invoke_target

    def invoke_or_deliver(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        bus = _bus_elsewhere(target["Arn"])
        if bus is None:
            invoke(target, event, rule, view)
            return
        refused = _refused_by_role(target) or _refused_by_policy(bus, event, {"aws:sourcearn": rule["Arn"]}, "true")
        if not refused:
            _deliver(bus, event)
        elif "DeadLetterConfig" in target:
            whole = (view or eventbridge._pattern_event_view(event)).event_with_detail()
            why = {
                "ERROR_CODE": "NO_PERMISSIONS",
                "ERROR_MESSAGE": refused,
                "RULE_ARN": rule["Arn"],
                "TARGET_ARN": target["Arn"],
            }
            event_targets.send(target["DeadLetterConfig"]["Arn"], json.dumps(whole), why)

    eventbridge._invoke_target = invoke_or_deliver


def _put_elsewhere() -> None:
    """A call of PutEvents may name a bus of another account, whose policy decides."""
    put_events = eventbridge._put_events

    def put_events_anywhere(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        for entry in data.get("Entries", []):
            bus = _bus_elsewhere(entry.get("EventBusName", "default"))
            refused = bus and _refused_by_policy(bus, entry, {}, "false")
            if refused:
                return error_response_json("AccessDeniedException", refused, 400)
        return put_events(data, allow_aws_source)

    eventbridge._put_events = put_events_anywhere


def _bus_elsewhere(name: str) -> Any:
    try:
        found = parse_arn(name)
    except ArnParseError:
        return None
    here = (found.account_id, found.region) == (get_account_id(), get_region())
    return found if found.service == "events" and found.resource.startswith("event-bus/") and not here else None


def _refused_by_role(target: dict[str, Any]) -> str:
    """Why the rule's role may not put events on the bus; roles are checked only if permissions are enforced."""
    if not ministack.app.AUTH:
        return ""
    role = target.get("RoleArn", "")
    asked = _context(target["Arn"], {})
    allowed = evaluate(asked, _gather_role_policies(role.rpartition("/")[2], get_account_id())).decision == "Allow"
    return "" if allowed else f"{role} is not authorized to perform events:PutEvents on {target['Arn']}"


def _refused_by_policy(bus: Any, event: dict[str, Any], keys: dict[str, str], by_rule: str) -> str:
    name = bus.resource.partition("/")[2]
    arn = f"arn:{bus.partition}:events:{bus.region}:{bus.account_id}:event-bus/{name}"
    with request_scope(bus.account_id, bus.region):
        if name not in eventbridge._event_buses:
            return f"Event bus {arn} does not exist"
        policy = eventbridge._event_bus_policies.get(name)
    if bus.account_id == get_account_id():
        return ""
    about = {
        "events:source": event.get("Source", ""),
        "events:detail-type": event.get("DetailType", ""),
        "events:eventbusinvocation": by_rule,
    }
    allowed = evaluate_resource_policy(policy, _context(arn, {**about, **keys})).decision == "Allow"
    return "" if allowed else f"no policy of {arn} allows account {get_account_id()} to perform events:PutEvents"


def _context(bus: str, keys: dict[str, str]) -> EvalContext:
    return EvalContext(
        principal_arn=f"arn:aws:iam::{get_account_id()}:root",
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action="events:PutEvents",
        resource_arn=bus,
        region=get_region(),
        service_context=keys,
    )


def _deliver(bus: Any, event: dict[str, Any]) -> None:
    forwarded = {**event, "EventBusName": bus.resource.partition("/")[2]}
    with request_scope(bus.account_id, bus.region):
        eventbridge._dispatch_event(forwarded)


def _create_policy(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    bus, sid = properties.get("EventBusName", "default"), properties["StatementId"]
    policy = eventbridge._event_bus_policies.setdefault(bus, {"Version": "2012-10-17", "Statement": []})
    policy["Statement"] = [each for each in policy["Statement"] if each.get("Sid") != sid]
    policy["Statement"].append({**properties["Statement"], "Sid": sid})
    return f"{bus}|{sid}", {}


def _update_policy(
    physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str
) -> tuple[str, dict[str, str]]:
    return _create_policy(physical_id, new, stack)


def _delete_policy(physical_id: str, properties: dict[str, Any]) -> None:
    bus, _, sid = physical_id.partition("|")
    eventbridge._remove_permission({"EventBusName": bus, "StatementId": sid})
