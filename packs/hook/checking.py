"""What cannot be deployed, and the operator's cfn-guard rules: the gate's other half, for one template."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import sha256

from belay.aws.s3 import ArtifactBucket
from belay.documents import read
from belay.errors import InvalidRegistration
from belay.policy.settings import PolicySettings
from belay.policy.template_checks import TemplateAnswer, known_parameters, templates_report
from belay.policy.verdict import Report
from belay.template.loader import load
from packs.check_templates.validator import Validator


@dataclass(frozen=True)
class TemplateRules:
    """Checks a template as ``control.template_checks`` does, in this process: the template is in no bucket."""

    artifacts: ArtifactBucket

    def report(
        self, path: str, template: bytes, values: Mapping[str, str], settings: PolicySettings, today: date
    ) -> Report:
        """Check a template with the values of its parameters that are known.

        Raises ``UnreadableTemplate``, and ``InvalidRegistration`` if a rule is not what was registered.
        """
        document = load(template, path)
        rules = tuple((key, self._rule(key, digest)) for key, digest in settings.guard_rules.items())
        answer = _validator(rules).check(path, template, known_parameters(document, values))
        return templates_report([read(TemplateAnswer, answer, "an answer")], {path: document}, settings, today)

    def _rule(self, key: str, digest: str) -> str:
        data = self.artifacts.get_bytes(key)
        if data is None or sha256(data).hexdigest() != digest:
            raise InvalidRegistration([f"{key}: expected rules with the SHA-256 {digest}, found others or none"])
        return data.decode()


@lru_cache(maxsize=8)
def _validator(rules: tuple[tuple[str, str], ...]) -> Validator:
    """Return the engine with these rules, which takes half a second to create; cached for later invocations."""
    return Validator(dict(rules))
