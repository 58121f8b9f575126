"""The operator's own cfn-guard rules: turns the output of the optional pack into a report.

The pack (``packs/guard/``) runs cfn-guard's Rust library through its Python binding and returns the binding's JSON.
https://docs.aws.amazon.com/cfn-guard/latest/ug/what-is-guard.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from belay.errors import InvalidRegistration
from belay.policy.applied import AppliedPolicy, PolicyCheck
from belay.policy.model import Location
from belay.policy.policies import Policy, Violation
from belay.policy.settings import GUARD, PolicySettings
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.template.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?[0-9]+\.[0-9]+([eE][-+]?[0-9]+)?")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_RESOURCE = re.compile(r"/Resources/([A-Za-z0-9]+)")
_LONGEST_DETAIL = 400


@dataclass(frozen=True)
class GuardResult:
    """The pack's result for one template and one file of rules: the binding's output, or why there is none."""

    rules: str
    template: str
    output: str = ""
    problem: str = ""


def plain(node: Node) -> Any:
    """Return a template as plain data with functions in their long forms, as cfn-guard reads it."""
    if isinstance(node, MappingNode):
        return {key: _argument(key, value) for key, value in node.entries.items()}
    if isinstance(node, SequenceNode):
        return [plain(item) for item in node.items]
    return _scalar(node)


def _argument(key: str, value: Node) -> Any:
    if key == "Fn::GetAtt" and isinstance(value, ScalarNode):
        return value.text.split(".", 1)
    return plain(value)


def _scalar(node: ScalarNode) -> Any:
    if not node.plain:
        return node.text
    if node.is_null:
        return None
    if node.text in _BOOLEANS:
        return _BOOLEANS[node.text]
    if _INTEGER.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if _FLOAT.fullmatch(node.text) else node.text


def guard_report(
    results: Iterable[GuardResult], documents: Mapping[str, Document], settings: PolicySettings, today: date
) -> Report:
    """Turn the pack's results into a report; ``documents`` are the templates by path.

    Raises :class:`InvalidRegistration` if rules cannot be read: they are the operator's.
    """
    listed = list(results)
    problems = {(result.rules, result.problem): result.template for result in reversed(listed) if result.problem}
    if problems:
        raise InvalidRegistration(
            [f"{rules}: {_line(problem)} (with {path})" for (rules, problem), path in problems.items()]
        )
    reports = [_report(result, documents[result.template], settings, today) for result in listed]
    return Report().merged(*reports)


def _report(result: GuardResult, document: Document, settings: PolicySettings, today: date) -> Report:
    try:
        output = json.loads(result.output)
    except ValueError:
        return _truncated(result, settings, today)
    findings = [
        _finding(str(rule["name"]), violation, settings, today)
        for rule in [each["Rule"] for each in output["not_compliant"]]
        for violation in _violations(rule, document)
    ]
    names = [*output["compliant"], *output["not_applicable"], *(one["Rule"]["name"] for one in output["not_compliant"])]
    checked = ((result.template, tuple(GUARD + str(name) for name in names)),)
    return Report(tuple(dict.fromkeys(findings)), checked)


def _truncated(result: GuardResult, settings: PolicySettings, today: date) -> Report:
    """Report what is visible of a truncated output: the binding returns only the end of more than 8 KiB."""
    broken = '"Clause"' in result.output
    seen = sorted(set(_RESOURCE.findall(result.output)))
    detail = "the output is too long for the binding, so not every violation is listed"
    place = Location(result.template, ", ".join(seen) or result.template, "", 0, 0)
    violation = Violation(Verdict.FAIL if broken else Verdict.REVIEW, place, detail)
    finding = _finding(result.rules, violation, settings, today)
    return Report((finding,), ((result.template, (finding.policy,)),))


def guard_rule(name: str) -> PolicyCheck[None]:
    """Return a cfn-guard rule as a policy, ``guard:<name>``."""
    policy = Policy(
        title=f"The rule {name} is broken",
        severity=Severity.HIGH,
        why="The operator requires it.",
        fix="Do what the rule says, or have the operator waive it.",
        source="the operator's own rules",
    )
    return PolicyCheck(GUARD + name, policy, lambda subject, given: ())


def _finding(name: str, violation: Violation, settings: PolicySettings, today: date) -> Finding:
    return AppliedPolicy.of(guard_rule(name), settings, today).finding(violation, violation.place.resource)


def _violations(rule: Mapping[str, Any], document: Document) -> Iterator[Violation]:
    clauses = list(_clauses(rule["checks"]))
    if not clauses:
        yield Violation(Verdict.FAIL, Location(document.path, document.path, "", 1, 1), _message(rule.get("messages")))
    for clause in clauses:
        check = clause.get("check") or {}
        found = next(_located(check), {})
        path = str(found.get("path", ""))
        verdict = Verdict.REVIEW if _is_function(found.get("value")) and "UnResolved" not in check else Verdict.FAIL
        yield Violation(verdict, _place(path, document), _message(clause.get("messages")))


def _clauses(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every failed comparison, however deeply nested in blocks, alternatives and rules."""
    if isinstance(value, list):
        for item in value:
            yield from _clauses(item)
    elif isinstance(value, dict):
        if "context" in value and "check" in value:
            yield value
        else:
            for inner in value.values():
                yield from _clauses(inner)


def _located(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what a comparison examined: a path in the template and its value."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value
        for inner in value.values():
            yield from _located(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _located(item)


def _is_function(value: Any) -> bool:
    """Return whether a value is known only at deployment, so that comparing it means nothing."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def _place(path: str, document: Document) -> Location:
    keys = [key for key in path.split("/") if key]
    node: Node = document.root
    for key in keys:
        if isinstance(node, MappingNode) and key in node.entries:
            node = node.entries[key]
        elif isinstance(node, SequenceNode) and key.isdecimal() and int(key) < len(node.items):
            node = node.items[int(key)]
        else:
            break
    is_resource = keys[:1] == ["Resources"] and len(keys) > 1
    resource = keys[1] if is_resource else document.path
    return Location(document.path, resource, ".".join(keys[2:] if is_resource else keys), node.line, node.column)


def _message(messages: Any) -> str:
    given = messages or {}
    text = str(given.get("custom_message") or given.get("error_message") or "the rule gives no reason")
    return _line(text.replace(";", " ")).rstrip(".")


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[:_LONGEST_DETAIL]} ..."
