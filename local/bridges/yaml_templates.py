"""Gap: YAML is parsed in Python, which takes eight times as long as in libyaml: a second for a deployment of Belay.

A template that libyaml refuses is parsed in Python after all, whose message shows the place. It can be removed once
ministack parses with libyaml.
"""

from typing import Any

import yaml
from ministack.services.cloudformation import engine


def install() -> None:
    """Parse templates with libyaml."""
    in_python = engine.CfnLoader

    class TemplateLoader(yaml.CSafeLoader):
        """What ministack's own loader makes of a template."""

        yaml_constructors = in_python.yaml_constructors

        def __init__(self, text: str) -> None:
            super().__init__(text)
            self.text = text

        def get_single_data(self) -> Any:
            """Return the template. Raises ``yaml.YAMLError``."""
            try:
                return super().get_single_data()
            except yaml.YAMLError:
                return in_python(self.text).get_single_data()

    engine.CfnLoader = TemplateLoader
