"""Checks a template with AWS's cloudformation-validate: what cannot be deployed, and an operator's cfn-guard rules.

The function and ``belay validate`` use it. https://github.com/aws-cloudformation/cloudformation-validate
"""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    DetailLevel,
    Diagnostic,
    ExternalRuleSource,
    PseudoParameterOverrides,
    ReportStatus,
    RuleFilterConfig,
    RuleOrigin,
    Severity,
    TemplateContent,
    ValidateConfig,
    ValidationError,
    ValidationReport,
)

GRAVEST_FIRST = (Severity.FATAL, Severity.ERROR, Severity.WARN)
PSEUDO_PARAMETERS = {
    "AWS::AccountId": "account_id",
    "AWS::Partition": "partition",
    "AWS::Region": "region",
    "AWS::StackName": "stack_name",
}
"""Those that affect the findings: a type may not exist in a region."""
ABSENT = "does not exist in '"
"""The finding for a type that is not in AWS's list of a region's types. Such lists have had gaps, so it is only an
ERROR (https://github.com/aws-cloudformation/cfn-lint/issues/1923, 1988, 1999).
"""
TOO_LARGE = "it is too large to examine everything"


class Validator:
    """The engine with the operator's rules by name; creating it takes half a second, a template milliseconds."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        self._problem = ""
        sources = [ExternalRuleSource(name=name, content=text) for name, text in rules.items()]
        try:
            self._engine = CompositeEngine(CompositeEngineConfig(guard_rules=sources))
        except ValidationError as error:
            self._problem = _message(error)
            return
        # The engine accepts a file without a rule, and then checks nothing with it.
        read = {rule.category for rule in self._engine.list_rules() if rule.origin is RuleOrigin.GUARD}
        empty = [name for name in rules if f"guard:{PurePosixPath(name).stem}" not in read]
        if empty:
            self._problem = f"{', '.join(empty)}: expected at least one rule, found none"

    def check(self, path: str, template: bytes, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Check one template with the values of its parameters, and of pseudo parameters, that are known.

        Returns the fields of ``belay.policy.template_checks.TemplateAnswer``.
        """
        answer: dict[str, Any] = {"template": path, "diagnostics": [], "rules": [], "unexamined": "", "problem": ""}
        if self._problem:
            return {**answer, "problem": self._problem}
        try:
            report = self._validated(path, template, parameters)
            absent = [each for each in report.diagnostics if ABSENT in each.message]
            if absent:
                # Nothing else is reported for a resource of such a type: check again without the region.
                anywhere = {name: value for name, value in parameters.items() if name != "AWS::Region"}
                report = self._validated(path, template, anywhere)
        except ValidationError as error:
            # Rules may parse and yet not evaluate; anything else is about the template, such as its encoding.
            said = _message(error)
            return {**answer, "problem" if said.startswith("Guard file") else "unexamined": said}
        found = sorted(report.diagnostics, key=lambda each: GRAVEST_FIRST.index(each.severity))
        return {
            **answer,
            "diagnostics": [
                *(_plain(each) for each in found),
                *({**_plain(each), "severity": Severity.ERROR.name} for each in absent),
            ],
            "rules": [rule.id for rule in self._engine.list_rules() if rule.origin is RuleOrigin.GUARD],
            "unexamined": TOO_LARGE if report.status is ReportStatus.ANALYSIS_INCOMPLETE else "",
        }

    def _validated(self, path: str, template: bytes, parameters: Mapping[str, str]) -> ValidationReport:
        config = ValidateConfig(
            exclude=RuleFilterConfig(categories=["Best Practice"]),
            detail_level=DetailLevel.STANDARD,
            severity_level=Severity.WARN,
            parameter_overrides={name: value for name, value in parameters.items() if not name.startswith("AWS::")},
            pseudo_parameter_overrides=PseudoParameterOverrides(
                **{PSEUDO_PARAMETERS[name]: value for name, value in parameters.items() if name in PSEUDO_PARAMETERS}
            ),
        )
        return self._engine.validate_template(TemplateContent(template, path), config)


def _message(error: ValidationError) -> str:
    return str(getattr(error, "msg", error))


def _plain(found: Diagnostic) -> dict[str, Any]:
    """Return the fields of ``belay.policy.template_checks.Diagnostic``."""
    return {
        "rule": found.rule_id,
        "severity": found.severity.name,
        "operators": found.source is RuleOrigin.GUARD,
        "message": found.message,
        "resource": found.entity.logical_id if found.entity else "",
        "resource_type": (found.entity.resource_type if found.entity else "") or "",
        "property": found.property_path or "",
        "line": found.start_line or 0,
        "column": found.start_column or 0,
        "fix": found.suggested_fix or "",
    }
