"""Compares Belay's verdicts with the expectations in other scanners' own test suites.

    .venv/bin/python benchmarks/verdicts.py FOLDER

FOLDER holds ``labelled/manifest.json``: ``{"cases": [{"source", "template", "expectations": [{"policy", "source_rule",
"scope": "template" or "resource", "resource", "verdict": "FAIL", "PASS" or "SKIP"}]}]}``, with templates relative to
FOLDER. Precision and recall of FAIL are printed twice: as they are, and without the differences that
docs/policy-sources.md lists with their reasons. The command fails when one of the latter is below 0.98, or when Belay
says PASS where a source says FAIL.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "belay")]

from belay.errors import UnreadableTemplate  # noqa: E402 - the two lines above find the rest
from belay.policy.gate import check_template  # noqa: E402
from belay.policy.settings import PolicySettings  # noqa: E402
from belay.policy.verdict import Report, Verdict, combine  # noqa: E402

GOAL = 0.98
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Difference:
    """A row of docs/policy-sources.md: which verdicts of which rule, on templates that contain ``sign``."""

    source: str
    rule: str
    theirs: str
    ours: str
    sign: str

    def explains(self, one: "Compared") -> bool:
        """Return whether this explains why the two verdicts differ."""
        return (
            self.source == one.source
            and bool(re.fullmatch(self.rule, one.rule))
            and bool(re.fullmatch(self.theirs, one.theirs))
            and self.ours == one.ours
            and bool(re.search(self.sign, one.text))
        )


DIFFERENCES = (
    Difference("regula", "cfn_vpc_ingress_22", "PASS", "FAIL", r"IpProtocol: ['\"]?-1"),
    Difference("guard-rules-registry", "INCOMING_SSH_DISABLED", "SKIP|PASS", "REVIEW", r'"IpProtocol\\""'),
    Difference("guard-rules-registry", "INCOMING_SSH_DISABLED", "SKIP", "FAIL", "65535"),
    Difference("guard-rules-registry", ".*", "SKIP", "FAIL", "SuppressedRules|rules_to_suppress"),
    Difference("checkov", "CKV_AWS_2[45]", "PASS", "REVIEW", r"Ref['\"]?:? ['\"]?SSHLocation"),
    Difference("checkov", "CKV_AWS_23", "PASS", "REVIEW", "SecurityGroupIngress: None"),
)


@dataclass(frozen=True)
class Compared:
    """One expectation of a source, with Belay's verdict."""

    source: str
    rule: str
    policy: str
    template: str
    text: str
    theirs: str
    ours: str


def compared(folder: Path) -> Iterator[Compared]:
    """Yield every expectation with Belay's verdict."""
    for case in json.loads((folder / "labelled" / "manifest.json").read_text())["cases"]:
        path = folder / case["template"]
        report = checked(path)
        for expected in case["expectations"]:
            yield Compared(
                source=case["source"],
                rule=expected["source_rule"],
                policy=expected["policy"],
                template=case["template"],
                text=path.read_text(errors="replace"),
                theirs=expected["verdict"],
                ours=UNREADABLE if report is None else verdict(report, expected),
            )


def checked(path: Path) -> Report | None:
    """Check one template by itself, with any parameters; ``None`` if it is not a template."""
    try:
        return check_template(
            {path.name: path.read_bytes()}, path.name, {}, PolicySettings(), date(2026, 1, 1), defaults_apply=False
        )
    except UnreadableTemplate:
        return None


def verdict(report: Report, expected: dict[str, Any]) -> str:
    """Return Belay's verdict on a template, or on one resource; a standalone rule also belongs to its group."""
    found = [finding for finding in report.findings if finding.policy == expected["policy"]]
    if expected["scope"] == "resource":
        found = [finding for finding in found if expected["resource"] in (finding.resource, finding.group)]
    return str(combine(finding.verdict for finding in found))


def shares(every: list[Compared]) -> tuple[float, float]:
    """Return precision and recall of FAIL."""
    both = sum(one.ours == one.theirs == Verdict.FAIL for one in every)
    ours = sum(one.ours == Verdict.FAIL for one in every)
    theirs = sum(one.theirs == Verdict.FAIL for one in every)
    return both / ours if ours else 1.0, both / theirs if theirs else 1.0


def main() -> int:
    """Compare, print, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    every = list(compared(parser.parse_args().folder))
    explained = {row: [one for one in every if row.explains(one)] for row in DIFFERENCES}
    rest = [one for one in every if not any(one in found for found in explained.values())]
    for (theirs, ours), count in sorted(Counter((one.theirs, one.ours) for one in every).items()):
        print(f"{theirs:>5} by the source, {ours:<10} here: {count}")
    for row, found in explained.items():
        print(f"{len(found):>3} explained: {row.source} {row.rule} {row.theirs}, here {row.ours}")
    for one in rest:
        if one.ours != one.theirs and (Verdict.FAIL in (one.ours, one.theirs) or one.theirs == Verdict.PASS):
            print(f"not explained: {one.template}: {one.rule} {one.theirs}, here {one.policy} {one.ours}")
    print("as they are:             precision {:.3f}, recall {:.3f}".format(*shares(every)))
    print("without the differences: precision {:.3f}, recall {:.3f}".format(*shares(rest)))
    missed = [one for one in every if one.theirs == Verdict.FAIL and one.ours == Verdict.PASS]
    return 0 if min(shares(rest)) >= GOAL and not missed else 1


if __name__ == "__main__":
    sys.exit(main())
