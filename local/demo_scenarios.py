"""The releases that the demo uploads, in order, with their expected outcomes."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Scenario:
    """One release of an example application, and its expected outcome.

    ``tells`` is a sentence for the reader; ``answers`` is a person's decision on its recovery's questions, ``chooses``
    the number of the choice that a person takes of what is left to do. With a ``pipeline`` no release is uploaded: that
    pipeline changes what the release has deployed, and fails. ``asks`` is true if production's registration requires an
    approval; ``stuck`` is a stack and a resource of it that cannot be rolled back, ``cancels`` a stack whose update a
    person cancels. ``counts`` is by how many orders production's database then differs from before the release: once it
    was ``changed``, ``after`` all, and in the one that was ``replaced``. ``registers`` is true if the operator lets an
    executor change that database from now on, ``copies`` if changes are forecast on a copy of it. A ``synthesised``
    release is built from a CDK application's assembly; one ``elsewhere`` has a stage in another account and region.
    ``fails`` is a stack and a resource of it that cannot be updated; once it ended, a person reads about it. With
    ``loses`` the region of the stage eu is lost once the release is deployed, and eu is brought back in another one.
    ``after`` names the scenarios that this one builds on.
    """

    name: str
    application: str
    version: str
    expected: str
    tells: str
    answers: str | None = None
    chooses: int | None = None
    pipeline: str | None = None
    asks: bool = False
    stuck: tuple[str, str] | None = None
    cancels: str | None = None
    counts: Mapping[str, int] | None = None
    registers: bool = False
    copies: bool = False
    synthesised: bool = False
    elsewhere: bool = False
    fails: tuple[str, str] | None = None
    loses: bool = False
    after: tuple[str, ...] = ("good",)


_EXECUTOR: Final = "good-after"
"""The scenario from which on an executor changes the database."""

_ELSEWHERE: Final = "other-account"
_REGIONS: Final = "two-regions"

SCENARIOS: Final = (
    Scenario(
        "good",
        "orders",
        "1.0.0",
        "DEPLOYED",
        "A good release: first into stacks of its own in test, then into production.",
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
        "A custom resource opens a group without any template showing it: found in the live group in test.",
    ),
    Scenario(
        "failed-update",
        "orders",
        "1.3.0",
        "ROLLED_BACK",
        "Production updates its first stack and fails in the second: both are rolled back.",
    ),
    Scenario(
        _EXECUTOR,
        "orders",
        "1.4.0",
        "DEPLOYED",
        "A good release again, after the failed one. From now on an executor applies the changes of production's "
        "database, beginning with those of the earlier releases.",
        registers=True,
    ),
    Scenario(
        "index-too-wide",
        "orders",
        "1.4.2",
        "REJECTED",
        "A database change makes an index over four columns: refused before anything changes, with file, line and fix.",
    ),
    Scenario(
        "undo",
        "orders",
        "1.8.0",
        "ROLLED_BACK",
        "A release fails in production after its database change was applied: the change is undone by its own script, "
        "and what was written meanwhile is still there.",
        counts={"changed": 0, "after": 1},
        after=("good", _EXECUTOR),
    ),
    Scenario(
        "forecast-fails",
        "orders",
        "1.4.3",
        "REJECTED",
        "A database change requires what some rows of production do not have: found on a copy of its database, before "
        "anything changes.",
        copies=True,
        after=("good", _EXECUTOR, "undo"),
    ),
    Scenario(
        "pipeline-failure",
        "orders",
        "1.4.0",
        "ROLLED_BACK",
        "A team's own pipeline updates a stack of production and fails in CodeDeploy: explained and rolled back.",
        pipeline="orders-pipeline",
    ),
    Scenario(
        "stuck-rollback",
        "orders",
        "1.6.0",
        "ROLLED_BACK",
        "A release fails in production, and CloudFormation's rollback fails every time, too: Belay continues it "
        "without the resource it is stuck on, finds how that resource differs and restores it. No person is needed.",
        stuck=("orders-production-service", "Logs"),
    ),
    Scenario(
        "cancelled-by-hand",
        "orders",
        "1.6.1",
        "ROLLED_BACK",
        "A person cancels production's update in CloudFormation's console while it runs: told as what it was, so "
        "nobody looks for a cause.",
        cancels="orders-production-service",
    ),
    Scenario(
        "left-to-person",
        "orders",
        "1.7.0",
        "NEEDS_OPERATOR",
        "A release fails in production, and CloudFormation's rollback gets stuck on the database: a person does not "
        "allow continuing without it, takes on the incident, takes one of its choices once the cause is fixed, and "
        "closes it.",
        answers="reject",
        chooses=1,
        stuck=("orders-production-service", "Database"),
    ),
    Scenario(
        "approval",
        "orders",
        "1.4.1",
        "DEPLOYED",
        "Production requires an approval: a person reads what would change and approves it with belay approve.",
        asks=True,
    ),
    Scenario(
        "database-rollback",
        "orders",
        "1.5.0",
        "ROLLED_BACK",
        "A release that changes the database fails in production: a person approves the restore, the restored "
        "database gets its name, the replaced one is kept with what was written since, and the service is stopped and "
        "started again.",
        answers="approve",
        counts={"changed": -2, "after": 0, "replaced": -1},
        after=("good", _EXECUTOR),
    ),
    Scenario(
        "from-cdk",
        "orders-cdk",
        "1.0.0",
        "DEPLOYED",
        "A CDK application, built from what it synthesised: two stacks, one of which nests another, and their assets.",
        synthesised=True,
        after=(),
    ),
    Scenario(
        _ELSEWHERE,
        "orders",
        "1.0.0",
        "DEPLOYED",
        "Production lies in another account and region, where Belay has six roles: a good release, with permissions "
        "enforced.",
        elsewhere=True,
        after=(),
    ),
    Scenario(
        "other-account-fails",
        "orders",
        "1.3.0",
        "ROLLED_BACK",
        "A release fails in the other account: the event of its stack is forwarded, and both stacks are rolled back.",
        elsewhere=True,
        after=(_ELSEWHERE,),
    ),
    Scenario(
        _REGIONS,
        "catalogue",
        "1.0.0",
        "DEPLOYED",
        "Two regions, each in an account of its own, are deployed side by side: a wave of stages.",
        elsewhere=True,
        after=(),
    ),
    Scenario(
        "waves",
        "catalogue",
        "1.1.0",
        "ROLLED_BACK",
        "One region of a wave fails and is rolled back. The other one is deployed and keeps the release: the messages "
        "and belay show tell what each region runs.",
        elsewhere=True,
        fails=("catalogue-eu-service", "Changed"),
        after=(_REGIONS,),
    ),
    Scenario(
        "lost-region",
        "catalogue",
        "1.2.0",
        "DEPLOYED",
        "A release is deployed to both regions, and the snapshot taken before goes to a vault in a third account. Then "
        "a region is lost with its database: the release is deployed in another region, and the database comes back "
        "from the vault.",
        elsewhere=True,
        loses=True,
        after=(_REGIONS,),
    ),
)


class UnknownScenarioError(ValueError):
    """There is no scenario of this name; the message lists those that there are."""


def chosen(names: str | None) -> tuple[Scenario, ...]:
    """Return the scenarios of these names, separated by commas, in the demo's order; all without names.

    Those that they build on are played, too. Raises ``UnknownScenarioError``.
    """
    wanted = {scenario.name for scenario in SCENARIOS} if names is None else {each.strip() for each in names.split(",")}
    unknown = wanted - {scenario.name for scenario in SCENARIOS}
    if unknown:
        known = ", ".join(scenario.name for scenario in SCENARIOS)
        raise UnknownScenarioError(f"expected names of scenarios ({known}), found {', '.join(sorted(unknown))}")
    return _with_earlier(wanted)


def side_by_side(scenarios: Sequence[Scenario]) -> tuple[tuple[Scenario, ...], ...]:
    """Divide scenarios into groups, one per engine: those with a stage elsewhere are played beside the others."""
    at_home = tuple(scenario for scenario in scenarios if not scenario.elsewhere)
    elsewhere = tuple(scenario for scenario in scenarios if scenario.elsewhere)
    return tuple(group for group in (at_home, elsewhere) if group)


def _with_earlier(names: Set[str]) -> tuple[Scenario, ...]:
    needed = {name for scenario in SCENARIOS if scenario.name in names for name in scenario.after}
    return tuple(scenario for scenario in SCENARIOS if scenario.name in names | needed)
