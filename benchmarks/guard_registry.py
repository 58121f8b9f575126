"""Runs cfn-guard rules' own tests in Belay's evaluation, for example those of AWS's Guard Rules Registry.

    git clone https://github.com/aws-cloudformation/aws-guard-rules-registry
    PYTHONPATH=.:layers/belay python -m benchmarks.guard_registry aws-guard-rules-registry/rules

Beside each ``<rule>.guard`` is expected a ``tests/<rule>_tests.yml``. PASS and SKIP count as equal:
nothing is found.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from packs.check_templates.validator import Validator


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def _function(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = str(loader.construct_scalar(node))
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


Loader.add_multi_constructor("!", _function)


def expectations(tests: Path) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Yield the name, the template and the expected statuses by rule of each test."""
    for each in yaml.load(tests.read_text(encoding="utf-8"), Loader):
        yield each.get("name", ""), json.dumps(each["input"], default=str).encode(), each["expectations"]["rules"]


def fared(rules: Path, tests: Path) -> Iterator[tuple[str, str]]:
    """Yield the outcome of each expectation, and the details of those that are not met."""
    validator = Validator({rules.name: rules.read_text(encoding="utf-8")})
    for name, template, expected in expectations(tests):
        answer = validator.check("t.json", template, {})
        found = {each["rule"] for each in answer["diagnostics"] if each["operators"]}
        for rule, status in expected.items():
            where = f"{rules.name}: {name}: {rule}: expected {status}"
            if answer["problem"] or answer["unexamined"]:
                yield "unread", f"{where}, {(answer['problem'] or answer['unexamined'])[:80]}"
            elif rule not in answer["rules"]:
                yield "not defined", f"{where}, the file has {', '.join(answer['rules'])}"
            else:
                met = (status == "FAIL") is (rule in found)
                yield ("met", "") if met else ("missed" if status == "FAIL" else "false FAIL", where)


def main(folder: str) -> None:
    """Print the outcomes, and the number of expectations with each."""
    outcomes: Counter[str] = Counter()
    files = 0
    for rules in sorted(Path(folder).rglob("*.guard")):
        tests = rules.parent / "tests" / f"{rules.stem}_tests.yml"
        if tests.exists():
            files += 1
            for outcome, shown in fared(rules, tests):
                outcomes[outcome] += 1
                if shown:
                    print(f"{outcome}: {shown}")
    print(f"{files} files, {outcomes.total()} expectations: {dict(outcomes)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
