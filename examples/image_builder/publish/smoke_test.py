"""Starts an instance from an image and reads the verdict that it writes to its console.

No agent, no key and no network: the instance is in a security group without rules, and its user data runs the check in
the image. Its output ends with a word that only this run knows.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EVERY_SECONDS, TRIES = 15, 40
USER_DATA = """#!/bin/bash
# If nobody ends the instance, it ends itself.
shutdown +30
if told=$(/usr/local/lib/image/check.sh / booted 2>&1); then verdict=passed; else verdict=failed; fi
printf '%s\\n' "$told" "image-check {word} $verdict" > /dev/console
"""


class ImageFailedError(Exception):
    """The image did not pass; the message has the check's output."""


@dataclass(frozen=True)
class Place:
    """Where an instance is started: in a subnet, with a security group without rules."""

    subnet_id: str
    security_group_id: str


def smoke_test(  # noqa: PLR0917 - the last two are for tests
    ec2: Any,
    image_id: str,
    place: Place,
    tags: dict[str, str],
    sleep: Callable[[float], None] = time.sleep,
    word: str = "",
) -> None:
    """Start an instance, wait for its verdict, and end it. Raises ``ImageFailedError``."""
    word = word or secrets.token_hex(16)
    specifications = [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        for kind in ("instance", "volume")
    ]
    started = ec2.run_instances(
        ImageId=image_id,
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        ClientToken=word,
        SubnetId=place.subnet_id,
        SecurityGroupIds=[place.security_group_id],
        MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        InstanceInitiatedShutdownBehavior="terminate",
        UserData=USER_DATA.replace("{word}", word),
        TagSpecifications=specifications,
    )
    instance = started["Instances"][0]["InstanceId"]
    try:
        said = _console(ec2, instance, f"image-check {word} ", sleep)
    finally:
        ec2.terminate_instances(InstanceIds=[instance])
    if f"image-check {word} passed" not in said:
        raise ImageFailedError(f"{image_id} failed its check on {instance}:\n{_failures(said)}")


def _console(ec2: Any, instance: str, mark: str, sleep: Callable[[float], None]) -> str:
    """Return the console's text once the mark is in it. ``Latest`` needs an instance of the Nitro system."""
    said = ""
    for _ in range(TRIES):
        sleep(EVERY_SECONDS)
        said = ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "")
        if mark in said:
            return said
    raise ImageFailedError(
        f"{instance} told no verdict within {TRIES * EVERY_SECONDS} s; its console ends:\n{said[-2000:]}"
    )


def _failures(said: str) -> str:
    return "\n".join(line for line in said.splitlines() if "FAIL " in line)
