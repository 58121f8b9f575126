"""How an image is tested, published and retired, each call checked against botocore's models."""

import base64
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.stub import ANY, Stubber
from cfnlint.decode.cfn_yaml import load

EXAMPLE = Path("examples/image_builder")
Stubbed = Callable[[str], tuple[Any, Stubber]]
IMAGE_ID, INSTANCE = "ami-0fedcba9876543210", "i-0123456789abcdef0"
ENVIRONMENT = {
    "IMAGE": "base",
    "BUILD": "20261129-42",
    "CODEBUILD_RESOLVED_SOURCE_VERSION": "2fd4e1c",
    "CODEBUILD_BUILD_ARN": "arn:aws:codebuild:eu-west-1:111122223333:build/image-base:6a7e",
}
MANIFEST = {
    "builds": [
        {
            "packer_run_uuid": "old",
            "artifact_id": "eu-west-1:ami-00000000000000001",
            "custom_data": {"parent": "ami-1"},
        },
        {"packer_run_uuid": "new", "artifact_id": f"eu-west-1:{IMAGE_ID}", "custom_data": {"parent": "ami-2"}},
    ],
    "last_run_uuid": "new",
}
WORD = "0123456789abcdef"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """``module("publish/smoke_test")`` is a script of the example, imported from its own folder."""
    imported = []

    def load(path: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(EXAMPLE / path.rpartition("/")[0]))
        imported.append(path.rpartition("/")[2])
        return importlib.import_module(imported[-1])

    yield load
    for name in (*imported, "copy_image", "smoke_test"):
        monkeypatch.delitem(sys.modules, name, raising=False)


# -- the smoke test ----------------------------------------------------------------------------------------------------


def smoke_tested(module: Callable[[str], ModuleType], stubbed: Stubbed, *consoles: str) -> list[float]:
    """Test an image whose instance outputs this; return how long each wait was."""
    smoke, (ec2, stub) = module("publish/smoke_test"), stubbed("ec2")
    asked = {
        "ImageId": IMAGE_ID,
        "InstanceType": "t3.micro",
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": WORD,
        "SubnetId": "subnet-1",
        "SecurityGroupIds": ["sg-1"],
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        "InstanceInitiatedShutdownBehavior": "terminate",
        "UserData": ANY,
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": [{"Key": "acme:image", "Value": "base"}]} for kind in ("instance", "volume")
        ],
    }
    stub.add_response("run_instances", {"Instances": [{"InstanceId": INSTANCE}]}, asked)
    for said in consoles:
        answer = {"Output": encoded(said)} if said else {}
        stub.add_response("get_console_output", answer, {"InstanceId": INSTANCE, "Latest": True})
    stub.add_response("terminate_instances", {"TerminatingInstances": []}, {"InstanceIds": [INSTANCE]})
    waited: list[float] = []
    place = smoke.Place("subnet-1", "sg-1")
    smoke.smoke_test(ec2, IMAGE_ID, place, {"acme:image": "base"}, waited.append, WORD)
    return waited


def encoded(text: str) -> str:
    """A console's output as EC2 sends it."""
    return base64.b64encode(text.encode()).decode()


def test_an_instance_that_says_so_has_passed(module: Callable[[str], ModuleType], stubbed: Stubbed) -> None:
    assert smoke_tested(module, stubbed, "", "booting", f"booting\nimage-check {WORD} passed\n") == [15, 15, 15]


def test_an_instance_that_fails_says_why_and_is_ended(module: Callable[[str], ModuleType], stubbed: Stubbed) -> None:
    said = f"booting\nFAIL service: chronyd does not run\nimage-check {WORD} failed\n"

    with pytest.raises(Exception, match="failed its check on i-0123456789abcdef0:\nFAIL service: chronyd does not run"):
        smoke_tested(module, stubbed, said)


def test_the_word_of_another_run_is_not_believed(
    module: Callable[[str], ModuleType], stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module("publish/smoke_test"), "TRIES", 2)

    with pytest.raises(Exception, match="told no verdict within 30 s"):
        smoke_tested(module, stubbed, *["image-check aaaa passed"] * 2)


def test_the_instance_runs_the_check_that_the_image_has(module: Callable[[str], ModuleType]) -> None:
    script = module("publish/smoke_test").USER_DATA
    installed = (EXAMPLE / "image" / "install.sh").read_text()

    assert "/usr/local/lib/image/check.sh / booted" in script
    assert "/var/tmp/check.sh /usr/local/lib/image/check.sh" in installed
    assert len(script) < 16 * 1024


# -- publishing --------------------------------------------------------------------------------------------------------


def put(name: str, *, overwrite: bool) -> dict[str, Any]:
    return {
        "Name": name,
        "Value": IMAGE_ID,
        "Type": "String",
        "DataType": "aws:ec2:image",
        "Description": "base 20261129-42 of ami-2, made at 2fd4e1c",
        "Overwrite": overwrite,
    }


def value(name: str, image_id: str) -> tuple[dict[str, Any], dict[str, str]]:
    return {"Parameter": {"Name": name, "Value": image_id}}, {"Name": name}


OWN, LATEST = "/images/base/20261129-42", "/images/base/latest"


def test_the_last_run_of_packer_made_the_image(module: Callable[[str], ModuleType]) -> None:
    image = module("publish/publish_image").image_of(MANIFEST, ENVIRONMENT)

    assert (image.image_id, image.parent, image.parameter) == (IMAGE_ID, "ami-2", OWN)


def test_an_image_has_a_name_for_good_before_it_is_the_latest(
    module: Callable[[str], ModuleType], stubbed: Stubbed
) -> None:
    publish, (ssm, stub) = module("publish/publish_image"), stubbed("ssm")
    stub.add_response("put_parameter", {"Version": 1}, put(OWN, overwrite=False))
    # Parameter Store validates the image only after it has responded.
    stub.add_client_error("get_parameter", "ParameterNotFound")
    stub.add_response("get_parameter", *value(OWN, IMAGE_ID))
    stub.add_response("put_parameter", {"Version": 7}, put(LATEST, overwrite=True))
    stub.add_response("get_parameter", *value(LATEST, "ami-00000000000000041"))
    stub.add_response("get_parameter", *value(LATEST, IMAGE_ID))
    waited: list[float] = []
    image = publish.image_of(MANIFEST, ENVIRONMENT)
    publish.name_it(ssm, image, waited.append)
    publish.make_latest(ssm, image, waited.append)

    assert waited == [2, 2]


def test_a_name_that_another_image_has_is_left_alone(
    module: Callable[[str], ModuleType], stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, (ssm, stub) = module("publish/publish_image"), stubbed("ssm")
    monkeypatch.setattr(publish, "TRIES", 1)
    stub.add_client_error("put_parameter", "ParameterAlreadyExists")
    stub.add_response("get_parameter", *value(OWN, "ami-00000000000000001"))

    with pytest.raises(publish.NotPublishedError, match=f"{OWN}: expected {IMAGE_ID} within 2 s, found ami-0"):
        publish.name_it(ssm, publish.image_of(MANIFEST, ENVIRONMENT), lambda _: None)


@pytest.mark.parametrize("accounts", [[], ["222233334444", "333344445555"]])
def test_an_image_is_shared_with_the_accounts(
    module: Callable[[str], ModuleType], stubbed: Stubbed, accounts: list[str]
) -> None:
    publish, (ec2, stub) = module("publish/publish_image"), stubbed("ec2")
    if accounts:
        permission = {"Add": [{"UserId": each} for each in accounts]}
        stub.add_response("modify_image_attribute", {}, {"ImageId": IMAGE_ID, "LaunchPermission": permission})

    publish.share(ec2, publish.image_of(MANIFEST, ENVIRONMENT), accounts)


def test_its_event_is_what_a_subscription_reads(module: Callable[[str], ModuleType], stubbed: Stubbed) -> None:
    publish, (events, stub) = module("publish/publish_image"), stubbed("events")
    sent: list[dict[str, Any]] = []
    events.meta.events.register("provide-client-params.events.PutEvents", lambda params, **_: sent.append(params))
    stub.add_response("put_events", {"FailedEntryCount": 0, "Entries": []}, {"Entries": ANY})
    publish.announce(events, publish.image_of(MANIFEST, ENVIRONMENT))

    ((entry,),) = [each["Entries"] for each in sent]
    detail = json.loads(entry["Detail"])
    assert (entry["Source"], entry["DetailType"]) == ("acme.images", "Image Published")
    assert entry["Resources"] == [f"arn:aws:ec2:eu-west-1::image/{IMAGE_ID}"]
    assert module("functions/release/release_image").image_of({"detail": detail}, LATEST) == detail
    assert detail["name"] == "base"


def test_an_event_that_was_not_taken_fails_the_build(module: Callable[[str], ModuleType], stubbed: Stubbed) -> None:
    publish, (events, stub) = module("publish/publish_image"), stubbed("events")
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "later"}]}
    stub.add_response("put_events", refused, {"Entries": ANY})

    with pytest.raises(publish.NotPublishedError, match="InternalFailure"):
        publish.announce(events, publish.image_of(MANIFEST, ENVIRONMENT))


@pytest.fixture
def build(
    module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., list[str]]:
    """``build()`` runs the script after Packer, in which a step may ``fail``; returns its actions, in order."""
    publish = module("publish/publish_image")
    more = {"AWS_REGION": "eu-west-1", "SUBNET_ID": "subnet-1", "TEST_SECURITY_GROUP_ID": "sg-1"}
    for name, text in {**ENVIRONMENT, **more, "SHARED_ACCOUNTS": "222233334444,333344445555"}.items():
        monkeypatch.setenv(name, text)
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))

    def run(regions: str = "", fail: str = "") -> list[str]:
        done: list[str] = []

        def does(step: str, *told: object) -> None:
            done.append(" ".join(map(str, (step, *told))))
            if step == fail:
                raise publish.NotPublishedError(step)

        def copy_image(ec2: dict[str, Any], home: str, image_id: str, tags: dict[str, str]) -> dict[str, str]:
            does("copy", image_id, tags["Name"], tags["acme:build"])
            return {region: f"ami-{region}" for region in ec2 if region != home}

        monkeypatch.setenv("REGIONS", regions)
        monkeypatch.setattr(publish, "boto3", SimpleNamespace(client=lambda name, region_name: f"{name} {region_name}"))
        monkeypatch.setattr(
            publish, "smoke_test", lambda client, image_id, place, tags: does("test", client, image_id, place.subnet_id)
        )
        monkeypatch.setattr(publish, "copy_image", copy_image)
        monkeypatch.setattr(
            publish, "share", lambda client, image, accounts: does("share", client, image.image_id, *accounts)
        )
        for step in ("name_it", "make_latest", "announce"):
            monkeypatch.setattr(
                publish, step, lambda client, image, step=step: does(step, client, image.image_id, image.parameter)
            )
        try:
            publish.main(str(tmp_path / "manifest.json"))
        except publish.NotPublishedError:
            done.append("failed")
        return done

    return run


def test_an_image_is_announced_where_it_is_the_latest_and_nowhere_before_it_is_everywhere(
    build: Callable[..., list[str]],
) -> None:
    there = "ami-us-east-1"
    assert build("us-east-1,eu-west-1") == [
        f"test ec2 eu-west-1 {IMAGE_ID} subnet-1",
        f"copy {IMAGE_ID} base-20261129-42 20261129-42",
        f"share ec2 eu-west-1 {IMAGE_ID} 222233334444 333344445555",
        f"name_it ssm eu-west-1 {IMAGE_ID} {OWN}",
        f"share ec2 us-east-1 {there} 222233334444 333344445555",
        f"name_it ssm us-east-1 {there} {OWN}",
        f"make_latest ssm eu-west-1 {IMAGE_ID} {OWN}",
        f"make_latest ssm us-east-1 {there} {OWN}",
        f"announce events eu-west-1 {IMAGE_ID} {OWN}",
        f"announce events us-east-1 {there} {OWN}",
    ]


@pytest.mark.parametrize(("step", "done"), [("test", ["test"]), ("copy", ["test", "copy"])])
def test_an_image_that_failed_its_test_or_was_not_copied_is_nobody_s(
    build: Callable[..., list[str]], step: str, done: list[str]
) -> None:
    assert [each.partition(" ")[0] for each in build("us-east-1", step)] == [*done, "failed"]


# -- copies in other regions -------------------------------------------------------------------------------------------

COPY = "ami-0000000000000000c"
TAGS = {"acme:image": "base", "acme:build": "20261129-42", "Name": "base-20261129-42"}


@pytest.fixture
def copied(module: Callable[[str], ModuleType], stubbed: Stubbed) -> Callable[..., tuple[dict[str, str], list[float]]]:
    """``copied({...}, {...})`` copies the image to a region whose EC2 returns these descriptions, one per read."""
    copy, (there, stub) = module("publish/copy_image"), stubbed("ec2")
    marks = [{"Key": key, "Value": value} for key, value in TAGS.items()]
    asked = {
        "Name": "base-20261129-42",
        "Description": f"Copied from {IMAGE_ID} of eu-west-1",
        "SourceImageId": IMAGE_ID,
        "SourceRegion": "eu-west-1",
        "ClientToken": IMAGE_ID,
        "Encrypted": True,
        "KmsKeyId": "alias/images/base",
        "TagSpecifications": [{"ResourceType": kind, "Tags": marks} for kind in ("image", "snapshot")],
    }

    def run(*looks: dict[str, Any]) -> tuple[dict[str, str], list[float]]:
        stub.add_response("copy_image", {"ImageId": COPY}, asked)
        for look in looks:
            images = {"Images": [{"ImageId": COPY, **look}] if look else []}
            stub.add_response("describe_images", images, {"Filters": [{"Name": "image-id", "Values": [COPY]}]})
        waited: list[float] = []
        return copy.copy_image(
            {"eu-west-1": None, "us-east-1": there}, "eu-west-1", IMAGE_ID, TAGS, waited.append
        ), waited

    return run


def test_a_copy_is_encrypted_tagged_and_waited_for(copied: Callable[..., tuple[dict[str, str], list[float]]]) -> None:
    assert copied({}, {"State": "pending"}, {"State": "available"}) == ({"us-east-1": COPY}, [30, 30])


def test_a_copy_that_failed_is_told_with_its_reason(
    copied: Callable[..., tuple[dict[str, str], list[float]]], module: Callable[[str], ModuleType]
) -> None:
    failed = {"State": "failed", "StateReason": {"Code": "Client.InternalError", "Message": "The key is disabled"}}

    with pytest.raises(module("publish/copy_image").NotCopiedError, match=f"{COPY} in us-east-1 is failed: The key is"):
        copied({"State": "pending"}, failed)


def test_no_copy_is_waited_for_without_end(
    copied: Callable[..., tuple[dict[str, str], list[float]]],
    module: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module("publish/copy_image"), "TRIES", 2)

    with pytest.raises(Exception, match=f"within 60 s: {COPY} in us-east-1 is pending"):
        copied({"State": "pending"}, {"State": "pending"})


def test_without_other_regions_nothing_is_copied(module: Callable[[str], ModuleType]) -> None:
    assert module("publish/copy_image").copy_image({"eu-west-1": None}, "eu-west-1", IMAGE_ID, TAGS) == {}


def test_the_longest_wait_for_copies_fits_into_half_of_the_build(module: Callable[[str], ModuleType]) -> None:
    copy = module("publish/copy_image")
    project = load(str(EXAMPLE / "template.yaml"))["Resources"]["Project"]["Properties"]

    assert project["TimeoutInMinutes"] * 60 / 2 >= copy.TRIES * copy.EVERY_SECONDS


# -- retiring ----------------------------------------------------------------------------------------------------------

NOW = datetime.now(UTC)
OLD, NEWER, YOUNG = "ami-00000000000000001", "ami-00000000000000002", "ami-00000000000000003"
ARN = "arn:aws:ec2:eu-west-1:111122223333"
GROUP = "arn:aws:autoscaling:eu-west-1:111122223333:autoScalingGroup:1:autoScalingGroupName/fleet"


def described(image_id: str, days: int) -> dict[str, Any]:
    made = (NOW - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    tags = [{"Key": "acme:image", "Value": "base"}, {"Key": "acme:build", "Value": f"build-{image_id[-1]}"}]
    return {"ImageId": image_id, "CreationDate": made, "Tags": tags}


class Account:
    """The account's responses; a test gives the differences from an old image that nothing uses."""

    def __init__(self, stubbed: Stubbed) -> None:
        (self.ec2, self.images), (self.ssm, self.names), (self.scaling, self.groups) = (
            stubbed(each) for each in ("ec2", "ssm", "autoscaling")
        )

    def look(
        self,
        *,
        references: list[tuple[str, str]] = [],  # noqa: B006
        configurations: list[str] = [],  # noqa: B006
        groups: list[dict[str, Any]] = [],  # noqa: B006
        named: list[str] = [],  # noqa: B006
        history: list[str] = [NEWER, YOUNG],  # noqa: B006
    ) -> None:
        tagged = [{"Name": "tag:acme:image", "Values": ["base"]}, {"Name": "tag-key", "Values": ["acme:build"]}]
        images = [described(OLD, 400), described(NEWER, 300), described(YOUNG, 10)]
        self.images.add_response("describe_images", {"Images": images}, {"Owners": ["self"], "Filters": tagged})
        published = [{"Value": each, "Version": number} for number, each in enumerate([OLD, *history], 1)]
        self.names.add_response("get_parameter_history", {"Parameters": published}, {"Name": LATEST})
        found = [{"ImageId": image, "ResourceType": "ec2:Instance", "Arn": arn} for image, arn in references]
        asked = {"ImageIds": [OLD, NEWER], "IncludeAllResourceTypes": True}
        self.images.add_response("describe_image_references", {"ImageReferences": found}, asked)
        launched = [
            {"LaunchConfigurationName": "c", "LaunchConfigurationARN": "arn:lc", "ImageId": each}
            for each in configurations
        ]
        common = {"InstanceType": "t3.micro", "CreatedTime": NOW}
        self.groups.add_response(
            "describe_launch_configurations", {"LaunchConfigurations": [{**each, **common} for each in launched]}
        )
        self.groups.add_response("describe_auto_scaling_groups", {"AutoScalingGroups": groups})
        for image_id in named:
            version = {"LaunchTemplateData": {"ImageId": image_id}}
            self.images.add_response(
                "describe_launch_template_versions",
                {"LaunchTemplateVersions": [version]},
                {"LaunchTemplateId": "lt-1", "Versions": ["3"]},
            )

    def reports(self, image_id: str, *states: str, hours: int = 20) -> None:
        made = NOW - timedelta(hours=hours)
        found = [{"ReportId": f"r-{state}", "State": state, "CreationTime": made} for state in states]
        self.images.add_response("describe_image_usage_reports", {"ImageUsageReports": found}, {"ImageIds": [image_id]})

    def entries(self, *entries: dict[str, Any]) -> None:
        asked = {"ReportIds": ["r-available"]}
        self.images.add_response("describe_image_usage_report_entries", {"ImageUsageReportEntries": [*entries]}, asked)

    def asks(self, image_id: str) -> None:
        kinds = [{"ResourceType": "ec2:Instance"}, {"ResourceType": "ec2:LaunchTemplate"}]
        asked = {"ImageId": image_id, "ResourceTypes": kinds}
        self.images.add_response("create_image_usage_report", {"ReportId": "r-new"}, asked)

    def goes(self, image_id: str, code: str = "success") -> None:
        asked = {"Names": [f"/images/base/build-{image_id[-1]}"]}
        self.names.add_response("delete_parameters", {"DeletedParameters": asked["Names"]}, asked)
        snapshots = [{"SnapshotId": "snap-1", "ReturnCode": code}]
        asked_for = {"ImageId": image_id, "DeleteAssociatedSnapshots": True}
        self.images.add_response("deregister_image", {"Return": True, "DeleteSnapshotResults": snapshots}, asked_for)


@pytest.fixture
def account(stubbed: Stubbed) -> Account:
    return Account(stubbed)


@pytest.fixture
def retire(
    module: Callable[[str], ModuleType], account: Account, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """``retire()`` invokes the function with that account; images younger than 180 days are kept, and the last two."""
    function = module("functions/retire/retire_images")
    clients = {"ec2": account.ec2, "ssm": account.ssm, "autoscaling": account.scaling}
    monkeypatch.setattr(function, "boto3", SimpleNamespace(client=lambda name, **_: clients[name]))
    for name, text in {"IMAGE": "base", "KEEP_DAYS": "180", "KEEP_NEWEST": "2"}.items():
        monkeypatch.setenv(name, text)

    def invoke(**event: Any) -> dict[str, Any]:
        answer: dict[str, Any] = function.handler(event, None)
        return answer

    return invoke


KEPT = {NEWER: ["one of the last 2 that were published"]}


def test_an_old_image_that_nothing_uses_goes_with_its_name_and_snapshots(
    retire: Callable[..., dict[str, Any]], account: Account
) -> None:
    account.look()
    account.reports(OLD, "available")
    account.entries()
    account.goes(OLD)

    assert retire() == {"retired": [OLD], "kept": KEPT, "waiting": [], "dry_run": False}


def test_a_dry_run_only_tells(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    account.look()
    account.reports(OLD, "available")
    account.entries()

    assert retire(dry_run=True) == {"retired": [OLD], "kept": KEPT, "waiting": [], "dry_run": True}


def test_a_dry_run_asks_for_no_report(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    account.look()
    account.reports(OLD)

    assert retire(dry_run=True)["waiting"] == [OLD]


GROUP_OF = {
    "AutoScalingGroupName": "fleet",
    "AutoScalingGroupARN": GROUP,
    "MinSize": 0,
    "MaxSize": 1,
    "DesiredCapacity": 0,
    "DefaultCooldown": 300,
    "AvailabilityZones": ["eu-west-1a"],
    "HealthCheckType": "EC2",
    "CreatedTime": NOW,
}
TEMPLATE = {"LaunchTemplateId": "lt-1", "Version": "3"}


@pytest.mark.parametrize(
    ("used", "user"),
    [
        ({"references": [(OLD, f"{ARN}:instance/i-1")]}, f"{ARN}:instance/i-1"),
        ({"references": [(OLD, f"{ARN}:launch-template/lt-1")]}, f"{ARN}:launch-template/lt-1"),
        ({"references": [(OLD, "arn:aws:ssm:eu-west-1:111122223333:parameter/shop/image")]}, "parameter/shop/image"),
        ({"configurations": [OLD]}, "arn:lc"),
        ({"groups": [{**GROUP_OF, "LaunchTemplate": TEMPLATE}], "named": [OLD]}, GROUP),
        (
            {
                "groups": [
                    {**GROUP_OF, "MixedInstancesPolicy": {"LaunchTemplate": {"LaunchTemplateSpecification": TEMPLATE}}}
                ],
                "named": [OLD],
            },
            GROUP,
        ),
        (
            {"groups": [{**GROUP_OF, "MixedInstancesPolicy": {"LaunchTemplate": {"Overrides": [{"ImageId": OLD}]}}}]},
            GROUP,
        ),
    ],
)
def test_an_image_in_use_is_kept(
    retire: Callable[..., dict[str, Any]], account: Account, used: dict[str, Any], user: str
) -> None:
    account.look(**used)
    told = retire()

    assert (told["retired"], told["waiting"]) == ([], [])
    assert told["kept"][OLD][0].endswith(user)


def in_a_group(account: Account, image: str) -> None:
    account.look(groups=[{**GROUP_OF, "LaunchTemplate": TEMPLATE}], named=[image])


@pytest.mark.parametrize("name", ["/images/base/build-1", "/images/base/latest:3"])
def test_an_image_that_a_launch_template_has_by_its_name_is_kept(
    retire: Callable[..., dict[str, Any]], account: Account, name: str
) -> None:
    in_a_group(account, f"resolve:ssm:{name}")
    account.names.add_response("get_parameter", *value(name, OLD))

    assert retire()["kept"][OLD] == [GROUP]


def test_a_name_that_is_gone_keeps_nothing(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    in_a_group(account, "resolve:ssm:/images/base/build-0")
    account.names.add_client_error("get_parameter", "ParameterNotFound")
    account.reports(OLD, "pending")

    assert retire()["waiting"] == [OLD]


@pytest.mark.parametrize(
    "image", ["resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023", "resolve:ssm:/shop/image"]
)
def test_names_of_others_are_not_read(retire: Callable[..., dict[str, Any]], account: Account, image: str) -> None:
    """Whatever has the image under another name is another reference; reading it needs a permission."""
    in_a_group(account, image)
    account.reports(OLD, "pending")

    assert retire()["waiting"] == [OLD]


def test_an_image_that_cannot_be_deregistered_keeps_no_other(
    retire: Callable[..., dict[str, Any]], account: Account
) -> None:
    account.look(history=[YOUNG, "ami-00000000000000009"])
    for image_id in (OLD, NEWER):
        account.reports(image_id, "available")
        account.entries()
    account.names.add_response("delete_parameters", {}, {"Names": ["/images/base/build-1"]})
    account.images.add_client_error("deregister_image", "OperationNotPermitted", "protected")
    account.goes(NEWER)

    with pytest.raises(Exception, match=f"^{OLD} is not deregistered: .*protected$"):
        retire()


def test_its_own_name_is_no_use_of_an_image(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    account.look(references=[(OLD, "arn:aws:ssm:eu-west-1:111122223333:parameter/images/base/build-1")])
    account.reports(OLD, "available")
    account.entries()
    account.goes(OLD)

    assert retire()["retired"] == [OLD]


def test_an_image_in_use_elsewhere_is_kept(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    account.look()
    account.reports(OLD, "available")
    account.entries(
        {"ResourceType": "ec2:Instance", "UsageCount": 3, "AccountId": "222233334444"},
        {"ResourceType": "ec2:LaunchTemplate", "UsageCount": 0, "AccountId": "333344445555"},
    )

    assert retire()["kept"][OLD] == ["3 ec2:Instance of 222233334444"]


@pytest.mark.parametrize(
    ("states", "hours", "asks"),
    [([], 0, True), (["pending"], 2, False), (["available"], 60, True), (["error"], 2, True)],
)
def test_an_image_waits_for_what_is_known_of_other_accounts(
    retire: Callable[..., dict[str, Any]], account: Account, states: list[str], hours: int, asks: bool
) -> None:
    account.look()
    account.reports(OLD, *states, hours=hours)
    if asks:
        account.asks(OLD)

    assert retire()["waiting"] == [OLD]


def test_the_image_before_the_last_is_kept_however_old(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    account.look(history=[YOUNG])
    account.reports(NEWER, "pending")

    assert retire()["kept"][OLD] == ["one of the last 2 that were published"]


def test_a_snapshot_that_is_left_is_told(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    account.look()
    account.reports(OLD, "available")
    account.entries()
    account.goes(OLD, "missing-permissions")

    with pytest.raises(Exception, match="is deregistered, but not all of its snapshots are deleted"):
        retire()


def test_before_the_first_old_image_nothing_is_asked(retire: Callable[..., dict[str, Any]], account: Account) -> None:
    account.images.add_response("describe_images", {"Images": [described(YOUNG, 10)]})

    assert retire() == {"retired": [], "kept": {}, "waiting": [], "dry_run": False}


def test_its_role_allows_the_calls_that_it_makes_and_no_others(
    retire: Callable[..., dict[str, Any]], account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: set[str] = set()
    call = BaseClient._make_api_call

    def noted(client: Any, operation: str, given: Any) -> Any:
        called.add(f"{client.meta.service_model.service_name}:{operation}")
        return call(client, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    account.look(groups=[{**GROUP_OF, "LaunchTemplate": TEMPLATE}], named=[f"resolve:ssm:{LATEST}"])
    account.names.add_response("get_parameter", *value(LATEST, YOUNG))
    account.reports(OLD)
    account.asks(OLD)
    retire()
    account.look()
    account.reports(OLD, "available")
    account.entries()
    account.goes(OLD)
    retire()

    template = load(str(EXAMPLE / "region.yaml"))
    managed, policy = template["Resources"]["RetireImagesFunction"]["Properties"]["Policies"]
    actions = [each["Action"] for each in policy["Statement"] if each["Effect"] == "Allow"]
    granted = {action for each in actions for action in ([each] if isinstance(each, str) else each)}
    # EC2 deletes snapshots with the caller's permissions.
    assert called - {"ec2:DescribeImageReferences"} == granted - {"ec2:DeleteSnapshot"}
    assert "AmazonEC2ImageReferencesAccessPolicy" in str(managed)
