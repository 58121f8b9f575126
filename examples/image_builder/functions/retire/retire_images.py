"""Deregisters images that are old and no longer used, with their snapshots and their names.

An image is kept while it is one of the last that were ``latest``, younger than ``KEEP_DAYS``, or used: by an instance,
a launch template, a launch configuration, an Auto Scaling group, another parameter or a recipe of Image Builder in this
account; by an instance or a launch template in another one. ``{"dry_run": true}`` only reports.
"""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

LOG = logging.getLogger("retire_images")
LOG.setLevel(logging.INFO)
BOUNDED = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})

MOST_IN_ONE_CHECK = 10
"""Images of one DescribeImageReferences."""
BY_NAME = "resolve:ssm:"
"""The prefix of a launch template's image if it is a parameter's
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html#use-an-ssm-parameter-instead-of-an-ami-id).
"""
ENOUGH = {"success", "skipped"}
"""The results for a snapshot: one that another image uses, too, is skipped."""
REPORT_IS_NEW_FOR = timedelta(days=2)
"""How long a report on other accounts is valid: it is made one day and read the next."""


class NotRetiredError(Exception):
    """Images could not be deregistered, or not all of their snapshots were deleted; the others were."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Retire what can be; return what was, what is kept and why, and which images are decided another day."""
    ec2, ssm, scaling = (boto3.client(each, config=BOUNDED) for each in ("ec2", "ssm", "autoscaling"))
    name, now, dry_run = os.environ["IMAGE"], datetime.now(UTC), bool(event.get("dry_run"))
    days, newest = int(os.environ["KEEP_DAYS"]), int(os.environ["KEEP_NEWEST"])
    old = {each["ImageId"]: each for each in images(ec2, name) if created(each) < now - timedelta(days=days)}
    kept: dict[str, list[str]] = defaultdict(list)
    waiting = []
    for image_id, user in users(ec2, ssm, scaling, [*old], name, newest) if old else ():
        kept[image_id].append(user)
    for image_id in sorted(old.keys() - kept.keys()):
        others = used_elsewhere(ec2, image_id, now, ask=not dry_run)
        if others is None:
            waiting.append(image_id)
        elif others:
            kept[image_id] = others
    gone = sorted(old.keys() - kept.keys() - set(waiting))
    problems = [] if dry_run else [*filter(None, (retired(ec2, ssm, old[image_id], name) for image_id in gone))]
    if problems:
        raise NotRetiredError("; ".join(problems))
    told = {"retired": gone, "kept": dict(sorted(kept.items())), "waiting": waiting, "dry_run": dry_run}
    LOG.info("%s", told)
    return told


def users(  # noqa: PLR0917 - three clients, and what is asked
    ec2: Any, ssm: Any, scaling: Any, old: list[str], name: str, newest: int
) -> Iterator[tuple[str, str]]:
    """Yield which of these images this account needs, and for what."""
    for image_id in last_published(ssm, f"/images/{name}/latest", newest):
        if image_id in old:
            yield image_id, f"one of the last {newest} that were published"
    own = f"/images/{name}/"
    for image_id, user in (*references(ec2, old, own), *fleets(ec2, ssm, scaling, own)):
        if image_id in old:
            yield image_id, user


def images(ec2: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield this account's images of a name."""
    tagged = [{"Name": "tag:acme:image", "Values": [name]}, {"Name": "tag-key", "Values": ["acme:build"]}]
    asked = {"Owners": ["self"], "Filters": tagged}
    for page in ec2.get_paginator("describe_images").paginate(**asked):
        yield from page["Images"]


def created(image: Mapping[str, Any]) -> datetime:
    """When an image was made."""
    return datetime.fromisoformat(image["CreationDate"])


def last_published(ssm: Any, latest: str, newest: int) -> list[str]:
    """Return the last images that the parameter named, which the next rollbacks may need."""
    pages = ssm.get_paginator("get_parameter_history").paginate(Name=latest)
    versions = sorted((each for page in pages for each in page["Parameters"]), key=lambda each: each["Version"])
    return [*dict.fromkeys(each["Value"] for each in reversed(versions))][:newest]


def references(ec2: Any, image_ids: list[str], own: str) -> Iterator[tuple[str, str]]:
    """Yield which of this account's resources use an image; the image's own names below ``own`` do not count.

    Instances in every state, and the last ten versions of launch templates
    (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html).
    """
    for start in range(0, len(image_ids), MOST_IN_ONE_CHECK):
        some = image_ids[start : start + MOST_IN_ONE_CHECK]
        pages = ec2.get_paginator("describe_image_references").paginate(ImageIds=some, IncludeAllResourceTypes=True)
        for each in (each for page in pages for each in page["ImageReferences"]):
            if f":parameter{own}" not in each["Arn"]:
                yield each["ImageId"], each["Arn"]


def fleets(ec2: Any, ssm: Any, scaling: Any, own: str) -> Iterator[tuple[str, str]]:
    """Yield which images launch configurations use, and Auto Scaling groups by any version of a launch template."""
    for page in scaling.get_paginator("describe_launch_configurations").paginate():
        for each in page["LaunchConfigurations"]:
            yield each["ImageId"], each["LaunchConfigurationARN"]
    for page in scaling.get_paginator("describe_auto_scaling_groups").paginate():
        for group in page["AutoScalingGroups"]:
            mixed = group.get("MixedInstancesPolicy", {}).get("LaunchTemplate", {})
            overrides = mixed.get("Overrides", ())
            yield from ((each["ImageId"], group["AutoScalingGroupARN"]) for each in overrides if "ImageId" in each)
            templates = [
                group.get("LaunchTemplate"),
                mixed.get("LaunchTemplateSpecification"),
                *(each.get("LaunchTemplateSpecification") for each in overrides),
            ]
            images_named = named_by(ec2, ssm, filter(None, templates), own)
            yield from ((image_id, group["AutoScalingGroupARN"]) for image_id in images_named)


def named_by(ec2: Any, ssm: Any, templates: Iterable[Mapping[str, str]], own: str) -> Iterator[str]:
    """Yield the images that versions of launch templates name, by an id or by one of the image's own names.

    EC2 could resolve every name, but with permission to read it. A parameter of another name is a reference itself.
    """
    for template in templates:
        found = ec2.describe_launch_template_versions(
            LaunchTemplateId=template["LaunchTemplateId"], Versions=[template.get("Version", "$Default")]
        )
        for version in found["LaunchTemplateVersions"]:
            image_id = version["LaunchTemplateData"].get("ImageId", "")
            if image_id.startswith(f"{BY_NAME}{own}"):
                with suppress(ssm.exceptions.ParameterNotFound):
                    yield ssm.get_parameter(Name=image_id.removeprefix(BY_NAME))["Parameter"]["Value"]
            elif image_id and not image_id.startswith(BY_NAME):
                yield image_id


def used_elsewhere(ec2: Any, image_id: str, now: datetime, *, ask: bool) -> list[str] | None:
    """Return which accounts use an image; None if that is not known yet, and then request a report.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/your-ec2-ami-usage.html
    """
    reports = ec2.describe_image_usage_reports(ImageIds=[image_id])["ImageUsageReports"]
    fresh = [each for each in reports if each["CreationTime"] > now - REPORT_IS_NEW_FOR and each["State"] != "error"]
    ready = [each["ReportId"] for each in fresh if each["State"] == "available"]
    if ready:
        pages = ec2.get_paginator("describe_image_usage_report_entries").paginate(ReportIds=ready)
        entries = [each for page in pages for each in page["ImageUsageReportEntries"]]
        return [
            f"{each['UsageCount']} {each['ResourceType']} of {each['AccountId']}"
            for each in entries
            if each["UsageCount"]
        ]
    if ask and not fresh:
        kinds = [{"ResourceType": "ec2:Instance"}, {"ResourceType": "ec2:LaunchTemplate"}]
        ec2.create_image_usage_report(ImageId=image_id, ResourceTypes=kinds)
    return None


def retired(ec2: Any, ssm: Any, image: Mapping[str, Any], name: str) -> str | None:
    """Retire an image; return what is left to do, None if nothing is.

    Its name is deleted first: CloudFormation then says plainly what is missing, before it changes anything.
    """
    build = next(tag["Value"] for tag in image["Tags"] if tag["Key"] == "acme:build")
    try:
        ssm.delete_parameters(Names=[f"/images/{name}/{build}"])
        answer = ec2.deregister_image(ImageId=image["ImageId"], DeleteAssociatedSnapshots=True)
    except ClientError as error:
        return f"{image['ImageId']} is not deregistered: {error}"
    left = [each for each in answer.get("DeleteSnapshotResults", ()) if each["ReturnCode"] not in ENOUGH]
    return f"{image['ImageId']} is deregistered, but not all of its snapshots are deleted: {left}" if left else None
