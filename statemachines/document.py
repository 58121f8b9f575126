"""Writes each machine's README from its definition: ``python -m statemachines.document``."""

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
FUNCTIONS = HERE.parent / "functions"
TERMINAL = ("Succeed", "Fail")
_LONGEST_LABEL = 60
_LIMIT = re.compile(r"\$millis\(\) - \$since (?P<over>[<>]) (?P<count>\d+) \* (?P<milliseconds>\d+)")
_UNITS = {"60000": "minutes", "3600000": "hours", "86400000": "days"}


def machines() -> list[str]:
    """Return the names of the machines."""
    return sorted(path.parent.name for path in HERE.glob("*/definition.asl.yaml"))


def definition_of(machine: str) -> dict[str, Any]:
    """Read a machine's definition."""
    return dict(yaml.load((HERE / machine / "definition.asl.yaml").read_text(), yaml.CSafeLoader))


def flattened(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition in which the states of each iteration of a Map are beside it.

    The Map leads to the first of them; the end of an iteration leads on as the Map does, with its assignments.
    """
    states: dict[str, Any] = {}
    for name, state in definition["States"].items():
        processor = state.get("ItemProcessor")
        if processor is None:
            states[name] = state
            continue
        outer = {key: value for key, value in state.items() if key not in ("ItemProcessor", "Assign")}
        states[name] = outer | {"Next": processor["StartAt"]}
        on = {"Next": state["Next"], "Assign": state.get("Assign", {})}
        states |= {inner: each | on if each.get("End") else each for inner, each in processor["States"].items()}
    return {**definition, "States": states}


def readme(machine: str) -> str:
    """Return the text of a machine's README."""
    definition = flattened(definition_of(machine))
    return "\n".join(
        [
            f"# {machine}",
            "",
            definition["Comment"],
            "",
            "Generated from `definition.asl.yaml` by `python -m statemachines.document`.",
            "",
            "```mermaid",
            *diagram(definition),
            "```",
            "",
            "Dotted arrows are caught errors, by name.",
            "",
            "## Outcomes",
            "",
            "| state | output | when |",
            "| --- | --- | --- |",
            *(f"| {name} | {_end(state)} | {state['Comment']} |" for name, state in _states(definition, *TERMINAL)),
            "",
            "## Steps",
            "",
            "| state | calls | at most | what it does |",
            "| --- | --- | --- | --- |",
            *(
                f"| {name} | {_called(state)} | {_limit(state)} | {_about(_called(state))} |"
                for name, state in _states(definition, "Task")
            ),
            "",
            "## Deadlines",
            "",
            "What is still not finished after this time leads on, with the reason `WaitedTooLong`.",
            "",
            "| question | at most | then |",
            "| --- | --- | --- |",
            *_deadlines(definition),
            "",
        ]
    )


def diagram(definition: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a Mermaid flow chart."""
    names = list(definition["States"])
    yield "flowchart TD"
    for name, state in definition["States"].items():
        yield f"    {_node(names, name)}{_shape(name, state['Type'])}"
    for name, state in definition["States"].items():
        for target, label, caught in _arrows(state):
            arrow = "-.->" if caught else "-->"
            text = f'|"{_escaped(label)}"|' if label else ""
            yield f"    {_node(names, name)} {arrow}{text} {_node(names, target)}"


def _arrows(state: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for choice in state.get("Choices", []):
        yield choice["Next"], choice["Condition"].removeprefix("{%").removesuffix("%}").strip(), False
    if "Default" in state:
        yield state["Default"], "otherwise", False
    if "Next" in state:
        yield state["Next"], "", False
    catches = state.get("Catch", [])
    rest = "any other fault" if len(catches) > 1 else "any fault"
    for catch in catches:
        yield catch["Next"], ", ".join(catch["ErrorEquals"]).replace("States.ALL", rest), True


def _states(definition: Mapping[str, Any], *types: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, state) for name, state in definition["States"].items() if state["Type"] in types]


def _node(names: list[str], name: str) -> str:
    return f"s{names.index(name)}"


def _shape(name: str, kind: str) -> str:
    ends = {"Succeed": ("([", "])"), "Fail": ("[[", "]]")}
    left, right = {"Choice": "{}", "Wait": "()", "Map": ("[/", "/]"), **ends}.get(kind, "[]")
    return f'{left}"{_escaped(name)}"{right}'


def _escaped(text: str) -> str:
    shown = text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 3]}..."
    return shown.replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _deadlines(definition: Mapping[str, Any]) -> Iterator[str]:
    for name, state in _states(definition, "Choice"):
        for choice, following in pairwise([*state["Choices"], {"Next": state["Default"]}]):
            limit = _LIMIT.search(choice["Condition"])
            if limit:
                then = choice["Next"] if limit["over"] == ">" else following["Next"]
                yield f"| {name} | {limit['count']} {_UNITS[limit['milliseconds']]} | {then} |"


def _end(state: Mapping[str, Any]) -> str:
    return f"`{state['Output']['outcome']}`" if state["Type"] == "Succeed" else f"fails with `{state['Error']}`"


def _called(state: Mapping[str, Any]) -> str:
    """Return the machine a task starts, or the function it calls and the step: ``read_release/copy_release``."""
    arguments = state["Arguments"]
    target = str(arguments.get("FunctionName") or arguments["StateMachineArn"])
    name = re.sub(r"^\$\{|(Function|StateMachine)Arn\}$", "", target)
    step = arguments.get("Payload", {}).get("step")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() + (f"/{step}" if step else "")


def _about(called: str) -> str:
    if called in machines():
        return str(definition_of(called)["Comment"])
    path = FUNCTIONS / (f"{called}.py" if "/" in called else f"{called}/app.py")
    module = ast.parse(path.read_text())
    return " ".join((ast.get_docstring(module) or "").split("\n\n", maxsplit=1)[0].split())


def _limit(state: Mapping[str, Any]) -> str:
    limit = state["TimeoutSeconds"]
    return f"{limit} s" if isinstance(limit, int) else "as registered"


def main() -> None:
    """Regenerate every README."""
    for machine in machines():
        (HERE / machine / "README.md").write_text(readme(machine))


if __name__ == "__main__":
    main()
