"""``belay unclaim NAME``: give up a stack that its stage no longer registers, so that another stage can claim it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from belay.aws.ssm import APPLICATIONS
from belay.release.stack_claim import StackClaim
from cli.account import Account, Where, calls_aws
from cli.options import argument
from cli.output import tell
from cli.problems import Refused
from cli.stacks import registered_in


@click.command()
@argument("name", help="its name in CloudFormation, or ACCOUNT/REGION/NAME as belay stacks shows it")
@calls_aws
def command(name: str, where: Where, output: str) -> int:
    """Give up a stack that its stage no longer registers, so that another stage can claim it."""
    belay = Account.of(where)
    claim = to_give_up(name, belay.ledger.stack_claims.every(), registered_in(belay))
    belay.ledger.stack_claims.free(claim)
    found = {"stack": claim.stack_name, "belonged_to": claim.owner}
    tell(output, found, [f"{claim.stack_name} no longer belongs to {claim.owner}: the next release claims it"])
    return 0


def to_give_up(name: str, claims: Mapping[str, StackClaim], registered: Sequence[StackClaim]) -> StackClaim:
    """Return the claim on a stack, by its name or key.

    Raises ``Refused`` if there is none or several, or its stage still registers the stack.
    """
    found = [each for each in claims.values() if name in (each.stack_name, each.key)]
    if not found:
        raise Refused(f"{name} belongs to no stage; belay stacks lists the stacks that do")
    if len(found) > 1:
        raise Refused(f"there are several stacks {name}: say which of {', '.join(sorted(each.key for each in found))}")
    (claim,) = found
    if (claim.key, claim.owner) in {(each.key, each.owner) for each in registered}:
        raise Refused(
            f"{name} belongs to {claim.owner}, which registers it: its next release would claim it again. First "
            f"remove it from {APPLICATIONS}{claim.owner}"
        )
    return claim
