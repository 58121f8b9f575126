"""The static gate: checks every template of a release against the policies, with the values of each stage."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from belay.aws.clock import now
from belay.control.reasons import Reasons
from belay.control.static_gate import StaticGate
from belay.control.template_checks import TemplateChecks
from belay.home import own_home
from belay.release.records import ReleaseReference
from belay.settings import read


@dataclass(frozen=True)
class Settings:
    """Environment variables."""

    check_templates_function_arn: str


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return the verdict of each stage, and whether they refuse the release."""
    home, settings = own_home(), read(Settings)
    templates = TemplateChecks(home.aws.template_validator(settings.check_templates_function_arn), home.artifacts.name)
    release = ReleaseReference.from_dict(event["release"])
    gated = StaticGate(home.ledger, home.artifacts, templates, home.aws.region).check(release, now().date())
    reason = None if gated.refusal is None else Reasons(home.artifacts, release).keep(gated.refusal)
    return {"verdicts": dict(gated.verdicts), "refused": reason is not None, "reason": reason}
