"""The releases that the demo uploads, one after the other, and how each should end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Scenario:
    """One release of an example application, and the outcome it should have.

    ``tells`` is a sentence for the reader; ``approves`` says that a person answers yes to what its recovery asks. With
    a ``pipeline`` no release is uploaded: that pipeline changes what the release has deployed, and fails.
    ``asks`` says that production is registered to ask for the release's approval; ``stuck`` names a stack and a
    resource of it that fails every time a rollback would bring it back.
    """

    name: str
    application: str
    version: str
    expected: str
    tells: str
    approves: bool = False
    pipeline: str | None = None
    asks: bool = False
    stuck: tuple[str, str] | None = None


SCENARIOS: Final = (
    Scenario(
        "good",
        "orders",
        "1.0.0",
        "DEPLOYED",
        "A good release: through stacks of its own in test, then into production.",
    ),
    Scenario(
        "open-ssh",
        "orders",
        "1.1.0",
        "REJECTED",
        "A template opens SSH to the world: refused before anything changes.",
    ),
    Scenario(
        "opened-live",
        "orders",
        "1.2.0",
        "REJECTED",
        "A custom resource opens a group, where no template shows it: found in test, in the live group.",
    ),
    Scenario(
        "failed-update",
        "orders",
        "1.3.0",
        "ROLLED_BACK",
        "Production updates its first stack and fails in the second: both are taken back.",
    ),
    Scenario(
        "good-after",
        "orders",
        "1.4.0",
        "DEPLOYED",
        "A good release again, onto what the failed one left.",
    ),
    Scenario(
        "pipeline-failure",
        "orders",
        "1.4.0",
        "ROLLED_BACK",
        "A team's own pipeline updates a stack of production and fails in CodeDeploy: explained and taken back.",
        pipeline="orders-pipeline",
    ),
    Scenario(
        "database-rollback",
        "orders",
        "1.5.0",
        "ROLLED_BACK",
        "A release that changes the database fails in production: a person allows its restore, the snapshot takes its "
        "name, what it replaces is kept, the service is stopped for it and started again.",
        approves=True,
    ),
    Scenario(
        "stuck-rollback",
        "orders",
        "1.6.0",
        "ROLLED_BACK",
        "A release fails in production, and so does CloudFormation's rollback, every time: Belay continues it without "
        "what it is stuck on, finds how that differs and brings it back. No person is needed.",
        stuck=("orders-production-service", "Logs"),
    ),
    Scenario(
        "approval",
        "orders",
        "1.4.1",
        "DEPLOYED",
        "Production asks for an approval first; somebody reads what would change and gives it with belay approve.",
        asks=True,
    ),
)
