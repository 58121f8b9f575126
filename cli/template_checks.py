"""``belay validate``: checks templates for what cannot be deployed, and against an operator's own cfn-guard rules."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from belay.documents import read
from belay.errors import BelayError, UnreadableTemplate
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.template.loader import load

if TYPE_CHECKING:
    from packs.check_templates.validator import Validator

EXTENSION: Final = ".guard"
LARGEST: Final = 256 * 1024
"""The largest template, in bytes, that is checked here without rules: larger ones take seconds, so the gate does it."""
REQUIREMENTS: Final = "packs/check_templates/requirements.txt"


class MissingValidatorError(BelayError):
    """cloudformation-validate cannot be imported here; the message says what is not checked and what to do."""


@dataclass(frozen=True)
class LocalChecks:
    """The checks on this machine; with the operator's ``rules``, by file, templates of any size are checked."""

    rules: Mapping[str, str] | None

    def passed_over(self, files: Mapping[str, bytes], paths: tuple[str, ...]) -> list[str]:
        """Return the templates that are too large to check here."""
        return [path for path in paths if self.rules is None and len(files[path]) > LARGEST]

    def report(
        self,
        files: Mapping[str, bytes],
        templates: Mapping[str, Mapping[str, str]],
        settings: PolicySettings,
        today: date,
    ) -> Report:
        """Check templates by path, each with its known parameters; without a validator say so, once.

        Raises ``InvalidRegistration`` for invalid rules, :class:`MissingValidatorError` if rules cannot be checked.
        """
        if not templates or self._validator is None:
            return Report()
        # Imported only for templates that are checked here.
        from belay.policy.template_checks import TemplateAnswer, known_parameters, templates_report  # noqa: PLC0415

        documents = {path: load(files[path], path) for path in templates}
        answers = [
            self._validator.check(path, files[path], known_parameters(documents[path], values))
            for path, values in templates.items()
        ]
        return templates_report(
            [read(TemplateAnswer, each, "an answer") for each in answers], documents, settings, today
        )

    @cached_property
    def _validator(self) -> Validator | None:
        """The validator, made for the first template, since it takes longer than most templates."""
        try:
            return _validator(self.rules or {})
        except MissingValidatorError as missing:
            if self.rules is not None:
                raise
            print(f"belay validate: {missing}", file=sys.stderr)
            return None


def read_rules(path: str) -> dict[str, str]:
    """Return the texts of the rules by file. Raises :class:`UnreadableTemplate` if there are none."""
    given = Path(path)
    found = sorted(given.rglob(f"*{EXTENSION}")) if given.is_dir() else [given]
    if not found:
        raise UnreadableTemplate(f"{path}: expected files of cfn-guard rules (*{EXTENSION}), found none.")
    try:
        return {str(file): file.read_text(encoding="utf-8") for file in found}
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableTemplate(f"{path}: expected a file of cfn-guard rules: {error}.") from error


def _validator(rules: Mapping[str, str]) -> Validator:
    try:
        # cloudformation-validate has no wheel for every machine, and is only imported where there are templates.
        from packs.check_templates.validator import Validator  # noqa: PLC0415
    except (ImportError, OSError) as error:
        raise MissingValidatorError(
            f"cloudformation-validate cannot be used here ({error}), so templates are not checked for what cannot be "
            f"deployed, nor against cfn-guard rules. It needs glibc 2.34, macOS or Windows: {sys.executable} -m pip "
            f"install --require-hashes -r {REQUIREMENTS}, or, without a checkout, the extra belay[templates]."
        ) from error
    return Validator(rules)
