"""``Custom::ParameterLookup``: the value of an SSM parameter of another region, which no dynamic reference reaches.

``Name`` and ``Region`` are what is looked up; a change of any other property repeats the lookup. ``Fn::GetAtt`` finds
``Value`` and ``Version``. A SecureString is refused: its value would be visible in the stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from custom_resource import BOUNDED, CustomResource, InvalidPropertiesError, Made, text


def look_up(properties: Mapping[str, Any], request: Mapping[str, Any]) -> Made:
    """Read the parameter."""
    name, region = text(properties, "Name"), text(properties, "Region")
    ssm = boto3.client("ssm", region_name=region, config=BOUNDED)
    try:
        found = ssm.get_parameter(Name=name)["Parameter"]
    except ssm.exceptions.ParameterNotFound as error:
        raise InvalidPropertiesError(f"Name: there is no parameter {name} in {region}") from error
    if found["Type"] == "SecureString":
        raise InvalidPropertiesError(f"Name: {name} is a SecureString, which a stack would show to everybody")
    values = {"Value": found["Value"], "Version": str(found["Version"])}
    return Made(f"{region}/{name}", values, if_too_large="a stack cannot take this parameter")


def forget(physical_id: str, properties: Mapping[str, Any]) -> None:
    """Do nothing: a lookup leaves nothing behind."""


handler = CustomResource(look_up, forget)
