"""``belay init APPLICATION [TEMPLATE]``: begin a release and a registration, from templates or an existing stack."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from belay.policy.settings import PolicySettings
from belay.release.names import NAME, NAME_RULE
from cli.account import Account, Where, calls_aws
from cli.beginnings import VERSION, Beginning, FirstStage
from cli.build import build_release
from cli.naming import application_argument
from cli.options import argument, gathered
from cli.output import section, tell
from cli.own_templates import OwnTemplates, from_files, from_stack
from cli.problems import Refused, Unreachable
from cli.registration_files import APPLICATION_FILE, checked, filled
from cli.validate import Inputs, validate

_ANY_ROLE: Final = "arn:aws:iam::123456789012:role/belay/any"


def _stage(text: str) -> str:
    if not NAME.fullmatch(text) or text == APPLICATION_FILE:
        raise click.BadParameter(f"expected {NAME_RULE}, found {text!r}")
    return text


@dataclass(frozen=True)
class Wanted:
    """What an application is to begin with, and where its files are to be."""

    template: Path | None
    from_stack: str | None
    into: Path | None
    stage: Sequence[str]
    ephemeral: Sequence[str]
    service_role: str | None


@click.command()
@application_argument
@gathered(
    "wanted",
    Wanted,
    argument(
        "template",
        required=False,
        type=click.Path(path_type=Path, exists=True),
        help="your template, or a folder of templates; default: this folder",
    ),
    click.option("--from-stack", metavar="STACK", help="an existing stack, whose template and parameters are read"),
    click.option("--into", metavar="DIR", type=click.Path(path_type=Path), help="default: a folder APPLICATION here"),
    click.option(
        "--stage", metavar="NAME", multiple=True, type=_stage, default=["production"], help="in deployment order"
    ),
    click.option(
        "--ephemeral",
        metavar="NAME",
        multiple=True,
        type=_stage,
        help="a stage before them, in which each release gets its own stacks, which are deleted again",
    ),
    click.option("--service-role", metavar="ARN", help="default: that of the stack, or a template that makes one"),
)
@click.option("--yes", is_flag=True, help="ask nothing")
@calls_aws
def command(application: str, wanted: Wanted, yes: bool, where: Where, output: str) -> int:
    """Begin a release and a registration, from your own templates or from a stack that exists.

    Writes release/, registration/ and operator.yaml, which makes a service role, into one folder, and says what is left
    to fill in and what to run next. It overwrites nothing, and writes no secret.

    The role may use the services of the templates' resources, and beside them what the templates name and nothing else:
    functions of custom resources, roles that are passed on, parameters and secrets.
    """
    if wanted.template is not None and wanted.from_stack is not None:
        raise click.UsageError("name a template or --from-stack, not both")
    belay = _reached(where, needed=wanted.from_stack is not None)
    templates = _templates(application, wanted, belay)
    beginning = Beginning(
        application,
        [*(FirstStage(name, ephemeral=True) for name in wanted.ephemeral), *map(FirstStage, wanted.stage)],
        templates,
        role=wanted.service_role or templates.role,
        outputs={} if belay is None else belay.outputs,
        values=templates.values,
        tables=[] if belay is None else belay.parameter_tables,
    )
    if output == "text" and not yes and sys.stdin.isatty():
        beginning = _asked(beginning)
    into = wanted.into or Path(application)
    found = write(beginning, into)
    tell(output, found, render(found))
    return 0


def _reached(where: Where, *, needed: bool) -> Account | None:
    """Find Belay's stack, whose outputs become defaults of the operator's template."""
    try:
        return Account.of(where)
    except Unreachable as error:
        if needed:
            raise
        print(f"belay: Belay's own stack was not found, so nothing is filled in from it: {error}", file=sys.stderr)
        return None


def _templates(application: str, wanted: Wanted, belay: Account | None) -> OwnTemplates:
    if wanted.from_stack is not None and belay is not None:
        return from_stack(belay.aws.stacks, wanted.from_stack, application)
    return from_files(wanted.template or Path(), application)


def _asked(beginning: Beginning) -> Beginning:
    """Ask for the parameters that have no default and are not secret."""
    names = dict.fromkeys(name for root in beginning.templates.roots for name in beginning.open_parameters(root))
    said = {name: click.prompt(f"{name} (empty: fill it in later)", default="", show_default=False) for name in names}
    return replace(beginning, values={**beginning.values, **{name: value for name, value in said.items() if value}})


def write(beginning: Beginning, into: Path) -> dict[str, Any]:
    """Write the files and check them as the commands do that read them. Raises ``Refused`` where one exists."""
    files = beginning.files()
    there = [str(into / name) for name in files if (into / name).exists()]
    if there:
        raise Refused(f"nothing was written: {', '.join(there)} exists already; name another folder with --into")
    for name, body in files.items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).write_bytes(body)
    registration = {Path(name).stem: body.decode() for name, body in files.items() if name.startswith("registration/")}
    checked(beginning.application, filled(registration, _Any()))
    with TemporaryDirectory() as folder:
        build_release(into / "release", Path(folder, "release.zip"))
    result = validate([str(into / "release")], Inputs(PolicySettings(), {}, {}, frozenset(), known=False))
    return {
        "application": beginning.application,
        "directory": str(into),
        "files": [str(into / name) for name in files],
        "left": beginning.left(),
        "verdict": str(result.report.verdict),
        "findings": len(result.report.findings),
        "next": _next(beginning, into),
    }


class _Any(dict[str, str]):
    """Returns a value for any name in braces, to read a registration that is not filled in."""

    def __missing__(self, name: str) -> str:
        return _ANY_ROLE if name.endswith("RoleArn") else "111"


def _next(beginning: Beginning, into: Path) -> list[str]:
    name = beginning.application
    register = f"belay register {name} {into / 'registration'}"
    lines = [
        f"belay release build {into / 'release'}",
        f"belay release push {name}-{VERSION}.zip --wait",
        "belay console",
    ]
    if beginning.role is not None:
        return [register, "belay doctor", *lines]
    deploy = (
        f"aws cloudformation deploy --stack-name {name}-operator --template-file {into / 'operator.yaml'} "
        "--capabilities CAPABILITY_NAMED_IAM"
    )
    unknown = [name for name, each in beginning.operator_parameters().items() if "Default" not in each]
    if unknown:
        deploy += f" --parameter-overrides {' '.join(f'{each}=...' for each in unknown)}"
        deploy += "" if beginning.outputs else " # outputs of Belay's stack"
    return [deploy, f"{register} --outputs-of {name}-operator", "belay doctor", *lines]


def render(found: Mapping[str, Any]) -> list[str]:
    """Show what was written, what is left, and what to run next."""
    about = {"PASS": "passes"}.get(found["verdict"], f"says {found['verdict']} ({found['findings']} findings)")
    return [
        *section("Written", found["files"])[1:],
        "",
        f"belay validate {found['directory']}/release {about}; the registration can be read.",
        *section("Left to you", found["left"]),
        *section("Next", found["next"]),
    ]
