"""``belay spoke template --account ACCOUNT``: what an account, or a region in it, needs for stages, ready to deploy."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from belay.control.spokes import pipelines_of, tables_of
from belay.release.registration import Stage
from cli.account import Account, Where, calls_aws
from cli.naming import application_name
from cli.options import Declaration, gathered
from cli.output import tell

TEMPLATES: Final = Path(__file__).parents[1] / "accounts"
_PARAMETER: Final = r"^(  {name}: \{{Type: \w+,)(?: Default: [^,]*,)?"


def account_id(text: str) -> str:
    """Read an account's id. Raises ``click.BadParameter``."""
    if not re.fullmatch(r"\d{12}", text):
        raise click.BadParameter(f"expected an account's id of twelve digits, found {text!r}")
    return text


@dataclass(frozen=True)
class SpokeAsked:
    """What is asked for: the account, or a region in it, and what the account is for (ARNs of it may end in ``*``)."""

    account: str
    in_region: str | None
    applications: tuple[str, ...]
    service_roles: tuple[str, ...]
    verify_functions: tuple[str, ...] = ()
    executors: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    organization: str = ""
    forward_pipeline_events: bool = False


def _arns(option: str, name: str, what: str) -> Declaration:
    text = f"{what} of that account, may end in *; repeat it for several"
    return click.option(option, name, multiple=True, metavar="ARN", help=text)


_SPOKE: Final = gathered(
    "spoke",
    SpokeAsked,
    click.option("--account", required=True, metavar="ID", type=account_id, help="the account that stages will be in"),
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
    _arns("--verify-function", "verify_functions", "a verify function"),
    _arns("--executor", "executors", "a database executor"),
    _arns("--table", "tables", "a DynamoDB table with values of parameters"),
    _arns("--pipeline", "pipelines", "a pipeline; with <pipeline ARN>/* for stage rollback,"),
    click.option("--organization", metavar="ID", default="", help="the organization that both accounts are in"),
    click.option(
        "--forward-pipeline-events", is_flag=True, help="with --in-region: also send pipeline events to Belay"
    ),
)


@click.command()
@_SPOKE
@calls_aws
def command(spoke: SpokeAsked, where: Where, output: str) -> int:
    """Print the template to deploy in another account, with everything filled in.

    Its first line is the command that deploys it there; a StackSet may do so, too: every parameter has its value as its
    default. Without --in-region it is what the account needs once, with it what each region with stages needs.
    """
    belay = Account.of(where)
    partition, own = belay.caller().split(":")[1], belay.caller().split(":")[4]
    given = {"HubAccountId": own, "HubStackName": belay.stack}
    given |= _of_region(spoke, belay.region) if spoke.in_region is not None else _of_account(spoke, partition)
    name = "spoke_region" if spoke.in_region else "spoke_account"
    stack = f"belay-{name.replace('_', '-')}"
    deploys = _deploys(stack, spoke.in_region, given)
    text = f"# {deploys}\n{filled_in((TEMPLATES / f'{name}.yaml').read_text(), given)}"
    found = {
        "account": spoke.account,
        "region": spoke.in_region,
        "stack": stack,
        "template": text,
        "parameters": given,
        "deploy": deploys,
    }
    tell(output, found, text.splitlines())
    return 0


def _of_account(spoke: SpokeAsked, partition: str) -> dict[str, str]:
    if spoke.forward_pipeline_events:
        raise click.UsageError("--forward-pipeline-events is for a region: expected --in-region REGION with it")
    if not spoke.applications:
        raise click.UsageError("expected --application NAME, once for each application of the account")
    roles = spoke.service_roles or (f"arn:{partition}:iam::{spoke.account}:role/belay/*",)
    listed = {
        "Applications": spoke.applications,
        "ServiceRoleArns": roles,
        "VerifyFunctionArns": spoke.verify_functions,
        "ExecutorArns": spoke.executors,
        "ParameterTableArns": spoke.tables,
        "PipelineArns": spoke.pipelines,
    }
    foreign = [each for arns in [*listed.values()][1:] for each in arns if each.split(":")[4:5] != [spoke.account]]
    if foreign:
        raise click.UsageError(f"expected ARNs of account {spoke.account}, found {', '.join(foreign)}")
    return {name: ",".join(values) for name, values in listed.items()} | {"OrganizationId": spoke.organization}


def _of_region(spoke: SpokeAsked, hub: str) -> dict[str, str]:
    ours = ("applications", "service_roles", "verify_functions", "executors", "tables", "pipelines", "organization")
    given = [name for name in ours if getattr(spoke, name)]
    if given:
        raise click.UsageError(f"{', '.join(given)}: for the account, which is printed without --in-region")
    return {"HubRegion": hub, "ForwardPipelineEvents": "true" if spoke.forward_pipeline_events else "false"}


def _deploys(stack: str, region: str | None, values: Mapping[str, str]) -> str:
    """Return the command that deploys a template.

    It gives every value: of a stack that exists, ``aws cloudformation deploy`` keeps the values that it is not given,
    whatever the new template has as its defaults.
    """
    words = ["aws", "cloudformation", "deploy", *(["--region", region] if region else []), "--stack-name", stack]
    words += ["--template-file", "region.yaml" if region else "account.yaml"]
    given = (f"{name}={value}" for name, value in values.items())
    return shlex.join([*words, "--capabilities", "CAPABILITY_NAMED_IAM", "--parameter-overrides", *given])


def account_command(account: str, stages: Iterable[Stage]) -> str:
    """Return the command that prints all that an account needs for the stages that are registered there."""
    registered = [each for each in stages if each.place is not None and each.place.account == account]
    roles = sorted({each.service_role for each in registered})
    needs = {
        "--application": [each.application for each in registered],
        "--service-role": roles if any(":role/belay/" not in each for each in roles) else [],
        "--verify-function": [each.verify.function for each in registered if each.verify.function],
        "--executor": [one.function for each in registered for one in each.executors.values()],
        "--table": [arn for each in registered for arn in tables_of(each)],
        # Its stages, too, which CodePipeline may roll back.
        "--pipeline": [arn for each in registered for name in pipelines_of(each) for arn in (name, f"{name}/*")],
    }
    words = [word for option, values in needs.items() for each in sorted({*values}) for word in (option, each)]
    return shlex.join(["belay", "spoke", "template", "--account", account, *words]) + " > account.yaml"


def region_command(account: str, region: str, stages: Iterable[Stage]) -> str:
    """Return the command that prints all that a region of an account needs for the stages that are registered there."""
    here = [each for each in stages if each.place and (each.place.account, each.place.region) == (account, region)]
    pipelines = ["--forward-pipeline-events"] if any(each.pipeline for each in here) else []
    words = ["belay", "spoke", "template", "--account", account, "--in-region", region, *pipelines]
    return shlex.join(words) + " > region.yaml"


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
