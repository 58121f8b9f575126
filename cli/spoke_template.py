"""``belay spoke template --account ACCOUNT``: what an account, or a region in it, needs for stages, ready to deploy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from cli.account import Account, Where, calls_aws
from cli.naming import application_name
from cli.options import gathered
from cli.output import tell

TEMPLATES: Final = Path(__file__).parents[1] / "accounts"
_PARAMETER: Final = r"^(  {name}: \{{Type: \w+,)(?: Default: [^,]*,)?"


def account_id(text: str) -> str:
    """Read an account's id. Raises ``click.BadParameter``."""
    if not re.fullmatch(r"\d{12}", text):
        raise click.BadParameter(f"expected an account's id of twelve digits, found {text!r}")
    return text


@dataclass(frozen=True)
class Spoke:
    """What is asked for: the account, or a region in it, and what the account is for."""

    account: str
    in_region: str | None
    applications: tuple[str, ...]
    service_roles: tuple[str, ...]


_SPOKE: Final = gathered(
    "spoke",
    Spoke,
    click.option("--account", required=True, metavar="ID", type=account_id, help="the account that stages will lie in"),
    click.option("--in-region", metavar="REGION", help="print what the account needs once in this region, instead"),
    click.option(
        "--application",
        "applications",
        multiple=True,
        metavar="NAME",
        type=application_name,
        help="an application that Belay may deploy there; repeat it for several",
    ),
    click.option(
        "--service-role",
        "service_roles",
        multiple=True,
        metavar="ARN",
        help="a CloudFormation service role of that account, may end in *; default: those below the path /belay/",
    ),
)


@click.command()
@_SPOKE
@calls_aws
def command(spoke: Spoke, where: Where, output: str) -> int:
    """Print the template to deploy in another account, with everything filled in.

    Deploy it there with CAPABILITY_NAMED_IAM, or from a StackSet: every parameter has its value as its default. Without
    --in-region it is what the account needs once, with it what each region with stages needs.
    """
    belay = Account.of(where)
    partition, own = belay.caller().split(":")[1], belay.caller().split(":")[4]
    given = {"HubAccountId": own, "HubStackName": belay.stack}
    if spoke.in_region is not None:
        given |= {"HubRegion": belay.region}
    elif spoke.applications:
        roles = spoke.service_roles or (f"arn:{partition}:iam::{spoke.account}:role/belay/*",)
        given |= {"Applications": ",".join(spoke.applications), "ServiceRoleArns": ",".join(roles)}
    else:
        raise click.UsageError("expected --application NAME, once for each application of the account")
    name = "spoke_region" if spoke.in_region else "spoke_account"
    text = filled_in((TEMPLATES / f"{name}.yaml").read_text(), given)
    stack = f"belay-{name.replace('_', '-')}"
    found = {"account": spoke.account, "region": spoke.in_region, "stack": stack, "template": text}
    tell(output, found, text.splitlines())
    return 0


def filled_in(template: str, values: Mapping[str, str]) -> str:
    """Return the text of a template of ``accounts/`` with these defaults of its parameters."""
    for name, value in values.items():
        default = f" Default: {json.dumps(value)},"
        template, found = re.subn(
            _PARAMETER.format(name=name),
            lambda match, default=default: f"{match[1]}{default}",  # type: ignore[misc]
            template,
            flags=re.MULTILINE,
        )
        if found != 1:
            raise ValueError(f"expected one parameter {name} on a line of its own, found {found}")
    return template
