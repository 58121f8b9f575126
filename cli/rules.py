"""``belay validate --rules``: checks the same templates against an operator's own cfn-guard rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from belay.errors import BelayError, UnreadableTemplate
from belay.policy.guard import GuardResult, guard_report, plain
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.template.loader import load

EXTENSION = ".guard"
NEWEST_PYTHON = (3, 12)
"""The newest Python that the binding has wheels for."""
REQUIREMENTS = "packs/guard/check_rules/requirements.txt"


class MissingBindingError(BelayError):
    """The Python binding of cfn-guard is not installed; the message says how to install it."""


@dataclass(frozen=True)
class Rules:
    """Texts of rules by file, and a function that checks a template (path and JSON) against one (name and text)."""

    files: Mapping[str, str]
    check: Callable[[str, str, str, str], Mapping[str, str]]

    def report(self, files: Mapping[str, bytes], paths: Iterable[str], settings: PolicySettings, today: date) -> Report:
        """Check the templates at ``paths`` against every rule; raises ``InvalidRegistration`` for invalid rules."""
        documents = {path: load(files[path], path) for path in paths}
        data = {path: json.dumps(plain(document.root)) for path, document in documents.items()}
        answers = [
            GuardResult(**self.check(name, text, path, data[path]))
            for name, text in self.files.items()
            for path in data
        ]
        return guard_report(answers, documents, settings, today)


def read_rules(path: str) -> Rules:
    """Read a file of rules, or every ``*.guard`` under a folder.

    Raises :class:`UnreadableTemplate` if there are none, :class:`MissingBindingError` if they cannot be run.
    """
    given = Path(path)
    found = sorted(given.rglob(f"*{EXTENSION}")) if given.is_dir() else [given]
    if not found:
        raise UnreadableTemplate(f"{path}: expected files of cfn-guard rules (*{EXTENSION}), found none.")
    try:
        files = {str(file): file.read_text(encoding="utf-8") for file in found}
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableTemplate(f"{path}: expected a file of cfn-guard rules: {error}.") from error
    return Rules(files, _check())


def _check() -> Callable[[str, str, str, str], Mapping[str, str]]:
    try:
        # An optional dependency.
        from packs.guard.check_rules.comparison import check  # noqa: PLC0415
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "cfn_guard_rs":
            raise
        raise MissingBindingError(_how_to_install(sys.version_info[:2])) from error
    return check


def _how_to_install(python: tuple[int, ...]) -> str:
    newest, this = (".".join(map(str, version)) for version in (NEWEST_PYTHON, python))
    if python > NEWEST_PYTHON:
        return (
            f"--rules needs cfn-guard-rs, which has no wheels for Python versions above {newest}; this is {this}. "
            f"Install Belay for Python {newest} (make PYTHON=python{newest}) and run it there."
        )
    return (
        f"--rules needs cfn-guard-rs, which is not installed. Install it: {sys.executable} -m pip install "
        f"--require-hashes -r {REQUIREMENTS}, or, without a checkout, the extra belay[rules]."
    )
