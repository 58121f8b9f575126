"""The report uses the console's colors, whose contrast is checked against WCAG in a browser."""

import re
from pathlib import Path

from belay.approval.elements import Html, document

CONSOLE = (Path(__file__).parents[3] / "cli" / "console" / "static" / "console.css").read_text()
OF_THE_CONSOLE = {"bad": "call", "warn": "back", "cool": "going"}
"""The tones that have other names there."""


def test_its_colours_are_the_console_s_in_both_themes() -> None:
    themes = re.findall(r":root{(.*?)}", document("t", Html("")), re.DOTALL)
    light, dark = (dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+)", theme)) for theme in themes)
    shared = {name: light_dark for name, *light_dark in re.findall(r"--([a-z-]+): light-dark\((\S+), (\S+)\)", CONSOLE)}

    assert light.keys() == dark.keys()
    for name, colour in light.items():
        tone, soft, rest = name.partition("-soft")
        assert [colour, dark[name]] == shared[f"{OF_THE_CONSOLE.get(tone, tone)}{soft}{rest}"], name
