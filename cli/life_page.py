"""Writes ``docs/release-life.md`` from the table of states: ``python -m cli.life_page > docs/release-life.md``."""

from __future__ import annotations

import sys
from typing import Final

from belay.release.life import FOLLOWS, Occurrence, State
from belay.release.records import Outcome

_FAULTS: Final = (State.RECOVERING, State.STAGE_ENDED, State.ENDED)
"""States that may come from anywhere in a stage: in the table they are told once."""

_PAGE: Final = """\
# The life of a release

<!-- Written by `python -m cli.life_page`; change `belay/release/life.py`, not this page. -->

Every upload is an **attempt**. It is at one state at a time and ends with one outcome, which nothing overwrites:
{outcomes}. `belay show` tells what it went through. The ledger refuses to record a state that may not follow
(`IllegalTransition`); the same state may come again, because a step that is tried again records what it records.

The attempt leaves a stage when the stage has ended; the next one is entered only after DEPLOYED. From every state in a
stage the stage may end, an incident may be opened (`RECOVERING`), and the attempt may end (`ENDED`): an execution may
die anywhere. The picture leaves these arrows out.

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
        picture="\n".join(_picture()),
        table="\n".join(f"| `{each}` | {_after(each)} |" for each in State),
        beside=", ".join(f"`{each}`" for each in Occurrence),
    )


def _picture() -> list[str]:
    names = [f'  state "{each}" as {each.name}' for each in State]
    drawn = [
        f"  {state.name} --> {after.name}"
        for state in State
        for after in State
        if after in FOLLOWS[state] and not (state.in_stage and after in _FAULTS)
    ]
    return [*names, f"  [*] --> {State.CLAIMED.name}", *drawn, f"  {State.ENDED.name} --> [*]"]


def _after(state: State) -> str:
    return ", ".join(f"`{each}`" for each in State if each in FOLLOWS[state]) or "nothing"


if __name__ == "__main__":
    sys.stdout.write(page())
