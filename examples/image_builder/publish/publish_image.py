"""Makes an image that passes its smoke test one that others use: shared, named in Parameter Store, and announced.

``publish_image.py MANIFEST`` takes what Packer wrote; whatever fails before the announcement can be run again.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from smoke_test import Place, smoke_test

EVERY_SECONDS, TRIES = 2, 30


class NotPublishedError(Exception):
    """The image could not be named or announced; the message says what was found."""


@dataclass(frozen=True)
class Image:
    """What the event tells. ``parameter`` is the name of this image alone; ``parent`` is the image it was made from."""

    name: str
    build: str
    image_id: str
    parameter: str
    parent: str
    commit: str
    built_by: str


def main(path: str) -> None:
    """Test, share, name and announce the image of a manifest."""
    image, environment = image_of(json.loads(Path(path).read_text()), os.environ), os.environ
    ec2, ssm = boto3.client("ec2"), boto3.client("ssm")
    place = Place(environment["SUBNET_ID"], environment["TEST_SECURITY_GROUP_ID"])
    smoke_test(ec2, image.image_id, place, {"acme:image": image.name, "acme:build": image.build})
    share(ec2, image, [each for each in environment.get("SHARED_ACCOUNTS", "").split(",") if each])
    name_it(ssm, image)
    announce(boto3.client("events"), image, environment["IMAGE_ARN_PREFIX"])
    sys.stdout.write(f"published {image.image_id} as {image.parameter}\n")


def image_of(manifest: Mapping[str, Any], environment: Mapping[str, str]) -> Image:
    """Return the image that a Packer run made."""
    built = next(each for each in manifest["builds"] if each["packer_run_uuid"] == manifest["last_run_uuid"])
    name, build = environment["IMAGE"], environment["BUILD"]
    return Image(
        name,
        build,
        built["artifact_id"].rpartition(":")[2],
        f"/images/{name}/{build}",
        built["custom_data"]["parent"],
        environment["CODEBUILD_RESOLVED_SOURCE_VERSION"],
        environment["CODEBUILD_BUILD_ARN"],
    )


def share(ec2: Any, image: Image, accounts: list[str]) -> None:
    """Let accounts start instances; they use the snapshots through the image, and the key by its own policy."""
    if accounts:
        permission = {"Add": [{"UserId": account} for account in accounts]}
        ec2.modify_image_attribute(ImageId=image.image_id, LaunchPermission=permission)


def name_it(ssm: Any, image: Image, sleep: Callable[[float], None] = time.sleep) -> None:
    """Give the image a name of its own for good, and make it the latest. Raises ``NotPublishedError``."""
    latest = f"/images/{image.name}/latest"
    # Named by an earlier try, or another image has the name: which one is seen below.
    with suppress(ssm.exceptions.ParameterAlreadyExists):
        _put(ssm, image.parameter, image, overwrite=False)
    _settled(ssm, image.parameter, image, sleep)
    _put(ssm, latest, image, overwrite=True)
    _settled(ssm, latest, image, sleep)


def announce(events: Any, image: Image, arn_prefix: str) -> None:
    """Tell everybody who subscribes. Raises ``NotPublishedError``."""
    answer = events.put_events(
        Entries=[
            {
                "Source": "acme.images",
                "DetailType": "Image Published",
                "Resources": [f"{arn_prefix}{image.image_id}"],
                "Detail": json.dumps(asdict(image)),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        raise NotPublishedError(f"{image.image_id} was not announced: {answer['Entries']}")


def _put(ssm: Any, name: str, image: Image, *, overwrite: bool) -> None:
    ssm.put_parameter(
        Name=name,
        Value=image.image_id,
        Type="String",
        DataType="aws:ec2:image",
        Description=f"{image.name} {image.build} of {image.parent}, made at {image.commit}",
        Overwrite=overwrite,
    )


def _settled(ssm: Any, name: str, image: Image, sleep: Callable[[float], None]) -> None:
    """Wait until a parameter has the image: an ``aws:ec2:image`` is validated after PutParameter has answered.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
    """
    found = None
    for _ in range(TRIES):
        try:
            found = ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
        if found == image.image_id:
            return
        sleep(EVERY_SECONDS)
    raise NotPublishedError(f"{name}: expected {image.image_id} within {TRIES * EVERY_SECONDS} s, found {found}")


if __name__ == "__main__":
    main(sys.argv[1])
