"""Gap: a state machine's definition in YAML is kept as text, and every execution of it fails.

CloudFormation takes a definition in JSON or YAML and passes it on as JSON; it refuses YAML aliases
(https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html). It can be removed once
ministack converts definitions.
"""

import json
from collections.abc import Mapping
from typing import Any

import yaml
from ministack.services.cloudformation import provisioners


def install() -> None:
    """Convert every definition that a template names to JSON."""
    definition = provisioners._sfn_definition

    def converted(props: Mapping[str, Any]) -> str:
        text = definition(props)
        if text.lstrip().startswith("{"):
            return str(text)
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader)):
            raise ValueError("Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: YAML aliases are refused'")
        return json.dumps(yaml.load(text, yaml.CSafeLoader))

    provisioners._sfn_definition = converted
