"""Gap: template parameters are checked and described differently.

AWS refuses parameters the template does not have, and reports in known words which have no value and which SSM
parameters it could not fetch; it describes an SSM parameter by its name with the resolved value beside it, and shows no
``NoEcho`` value (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html). It can be
removed once ministack does.
"""

import re
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.services.cloudformation import _change_sets, _stacks, changesets, handlers

FETCHED = re.compile(r"SSM parameter '(?P<name>[^']+)' does not exist")
HIDDEN = "****"

Answer = tuple[int, dict[str, str], bytes]
Record = dict[str, Any]


def install() -> None:
    """Check parameters when they are resolved, and correct them when they are described."""
    resolve = handlers._resolve_parameters

    def resolve_known(template: Record, provided: list[Record], *previous: Any) -> Any:
        declared = template.get("Parameters") or {}
        unknown = [each["Key"] for each in provided if each.get("Key") not in declared]
        if unknown:
            raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
        given = {each["Key"] for each in provided}
        missing = [name for name, each in declared.items() if "Default" not in each and name not in given]
        if missing:
            raise ValueError(f"Parameters: [{', '.join(missing)}] must have values")
        try:
            return resolve(template, provided, *previous)
        except ValueError as error:
            if found := FETCHED.search(str(error)):
                message = f"Unable to fetch parameters [{found['name']}] from parameter store for this account."
                raise ValueError(message) from error
            raise

    for module in (handlers, changesets):
        module._resolve_parameters = resolve_known
    actions = handlers._ACTION_HANDLERS
    actions["DescribeStacks"] = _described(actions["DescribeStacks"], _stacks, "StackId")
    actions["DescribeChangeSet"] = _described(actions["DescribeChangeSet"], _change_sets, "ChangeSetId")


def _described(handle: Callable[[Any], Answer], records: Any, id_member: str) -> Callable[[Any], Answer]:
    def handle_and_correct(parameters: Any) -> Answer:
        for record in records.values():
            _correct(record)
        status, headers, body = handle(parameters)
        by_id = {record[id_member]: record for record in records.values()}
        parts = body.decode().split(f"<{id_member}>")
        corrected = [parts[0], *(_with_resolved_values(part, by_id.get(part.partition("<")[0])) for part in parts[1:])]
        return status, headers, f"<{id_member}>".join(corrected).encode()

    return handle_and_correct


def _correct(record: Record) -> None:
    for parameter in record["Parameters"]:
        resolved = record["_resolved_params"].get(parameter["ParameterKey"], {})
        if resolved.get("NoEcho"):
            parameter["ParameterValue"] = HIDDEN
        elif "SsmName" in resolved:
            parameter["ParameterValue"] = resolved["SsmName"]


def _with_resolved_values(part: str, record: Record | None) -> str:
    for name, resolved in (record or {}).get("_resolved_params", {}).items():
        if "SsmName" in resolved and not resolved["NoEcho"]:
            shown = (
                f"<ParameterKey>{escape(name)}</ParameterKey>"
                f"<ParameterValue>{escape(resolved['SsmName'])}</ParameterValue>"
            )
            part = part.replace(shown, f"{shown}<ResolvedValue>{escape(resolved['Value'])}</ResolvedValue>")
    return part
