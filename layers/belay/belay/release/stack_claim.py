"""Which stage a stack belongs to: each stack in an account and region belongs to one stage of one application."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from belay.release.registration import Stage


@dataclass(frozen=True)
class StackClaim:
    """A stack and the stage it belongs to. ``since`` is ISO 8601 in UTC."""

    account: str
    region: str
    stack_name: str
    application: str
    stage: str
    since: str

    @property
    def key(self) -> str:
        """The identity of the stack: ``111122223333/eu-west-1/orders-network``."""
        return f"{self.account}/{self.region}/{self.stack_name}"

    @property
    def owner(self) -> str:
        """The stage it belongs to: ``orders/production``."""
        return f"{self.application}/{self.stage}"

    @property
    def in_words(self) -> str:
        """The stack and its owner, and since when."""
        return f"the stack {self.stack_name!r} has belonged to {self.owner} since {self.since[:19]}Z"


def claims_of(stage: Stage, region: str, now: str) -> list[StackClaim]:
    """Return the claims of a stage on its registered stacks; an ephemeral stage's stacks have other names.

    ``region`` is Belay's own.
    """
    if stage.ephemeral:
        return []
    return [
        StackClaim(stage.account, stage.region(region), stack.name, stage.application, stage.name, now)
        for stack in stage.stacks.values()
    ]


def shared(registered: Iterable[StackClaim], standing: Mapping[str, StackClaim]) -> dict[str, list[str]]:
    """Return the problems with stacks that several stages register, by stage (``orders/production``).

    ``standing`` are the claims in the ledger, by key. The stage that a stack belongs to has no problem; if no release
    has claimed it yet, that is the first by name.
    """
    by_key: dict[str, list[StackClaim]] = {}
    for each in sorted(registered, key=lambda claim: claim.owner):
        by_key.setdefault(each.key, []).append(each)
    problems: dict[str, list[str]] = {}
    for key, claims in by_key.items():
        owner = standing.get(key, claims[0]).owner
        others = [each for each in claims if each.owner != owner]
        for each in others if len(claims) > 1 else ():
            problem = f"the stack {each.stack_name!r} is registered for {owner}, too, and belongs to it"
            problems.setdefault(each.owner, []).append(problem)
    return problems


def refusal(wanted: StackClaim, standing: StackClaim) -> str:
    """Return why a release must not be deployed to a stack that belongs to another stage."""
    return (
        f"stage {wanted.stage}: {standing.in_words}, and two stages would deploy over each other. Register another "
        f"name; or, if it is to belong to {wanted.owner}, remove it from the registration of {standing.owner} and run: "
        f"belay unclaim {wanted.stack_name}"
    )
