"""Every JSON document that a command prints in a test matches its schema in docs/command-output/."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import click
import pytest
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

from cli import output

DOCS: Final = Path(__file__).parents[1] / "docs"
SCHEMAS: Final = DOCS / "command-output"
OTHER_FORMS: Final = {"report": SCHEMAS / "show-report.schema.json", "forecast": DOCS / "forecast.schema.json"}
"""Of options that make a command print another document."""


@pytest.fixture(scope="session", autouse=True)
def described_output() -> Iterator[None]:
    """Check commands' output against their schemas, in every test of the session."""
    as_json = output.as_json

    def described(found: Mapping[str, Any]) -> str:
        text = as_json(found)
        context = click.get_current_context(silent=True)
        if context is not None:
            described_by(path_of(context)).validate(json.loads(text))
        return text

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "as_json", described)
        yield


@cache
def described_by(schema: Path) -> Validator:
    """The validator of a schema, which is checked itself once."""
    read = json.loads(schema.read_text())
    kind = validator_for(read)
    kind.check_schema(read)
    return kind(read)


def path_of(context: click.Context) -> Path:
    """The schema of the running command's output."""
    forms = [path for option, path in OTHER_FORMS.items() if context.params.get(option)]
    return forms[0] if forms else SCHEMAS / f"{'-'.join(context.command_path.split()[1:])}.schema.json"
