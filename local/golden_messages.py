"""Writes the messages of the demo's scenarios as text files, to be read and compared: ``make golden``.

``python -m local.golden_messages`` writes ``tests/golden/messages/<scenario>/<nn>-<kind>.txt`` from the demo's report,
``build/demo.json``. Anything that differs from run to run is replaced by a placeholder.
"""

import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from local.engine import ROOT

DIRECTORY: Final = ROOT / "tests" / "golden" / "messages"
REPORT: Final = ROOT / "build" / "demo.json"

_SHOWN: Final = ("kind", "severity", "state", "outcome", "stage")

_VOLATILE: Final = (
    (r"\d{4}-\d\d-\d\d([T ])\d\d:\d\d(:\d\d(\.\d+)?)?( ?(UTC|Z|[+-]\d\d:\d\d))?", "<time>"),
    (r"\b\d{4}-\d\d-\d\d\b", "<date>"),
    (r"-belay-(restored|replaced)-[0-9a-f]{8}\b", r"-belay-\1-<id>"),
    (r"(secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/!-]+)-[A-Za-z0-9]{6}\b", r"\1-<id>"),
    (r"loses (?:less than a minute|\d+ minutes?) of writes", "loses <duration> of writes"),
    (r"\bat \d\d:\d\d:\d\d UTC", "at <time>"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"\b(sg|sgr|vpc|subnet|eni|rtb|vpce|acl|pl|i)-[0-9a-f]{8,}", r"\1-<id>"),
    (r"\b(belay(?:-demo)?)-([A-Za-z]+)-?[0-9A-Fa-f]{13}\b", r"\1-\2-<id>"),
    (r"\b(belay-(?:restored|replaced))-[0-9a-f]{8}\b", r"\1-<id>"),
    (r"(:secret:rds!db-<uuid>)-\w{6}\b", r"\1-<id>"),
    (r"\b[0-9a-f]{12,64}\b", "<digits>"),
    (r"(?<=-)\d{10,}\b", "<number>"),
    (r"(?:[\w-]+ \()?\b([\w-]+)\)? is (?:UPDATE_)?ROLLBACK_(?:IN_PROGRESS|COMPLETE|FAILED)\b", r"\1 is <rolling back>"),
    (r"https?://127\.0\.0\.1:\d+", "<endpoint>"),
    (r", about (?:less than a second|\d+ (?:second|minute)s?)(?=\))", ""),
    (r" \((?:less than a second|\d+ (?:second|minute)s?)\)", " (<duration>)"),
    (r"\babout \d+ (second|minute|hour|day)s?", r"about <number> \1s"),
    (r"(?m)^(What is being done\n)(?:  .*\n)+", r"\1  <the plan as it was first made>\n"),
)
"""Patterns and their replacements, in order.

The progress of CloudFormation's rollback depends on whether the state machine or the event sees the failure first, and
so does what the first plan has to do about the stacks.
"""


def normalised(text: str) -> str:
    """Return a message's text with times, ids, digests and addresses replaced by placeholders."""
    for pattern, replacement in _VOLATILE:
        text = re.sub(pattern, replacement, text)
    return text


def files(report: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the golden files of a demo's report by their path in the directory, each with its normalised text."""
    found = {}
    for scenario in report:
        for number, message in enumerate(scenario["messages"], start=1):
            attributes = message["attributes"]
            shown = " ".join(f"{name}={attributes[name]}" for name in _SHOWN if name in attributes)
            path = f"{scenario['scenario']}/{number:02}-{attributes.get('kind', 'alarm')}.txt"
            found[path] = normalised(f"Subject: {message['subject']}\nAttributes: {shown}\n\n{message['text']}")
    return found


def main() -> int:
    """Write the files and delete those of messages that no longer exist."""
    if not REPORT.exists():
        print(f"{REPORT} does not exist: make demo writes it", file=sys.stderr)
        return 1
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    for path, text in files(json.loads(REPORT.read_text())).items():
        file = DIRECTORY / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    print(f"written to {DIRECTORY.relative_to(ROOT)}; git diff shows what changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
