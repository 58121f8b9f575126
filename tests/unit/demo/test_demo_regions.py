"""The demo runs the lost-region guide with its own application's names."""

import re
from pathlib import Path

from local.demo_regions import APPLICATION, GUIDE, named, steps

GUIDE_OF_TWO = """\
# A guide

Some words.

    first() { true; }

## 1. Prepare

    aws deploy \\
      --now

Then:

    aws wait

## 2. Nothing to run

Only words.

## 3. End

    belay list
"""


def test_a_guide_is_its_steps_with_their_commands_as_they_are_to_be_pasted() -> None:
    assert list(steps(GUIDE_OF_TWO)) == [
        ("# A guide", "first() { true; }\n"),
        ("1. Prepare", "aws deploy \\\n  --now\n\naws wait\n"),
        ("3. End", "belay list\n"),
    ]


def test_every_name_in_the_commands_is_the_demos() -> None:
    commands = "\n".join(each for _, each in steps(named(GUIDE.read_text(encoding="utf-8"))))
    assert "orders" not in commands
    assert "1.1.0" not in commands
    assert f"vault restore {APPLICATION} eu --yes" in commands
    assert f"{APPLICATION}/1.2.0" in commands
    registered = set(re.findall(r"registration/(\w+\.yaml)", commands))
    assert registered <= {each.name for each in Path("examples", APPLICATION, "registration").iterdir()}
    assert registered
