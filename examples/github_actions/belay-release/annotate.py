"""Shows what ``belay validate`` found in a release's zip where GitHub shows it: as annotations of the files' lines.

``annotate.py ZIP DIRECTORY REPORT SARIF`` prints a workflow command for each finding of the JSON report
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands), and names the files in the SARIF
log by their paths in the repository, as code scanning wants them.
"""

import json
import sys
from pathlib import Path
from typing import Any


def main(archive: str, directory: str, report: Path, sarif: Path) -> None:
    """Print the annotations and rewrite the SARIF log."""
    found = json.loads(report.read_text())
    for finding in found["findings"]:
        if finding["waiver"] is None:
            level = "error" if finding["verdict"] == "FAIL" and finding["blocking"] else "warning"
            place = {"file": in_repository(finding["path"], archive, directory), "line": max(finding["line"], 1)}
            tell(level, f"{finding['message']} {finding['fix']}", **place, title=finding["policy"])
    for error in found["errors"]:
        tell("error", error["message"], file=in_repository(error["path"], archive, directory))
    sarif.write_text(json.dumps(renamed(json.loads(sarif.read_text()), archive, directory)))


def tell(level: str, message: str, **properties: object) -> None:
    """Print a workflow command; a template's content cannot end it, or begin another."""
    told = ",".join(f"{name}={escaped(str(value), ':,')}" for name, value in properties.items())
    sys.stdout.write(f"::{level} {told}::{escaped(message)}\n")


def escaped(text: str, more: str = "") -> str:
    """Escape a command's text, or one of its properties, as the runner unescapes it."""
    for character in f"%\r\n{more}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def in_repository(path: str, archive: str, directory: str) -> str:
    """Return a file's path in the repository: the zip's files are those of the release's directory."""
    inside = path.removeprefix(f"{archive}/")
    return path if inside == path else f"{directory.rstrip('/')}/{inside}"


def renamed(value: Any, archive: str, directory: str) -> Any:
    """Return a SARIF log whose locations are paths in the repository."""
    if isinstance(value, list):
        return [renamed(item, archive, directory) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: renamed(item, archive, directory) for key, item in value.items()}
    if isinstance(changed.get("uri"), str):
        changed["uri"] = in_repository(changed["uri"], archive, directory)
    return changed


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
