"""``belay register``: check an application's registration, show what it changes or what is stored, and store it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from belay.aws.ssm import APPLICATIONS
from belay.control.registrations import DOCUMENTS
from belay.errors import InvalidRegistration, InvalidRelease
from belay.release.registration import misplaced, refuse_together
from belay.release.stack_claim import claims_of, shared
from belay.release.waves import in_words
from belay.wording import counted
from cli.account import Account, Where, calls_aws
from cli.agreement import agreed
from cli.naming import application_argument
from cli.options import argument, gathered
from cli.output import section, tell
from cli.problems import Refused
from cli.registration_files import APPLICATION_FILE, Registration, checked, differences, filled, read_files
from cli.stacks import registered_in

LARGEST_PARAMETER: Final = 4096
"""Bytes of a standard parameter: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise click.BadParameter(f"expected NAME=VALUE, found {text!r}")
    return name, value


@dataclass(frozen=True)
class Files:
    """The files of an application's registration, and what fills in their names in braces."""

    application: str
    files: Sequence[Path]
    outputs_of: str | None
    value: Sequence[tuple[str, str]]


registration_files: Final = gathered(
    "files",
    Files,
    application_argument,
    argument(
        "files",
        nargs=-1,
        required=True,
        type=click.Path(path_type=Path),
        help="application.yaml and <stage>.yaml, or a folder of them",
    ),
    click.option(
        "--outputs-of", metavar="STACK", help="a stack whose outputs fill in names in braces, such as ${RoleArn}"
    ),
    click.option("--value", metavar="NAME=VALUE", multiple=True, type=_pair, help="the value of a name in braces"),
)


@click.command()
@registration_files
@click.option("--dry-run", is_flag=True, help="show what would change, and store nothing")
@click.option("--yes", is_flag=True, help="store it without a question")
@calls_aws
def command(files: Files, dry_run: bool, yes: bool, where: Where, output: str) -> int:
    """Store an application's registration after showing what it changes.

    `belay register check` only checks the files, `belay register show` shows what is stored.
    """
    belay = Account.of(where)
    wanted = read(belay, files)
    changes = differences(registered(belay, wanted.name), wanted.parameters)
    found: dict[str, Any] = {"application": wanted.name, "changes": changes, "stored": False}
    if changes and not dry_run:
        if output == "text" and not yes:
            tell(output, found, render(found))
            if not agreed("Store this?", "nothing was stored"):
                raise Refused("nothing was stored")
        store(belay, {name: text for name, text in wanted.parameters.items() if name in changes})
        found["stored"] = True
    tell(output, found, [_end(found)] if found["stored"] and not yes else render(found))
    return 0


@click.command()
@registration_files
@calls_aws
def check(files: Files, where: Where, output: str) -> int:
    """Check the files of an application's registration, and store nothing; every problem is an error."""
    wanted = read(Account.of(where), files)
    line = f"{wanted.name}: Belay can read this; a release goes to {in_words(wanted.application.waves)}"
    tell(output, {"application": wanted.name, "stages": [stage.name for stage in wanted.stages]}, [line])
    return 0


@click.command()
@application_argument
@calls_aws
def show(application: str, where: Where, output: str) -> int:
    """Show an application's registration as it is stored: every document with its parameter."""
    documents = registered(Account.of(where), application)
    if not documents:
        raise Refused(f"{application} is not registered; see `belay register --help`")
    lines = [line for name, text in documents.items() for line in section(name, text.splitlines())]
    tell(output, {"application": application, "documents": documents}, lines[1:])
    return 0


def read(belay: Account, files: Files) -> Registration:
    """Return the registration as the files have it; what they leave out stays as it is registered.

    Raises ``InvalidRegistration`` with every problem, and ``Refused`` where a stack belongs to another stage.
    """
    texts = read_files(files.files)
    if "$" in "".join(texts.values()):
        texts = filled(texts, {**_outputs(belay, files.outputs_of), **dict(files.value)})
    wanted = checked(files.application, {**_kept(belay, files.application, texts), **texts})
    if problems := misplaced(wanted.application, wanted.stages, belay.aws.here):
        raise InvalidRegistration(problems)
    refuse_together(wanted.application, wanted.stages)
    _refuse_shared(belay, wanted)
    return wanted


def registered(belay: Account, application: str) -> dict[str, str]:
    """Return an application's documents as they are registered, by parameter; none if it is not."""
    try:
        text, stages = belay.registrations.texts(application)
    except InvalidRelease:
        return {}
    name = f"{APPLICATIONS}{application}"
    return {name: text, **{f"{name}/{stage}": each for stage, each in stages.items()}}


def _kept(belay: Account, application: str, texts: Mapping[str, str]) -> dict[str, str]:
    """Return the registered documents that the files may leave out: without an application's own, all of them."""
    if APPLICATION_FILE in texts:
        return {}
    name = f"{APPLICATIONS}{application}"
    known = registered(belay, application)
    return {parameter.removeprefix(name).lstrip("/") or APPLICATION_FILE: text for parameter, text in known.items()}


def _outputs(belay: Account, stack: str | None) -> dict[str, str]:
    if stack is None:
        return {}
    described = belay.aws.stacks.describe_stack(stack)
    if described is None:
        raise Refused(f"there is no stack {stack} in {belay.region}: check --outputs-of")
    return {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", ())}


def _refuse_shared(belay: Account, wanted: Registration) -> None:
    others = [each for each in registered_in(belay) if not each.owner.startswith(f"{wanted.name}/")]
    own = [each for stage in wanted.stages for each in claims_of(stage, belay.region, "")]
    problems = shared([*others, *own], belay.ledger.stack_claims.every())
    told = [each for stage, found in problems.items() if stage.startswith(f"{wanted.name}/") for each in found]
    if told:
        raise Refused("\n".join([f"a stack of {wanted.name} belongs to another stage:", *told]))


def store(belay: Account, documents: Mapping[str, str]) -> None:
    """Store documents by parameter, in this order; one that is too large for a parameter in the artifact bucket."""
    for name, text in documents.items():
        known = belay.aws.parameters.get_parameter(name) is not None
        put = belay.aws.parameters.put_parameter if known else belay.aws.parameters.create_parameter
        put(name, _fitting(belay, name, text))


def _fitting(belay: Account, name: str, text: str) -> str:
    data = text.encode()
    if len(data) <= LARGEST_PARAMETER:
        return text
    key = f"{DOCUMENTS}{name.removeprefix(APPLICATIONS)}.yaml"
    version = belay.artifacts.put_bytes(key, data)
    where = {"bucket": belay.artifacts.name, "key": key, "version_id": version}
    return json.dumps({"s3": {**where, "sha256": hashlib.sha256(data).hexdigest()}})


def render(found: Mapping[str, Any]) -> list[str]:
    """Return the differences as text."""
    lines = [line for name, changed in found["changes"].items() for line in section(name, _shown(changed))]
    return [*lines, "", _end(found)] if lines else [_end(found)]


def _shown(changed: Iterable[str]) -> list[str]:
    return [line for line in changed if not line.startswith(("---", "+++"))] or ["(empty)"]


def _end(found: Mapping[str, Any]) -> str:
    if not found["changes"]:
        return f"{found['application']}: nothing differs from what is registered"
    if not found["stored"]:
        differ = "1 document differs" if len(found["changes"]) == 1 else f"{len(found['changes'])} documents differ"
        return f"{found['application']}: {differ}; nothing was stored yet"
    stored = counted(len(found["changes"]), "document")
    return f"{found['application']}: registered ({stored}); check it with `belay doctor`"
