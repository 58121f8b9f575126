"""Copies an image to other regions, encrypted there with the key that each region's stack has for it."""

import time
from collections.abc import Callable, Mapping
from typing import Any

EVERY_SECONDS, TRIES = 30, 100


class NotCopiedError(Exception):
    """A region has no copy of the image; the message says which, and why."""


def copy_image(
    ec2: Mapping[str, Any],
    home: str,
    image_id: str,
    tags: Mapping[str, str],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Return the image's id in each region but its own, once all exist; ``ec2`` has a client for each region.

    Idempotent: a rerun finds the copies that it began. Raises ``NotCopiedError``.
    """
    copies = {region: _begun(client, home, image_id, tags) for region, client in ec2.items() if region != home}
    states = dict.fromkeys(copies, "not looked at")
    for _ in range(TRIES):
        for region in (each for each, state in states.items() if state != "available"):
            states[region] = _state(ec2[region], copies[region])
        if not any(state in {"pending", "not found"} for state in states.values()):
            break
        sleep(EVERY_SECONDS)
    left = {region: state for region, state in states.items() if state != "available"}
    if left:
        told = "; ".join(f"{copies[region]} in {region} is {state}" for region, state in left.items())
        raise NotCopiedError(f"expected copies of {image_id} within {TRIES * EVERY_SECONDS} s: {told}")
    return copies


def _begun(ec2: Any, home: str, image_id: str, tags: Mapping[str, str]) -> str:
    marks = [{"Key": key, "Value": value} for key, value in tags.items()]
    answer = ec2.copy_image(
        Name=tags["Name"],
        Description=f"Copied from {image_id} of {home}",
        SourceImageId=image_id,
        SourceRegion=home,
        ClientToken=image_id,
        Encrypted=True,
        KmsKeyId=f"alias/images/{tags['acme:image']}",
        TagSpecifications=[{"ResourceType": kind, "Tags": marks} for kind in ("image", "snapshot")],
    )
    return str(answer["ImageId"])


def _state(ec2: Any, image_id: str) -> str:
    """Return ``available``, ``pending``, ``not found``, which is transient, or an end with EC2's reason."""
    found = ec2.describe_images(Filters=[{"Name": "image-id", "Values": [image_id]}])["Images"]
    if not found:
        return "not found"
    reason = found[0].get("StateReason", {}).get("Message")
    return f"{found[0]['State']}: {reason}" if reason else str(found[0]["State"])
