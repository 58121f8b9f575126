"""Undeployable templates, and the operator's own cfn-guard rules: turns findings in templates into a report.

AWS's cloudformation-validate finds both (``packs/check_templates/``).
https://docs.aws.amazon.com/cfn-guard/latest/ug/what-is-guard.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from belay.errors import InvalidRegistration
from belay.policy.applied import AppliedPolicy, PolicyCheck
from belay.policy.model import Location
from belay.policy.policies import Policy, Violation
from belay.policy.settings import GUARD, TEMPLATE, PolicySettings
from belay.policy.verdict import Finding, Report, Severity, Verdict
from belay.template.no_echo import secret_parameters
from belay.template.nodes import Document, MappingNode, Node, SequenceNode
from belay.template.values import READ_LATER

FATAL: Final = "FATAL"
SEVERITIES: Final = {FATAL: Severity.HIGH, "ERROR": Severity.MEDIUM, "WARN": Severity.LOW}
"""CloudFormation refuses what is FATAL; the rest is advice, unless the registration raises it."""

OUR_OWN: Final = frozenset(
    {"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}
)
"""The types that Belay's own policies check: for these, only references in their values are left to this check."""

_REFERENCES: Final = ("F1", "E1", "F6")
_EXPANDED: Final = ("AWS::LanguageExtensions", "AWS::Serverless-2016-10-31")
_UNKNOWN_TYPE: Final = "F3006"
_LONGEST_DETAIL: Final = 400


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding: its rule, severity, location and fix. ``operators`` says whose rule it is."""

    rule: str
    severity: str
    operators: bool
    message: str
    resource: str
    resource_type: str
    property: str
    line: int
    column: int
    fix: str


@dataclass(frozen=True, slots=True)
class TemplateAnswer:
    """The findings in one template, or the ``problem`` with the operator's ``rules``.

    ``unexamined`` says why not everything was examined, such as the template's size or encoding.
    """

    template: str
    diagnostics: tuple[Diagnostic, ...] = ()
    rules: tuple[str, ...] = ()
    unexamined: str = ""
    problem: str = ""


def known_parameters(document: Document, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a template's parameters that are known and not secret: findings may quote them.

    Pseudo parameters are among them; attributes of resources (``Network.Cidr``) are not.
    """
    secret = secret_parameters(document)
    return {
        name: value for name, value in values.items() if name not in secret and value != READ_LATER and "." not in name
    }


def templates_report(
    answers: Iterable[TemplateAnswer], documents: Mapping[str, Document], settings: PolicySettings, today: date
) -> Report:
    """Turn the findings into a report; ``documents`` are the templates by path.

    Raises :class:`InvalidRegistration` if rules cannot be read: they are the operator's.
    """
    listed = list(answers)
    problems = dict.fromkeys(answer.problem for answer in listed if answer.problem)
    if problems:
        raise InvalidRegistration([_line(problem) for problem in problems])
    return Report().merged(*(_report(answer, documents[answer.template], settings, today) for answer in listed))


def _report(answer: TemplateAnswer, document: Document, settings: PolicySettings, today: date) -> Report:
    found = [_finding(each, document, settings, today) for each in answer.diagnostics if _ours_to_tell(each)]
    if answer.unexamined:
        place = Location(document.path, document.path, "", 1, 1)
        violation = Violation(Verdict.REVIEW, place, _line(answer.unexamined))
        found.append(AppliedPolicy.of(_UNFINISHED, settings, today).finding(violation, document.path))
    shown = [each for each in found if each.policy not in settings.disabled and (each.blocking or settings.advice)]
    return Report(tuple(dict.fromkeys(shown)), ((document.path, tuple(GUARD + rule for rule in answer.rules)),))


def _ours_to_tell(found: Diagnostic) -> bool:
    if found.operators:
        return True
    if found.rule == _UNKNOWN_TYPE and not found.resource_type.startswith("AWS::"):
        # Types of the account's own registry are unknown to AWS's schemas.
        return False
    return found.resource_type not in OUR_OWN or found.rule.startswith(_REFERENCES)


def guard_rule(name: str) -> PolicyCheck[None]:
    """Return a cfn-guard rule as a policy, ``guard:<name>``."""
    policy = Policy(
        title=f"The rule {name} is broken",
        severity=Severity.HIGH,
        why="The operator requires it.",
        fix="Do what the rule says, or have the operator waive it.",
        source="the operator's own rules",
    )
    return PolicyCheck(GUARD + name, policy, _unchecked)


def template_rule(name: str, severity: Severity = Severity.HIGH, fix: str = "") -> PolicyCheck[None]:
    """Return a rule of cloudformation-validate as a policy, ``template:<name>``."""
    fatal = severity is Severity.HIGH
    policy = Policy(
        title="CloudFormation refuses this template" if fatal else "This template may not do what it should",
        severity=severity,
        why="The deployment would fail." if fatal else "The deployment may fail, or deploy something else.",
        fix=f"{fix.rstrip('.')}." if fix else "Correct the template.",
        source=f"cloudformation-validate {name}",
    )
    return PolicyCheck(TEMPLATE + name, policy, _unchecked)


def named_rule(slug: str) -> PolicyCheck[None] | None:
    """Return the policy of a rule that is not Belay's own, by its slug; None for one of Belay's."""
    for prefix, rule in ((GUARD, guard_rule), (TEMPLATE, template_rule)):
        if slug.startswith(prefix):
            return rule(slug.removeprefix(prefix))
    return None


def _unchecked(_: None, __: PolicySettings) -> Iterator[Violation]:
    yield from ()


_UNFINISHED: Final = template_rule("unfinished", Severity.LOW)


def _finding(found: Diagnostic, document: Document, settings: PolicySettings, today: date) -> Finding:
    rule = (
        guard_rule(found.rule) if found.operators else template_rule(found.rule, SEVERITIES[found.severity], found.fix)
    )
    path = [key for key in found.property.split(".") if key]
    whole = ["Resources", found.resource, *path] if found.resource_type else path
    node, rest = _reached(document.root, whole)
    place = Location(document.path, found.resource or document.path, found.property, found.line, found.column)
    if not rest and path:
        place = Location(place.path, place.resource, place.property, node.line, node.column)
    certain = not _is_function(node) if found.operators else not _macros(document)
    violation = Violation(Verdict.FAIL if certain else Verdict.REVIEW, place, _line(found.message).rstrip("."))
    return AppliedPolicy.of(rule, settings, today).finding(violation, place.resource)


def _reached(node: Node, path: list[str]) -> tuple[Node, list[str]]:
    """Follow a path from a node; return where it ends in the template, and the rest of the path that does not exist."""
    for number, key in enumerate(path):
        if isinstance(node, MappingNode) and key in node.entries:
            node = node.entries[key]
        elif isinstance(node, SequenceNode) and key.isdecimal() and int(key) < len(node.items):
            node = node.items[int(key)]
        else:
            return node, path[number:]
    return node, []


def _is_function(node: Node) -> bool:
    """Whether a value is known only at deployment, so that comparing it is meaningless."""
    if not isinstance(node, MappingNode) or len(node.entries) != 1:
        return False
    return next(iter(node.entries)).startswith(("Ref", "Fn::"))


def _macros(document: Document) -> bool:
    """Whether a macro of the account may still transform the template."""
    transform = document.root.entries.get("Transform")
    if transform is None:
        return False
    named = transform.items if isinstance(transform, SequenceNode) else (transform,)
    return any(getattr(each, "text", "") not in _EXPANDED for each in named)


def _line(text: str) -> str:
    line = " ".join(text.replace(";", " ").split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[:_LONGEST_DETAIL]} ..."
