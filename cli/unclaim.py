"""``belay unclaim NAME``: give up a stack that its stage no longer registers, so that another stage can claim it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from belay.aws.ssm import APPLICATIONS
from belay.release.stack_claim import StackClaim
from cli.account import Account, add_account_arguments
from cli.output import tell
from cli.problems import Refused
from cli.stacks import registered_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", metavar="NAME", help="its name in CloudFormation")
    add_account_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove the claim."""
    belay = Account.of(arguments)
    claim = to_give_up(arguments.name, belay.region, belay.ledger.stack_claims.every(), registered_in(belay))
    belay.ledger.stack_claims.free(claim)
    found = {"stack": claim.stack_name, "belonged_to": claim.owner}
    tell(arguments, found, [f"{claim.stack_name} no longer belongs to {claim.owner}: the next release claims it"])
    return 0


def to_give_up(
    name: str, region: str, claims: Mapping[str, StackClaim], registered: Sequence[StackClaim]
) -> StackClaim:
    """Return the claim on a stack. Raises ``Refused`` if there is none, or its stage still registers the stack."""
    claim = next((each for each in claims.values() if (each.stack_name, each.region) == (name, region)), None)
    if claim is None:
        raise Refused(f"{name} belongs to no stage in {region}; belay stacks lists the stacks that do")
    if (claim.key, claim.owner) in {(each.key, each.owner) for each in registered}:
        raise Refused(
            f"{name} belongs to {claim.owner}, which registers it: its next release would claim it again. First "
            f"remove it from {APPLICATIONS}{claim.owner}"
        )
    return claim
