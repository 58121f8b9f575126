"""Checks a release's templates for what cannot be deployed, and against the operator's own cfn-guard rules."""

from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256

from belay.aws.template_validator import StoredTemplate, TemplateValidator
from belay.policy.settings import PolicySettings
from belay.policy.template_checks import known_parameters, templates_report
from belay.policy.verdict import Report
from belay.release.records import ReleaseReference
from belay.template.loader import load


class TemplateChecks:
    """The checks by cloudformation-validate, which has its own function."""

    def __init__(self, validator: TemplateValidator, bucket: str) -> None:
        self._validator = validator
        self._bucket = bucket

    def check(
        self,
        release: ReleaseReference,
        files: Mapping[str, bytes],
        templates: Iterable[tuple[str, Mapping[str, str]]],
        settings: PolicySettings,
        today: date,
    ) -> Report:
        """Check templates by their paths, each with its known parameter values that are not secret.

        Raises ``InvalidRegistration`` if the operator's rules cannot be read, ``AwsFault`` if the function fails.
        """
        documents, stored = {}, []
        for path, values in templates:
            documents[path] = load(files[path], path)
            shown = known_parameters(documents[path], values)
            stored.append(StoredTemplate(path, release.member_key(path), sha256(files[path]).hexdigest(), shown))
        answers = self._validator.check(self._bucket, stored, settings.guard_rules)
        return templates_report(answers, documents, settings, today)
