"""Publishes an image that passes its smoke test: copied, shared, named in Parameter Store, announced.

``publish_image.py MANIFEST`` takes Packer's output; whatever fails before the announcement can be run again.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from copy_image import copy_image
from smoke_test import Place, smoke_test

EVERY_SECONDS, TRIES = 2, 30


class NotPublishedError(Exception):
    """The image could not be named or announced; the message says what was found."""


@dataclass(frozen=True)
class Image:
    """The event's content. ``parameter`` is this image's own name; ``parent`` is the image it was made from."""

    name: str
    build: str
    image_id: str
    parameter: str
    parent: str
    commit: str
    built_by: str


def main(path: str) -> None:
    """Test, copy, share, name and announce the image of a manifest: in no region before it is in all of them."""
    image, environment = image_of(json.loads(Path(path).read_text()), os.environ), os.environ
    home = environment["AWS_REGION"]
    regions = dict.fromkeys([home, *_listed(environment["REGIONS"])])
    ec2 = {region: boto3.client("ec2", region_name=region) for region in regions}
    tags = {"acme:image": image.name, "acme:build": image.build}
    smoke_test(ec2[home], image.image_id, Place(environment["SUBNET_ID"], environment["TEST_SECURITY_GROUP_ID"]), tags)
    copied = copy_image(ec2, home, image.image_id, {**tags, **_origin(image)})
    images = {home: image, **{region: replace(image, image_id=each) for region, each in copied.items()}}
    for region, each in images.items():
        share(ec2[region], each, _listed(environment["SHARED_ACCOUNTS"]))
        name_it(boto3.client("ssm", region_name=region), each)
    for region, each in images.items():
        make_latest(boto3.client("ssm", region_name=region), each)
    for region, each in images.items():
        announce(boto3.client("events", region_name=region), each)
        sys.stdout.write(f"published {each.image_id} in {region} as {each.parameter}\n")


def _listed(text: str) -> list[str]:
    return [each for each in text.split(",") if each]


def _origin(image: Image) -> dict[str, str]:
    return {"acme:commit": image.commit, "acme:parent": image.parent, "Name": f"{image.name}-{image.build}"}


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
    """Give the image its own permanent name. Raises ``NotPublishedError``."""
    # Named by an earlier try, or another image has the name: which one is seen below.
    with suppress(ssm.exceptions.ParameterAlreadyExists):
        _put(ssm, image.parameter, image, overwrite=False)
    _settled(ssm, image.parameter, image, sleep)


def make_latest(ssm: Any, image: Image, sleep: Callable[[float], None] = time.sleep) -> None:
    """Make the image the latest of its name. Raises ``NotPublishedError``."""
    latest = f"/images/{image.name}/latest"
    _put(ssm, latest, image, overwrite=True)
    _settled(ssm, latest, image, sleep)


def announce(events: Any, image: Image) -> None:
    """Notify all subscribers in the client's region. Raises ``NotPublishedError``."""
    region = events.meta.region_name
    answer = events.put_events(
        Entries=[
            {
                "Source": "acme.images",
                "DetailType": "Image Published",
                "Resources": [f"arn:{events.meta.partition}:ec2:{region}::image/{image.image_id}"],
                "Detail": json.dumps(asdict(image)),
            }
        ]
    )
    if answer["FailedEntryCount"]:
        raise NotPublishedError(f"{image.image_id} was not announced in {region}: {answer['Entries']}")


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
    """Wait until a parameter has the image: an ``aws:ec2:image`` is validated after PutParameter has returned.

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
