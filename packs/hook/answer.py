"""The Hook's result: the operation may continue, with or without a warning, or it violates policies."""

from dataclasses import dataclass
from typing import Any, Final

from belay.policy.verdict import Finding, Report, Verdict

_LONGEST: Final = 4096
"""Characters of a message that CloudFormation keeps."""
_MOST: Final = 50
"""Findings that become annotations."""


@dataclass(frozen=True)
class HookAnswer:
    """One result; ``holds`` means FAILED, which warns or stops the operation according to the Hook's FailureMode."""

    holds: bool
    message: str
    findings: tuple[Finding, ...] = ()

    def to_response(self, token: str) -> dict[str, Any]:
        """Return the response that CloudFormation expects."""
        response: dict[str, Any] = {
            "hookStatus": "FAILED" if self.holds else "SUCCESS",
            "message": self.message if len(self.message) <= _LONGEST else f"{self.message[: _LONGEST - 4]} ...",
            "clientRequestToken": token,
        }
        if self.holds:
            response["errorCode"] = "NonCompliant"
        if self.findings:
            response["annotations"] = [_annotation(each) for each in self.findings[:_MOST]]
        return response


def of_report(report: Report, *, undecided_holds: bool) -> HookAnswer:
    """Return the result for a report; undecided warns, unless the setting says that it holds."""
    counted = tuple(each for each in report.findings if each.counts)
    if report.verdict is Verdict.PASS:
        return HookAnswer(False, "Belay's policies are kept.")
    holds = report.verdict is Verdict.FAIL or undecided_holds
    said = "; ".join(f"{each.verdict} {each.policy} at {each.resource}: {each.message}" for each in counted)
    what = "violated" if report.verdict is Verdict.FAIL else "undecided"
    return HookAnswer(holds, f"{'' if holds else 'Warning: '}Belay's policies are {what}: {said}", counted)


def undecided(why: str, *, holds: bool) -> HookAnswer:
    """Return the result for a template that cannot be checked, for a reason in the template itself."""
    return HookAnswer(holds, f"{'' if holds else 'Warning: '}Belay's policies are undecided: {why}")


def passed_over(why: str) -> HookAnswer:
    """Return the result for an operation that is not checked."""
    return HookAnswer(False, f"Not judged by Belay: {why}.")


def _annotation(finding: Finding) -> dict[str, str]:
    return {
        "annotationName": finding.policy,
        "status": "FAILED" if finding.verdict is Verdict.FAIL else "SKIPPED",
        "statusMessage": f"{finding.resource}: {finding.message}",
        "remediationMessage": finding.fix or "Ask the operators of Belay.",
        "severityLevel": finding.severity.upper(),
    }
