"""Writes ``docs/release-life.md`` from the table of states: ``python -m cli.life_page > docs/release-life.md``."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Final

from belay.release.life import ENTERING, FOLLOWS, Occurrence, State
from belay.release.records import Outcome

_FAULTS: Final = (State.RECOVERING, State.STAGE_ENDED)
"""States that may come from anywhere in a stage: in the table they are told once."""
_OF_A_STAGE: Final = tuple(each for each in State if each.in_stage or each is State.STAGE_ENDED)

_PAGE: Final = """\
# The life of a release

<!-- Written by `python -m cli.life_page`; change `belay/release/life.py`, not this page. -->

Every upload is an **attempt**. It is at one state at a time and ends with one outcome, which nothing overwrites:
{outcomes}. `belay show` tells what it went through. The ledger refuses to record a state that may not follow
(`IllegalTransition`); the same state may come again, because a step that is tried again records what it records.

While it is `DEPLOYING` it has a state of its own in each stage that it has entered. It is in the stages of one wave at
a time, and none of them waits for another. A stage is entered once every stage of the waves before has ended DEPLOYED;
the first state there is any of {entering}. From every state in a stage the stage
may end or an incident may be opened (`RECOVERING`), and from every state the attempt may end (`ENDED`): an execution
may die anywhere. The picture leaves out what may come from anywhere in a stage.

```mermaid
stateDiagram-v2
{picture}
```

| state | what may follow |
| --- | --- |
{table}

Its history also has what happens beside these and moves nothing: {beside}.
"""


def page() -> str:
    """Return the page."""
    return _PAGE.format(
        outcomes=", ".join(Outcome),
        entering=_listed(ENTERING),
        picture="\n".join(_picture()),
        table="\n".join(f"| `{each}` | {_listed(FOLLOWS[each]) or 'nothing'} |" for each in State),
        beside=", ".join(f"`{each}`" for each in Occurrence),
    )


def _picture() -> list[str]:
    attempt = tuple(each for each in State if each not in (*_OF_A_STAGE, State.DEPLOYING))
    entered = [f"    [*] --> {each.name}" for each in _OF_A_STAGE if each in ENTERING and each not in _FAULTS]
    inside = [*entered, *_arrows(_OF_A_STAGE, "    "), f"    {State.STAGE_ENDED.name} --> [*]"]
    drawn = _arrows((*attempt, State.DEPLOYING), "  ")
    return [
        *_names(attempt, "  "),
        f'  state "{State.DEPLOYING}, in each stage" as {State.DEPLOYING.name} {{',
        *_names(_OF_A_STAGE, "    "),
        *inside,
        "  }",
        f"  [*] --> {State.CLAIMED.name}",
        *drawn,
        f"  {State.ENDED.name} --> [*]",
    ]


def _names(states: Sequence[State], margin: str) -> list[str]:
    return [f'{margin}state "{each}" as {each.name}' for each in states]


def _arrows(states: Sequence[State], margin: str) -> list[str]:
    return [
        f"{margin}{state.name} --> {after.name}"
        for state in states
        for after in State
        if after in FOLLOWS[state] and not (state.in_stage and state not in _FAULTS and after in _FAULTS)
    ]


def _listed(states: Collection[State]) -> str:
    return ", ".join(f"`{each}`" for each in State if each in states)


if __name__ == "__main__":
    sys.stdout.write(page())
