"""``belay doctor``: look at everything that a first release needs, and say what is missing and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

import click

from belay.errors import BelayError
from belay.wording import counted
from cli.account import Account, Where, calls_aws
from cli.examinations import hub, spokes, stages
from cli.examinations.examined import Condition, Examination, Examined, unknown
from cli.output import plain, tell
from cli.problems import REFUSED, in_words

EXAMINATIONS: Final[dict[str, Examination]] = {
    "you": hub.caller,
    "your permissions": hub.permissions,
    "Belay's stack": hub.stack,
    "upload events": hub.upload_events,
    "event rules": hub.rules,
    "on call": hub.subscribers,
    "pause": hub.pause,
    "registrations": stages.registrations,
    "service roles": stages.service_roles,
    "verify functions": stages.verify_functions,
    "parameters from tables": stages.parameter_tables,
    "stages elsewhere": spokes.elsewhere,
    "vaults": stages.vaults,
}


@click.command()
@calls_aws
def command(where: Where, output: str) -> int:
    """Look at everything that a first release needs, and say what is missing and what to do.

    The exit status is 1 if something is wrong.
    """
    belay = Account.of(where)
    examined = [each for name, examine in EXAMINATIONS.items() for each in examinations(name, examine, belay)]
    problems = sum(each.state is Condition.PROBLEM for each in examined)
    tell(output, {"problems": problems, "examined": [asdict(each) for each in examined]}, render(examined, problems))
    return REFUSED if problems else 0


def examinations(name: str, examine: Examination, belay: Account) -> Iterator[Examined]:
    """Look at one thing; what AWS does not show is unknown, with the reason."""
    try:
        yield from examine(belay)
    except BelayError as error:
        yield unknown(name, in_words(error), "use credentials that are allowed to look at it")


def render(examined: list[Examined], problems: int) -> list[str]:
    """Return a line for each, and below it what to do."""
    lines = []
    for each in examined:
        mark = "PROBLEM" if each.state is Condition.PROBLEM else each.state.value
        lines.append(plain(f"{mark:<11} {each.what}: {each.detail}"))
        lines += [plain(f"            {each.do}")] if each.do else []
    return [*lines, "", counted(problems, "problem") if problems else "Nothing is wrong."]
