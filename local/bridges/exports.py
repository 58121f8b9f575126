"""Gap: exports are changed, removed and exported twice although other stacks import them, and outlive a rollback.

On AWS an export in use can be neither updated nor deleted, a name is exported by one stack, and an operation that tries
is rolled back (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html). This is
why the order of stacks matters in a rollback. It can be removed once ministack refuses them.
"""

from typing import Any

from ministack.services.cloudformation import _exports, _stacks, handlers, stacks

Record = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Check exports when outputs are resolved, and restore them when an operation is rolled back."""
    resolve, roll_back = stacks._resolve_stack_outputs, stacks._roll_back_operation
    delete_stack = handlers._ACTION_HANDLERS["DeleteStack"]

    def resolve_allowed(*arguments: Any) -> tuple[list[Record], Record]:
        outputs, exports = resolve(*arguments)
        stack_id = arguments[-1]
        _refuse_taken(stack_id, exports)
        _refuse_in_use(stack_id, exports)
        _forget_others(stack_id, exports)
        return outputs, exports

    async def roll_back_with_exports(name: str, stack_id: str, stack: Record, *operation: Any, **more: Any) -> None:
        await roll_back(name, stack_id, stack, *operation, **more)
        exported = [output for output in stack["Outputs"] if "ExportName" in output]
        exports = {
            output["ExportName"]: {
                "StackId": stack_id,
                "Name": output["ExportName"],
                "Value": output["OutputValue"],
            }
            for output in exported
        }
        _forget_others(stack_id, exports)
        _exports.update(exports)

    def delete_stack_in_awss_words(parameters: Any) -> Answer:
        status, headers, body = delete_stack(parameters)
        return status, headers, body.replace(b" is imported by stack ", b" cannot be deleted as it is in use by ")

    stacks._resolve_stack_outputs = resolve_allowed
    stacks._roll_back_operation = roll_back_with_exports
    handlers._roll_back_operation = roll_back_with_exports
    handlers._ACTION_HANDLERS["DeleteStack"] = delete_stack_in_awss_words


def _refuse_taken(stack_id: str, exports: Record) -> None:
    for name in exports:
        if name in _exports and _exports[name]["StackId"] != stack_id:
            other = handlers._resolve_stack(_exports[name]["StackId"])
            raise ValueError(f"Export with name {name} is already exported by stack {other['StackName']}.")


def _refuse_in_use(stack_id: str, exports: Record) -> None:
    for name, export in _of_stack(stack_id).items():
        if name in exports and exports[name]["Value"] == export["Value"]:
            continue
        change = "updated" if name in exports else "deleted"
        users = _importers(name)
        if users:
            raise ValueError(f"Export {name} cannot be {change} as it is in use by {', '.join(users)}")


def _importers(name: str) -> list[str]:
    return [
        stack["StackName"]
        for stack in _stacks.values()
        if stack["StackStatus"] != "DELETE_COMPLETE"
        and name in handlers._imported_export_names(stack, stack["StackName"])
    ]


def _forget_others(stack_id: str, exports: Record) -> None:
    for name in _of_stack(stack_id):
        if name not in exports:
            _exports.pop(name)


def _of_stack(stack_id: str) -> Record:
    return {name: export for name, export in _exports.items() if export["StackId"] == stack_id}
