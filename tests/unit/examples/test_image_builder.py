"""The image builder: what its templates allow, what its scripts leave, and what Packer is given."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from iam_decisions import decided as decided_by
from reference_pipeline import made

from belay.release.registration import admit, refused_read
from cli.build import build_release, read_back
from cli.registration_files import checked, filled, read_files
from cli.validate import command as validate
from packs.check_templates.validator import Validator

EXAMPLE = Path("examples/image_builder")
SCRIPTS = EXAMPLE / "image"
TEMPLATES = ["template.yaml", "region.yaml", "subscription.yaml", "application/template.yaml"]
ACCOUNT, REGION = "111122223333", "eu-west-1"
EC2, OTHERS = f"arn:aws:ec2:{REGION}:{ACCOUNT}:", "222233334444,333344445555"
GIVEN = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetId": "subnet-0123456789abcdef0",
    "RepositoryUrl": "https://github.com/acme/images.git",
    "ConnectionArn": f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/github",
    "OnCallTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:on-call",
}
SUBSCRIBED = {
    "Application": "shop",
    "ReleaseBucketName": "releases",
    "LedgerTableName": "ledger",
    "DeadLetterQueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:undelivered",
}


# -- the templates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_valid(name: str) -> None:
    assert Validator({}).check(name, (EXAMPLE / name).read_bytes(), {})["diagnostics"] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_keeps_the_policies(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    validate.main([str(EXAMPLE / name)], standalone_mode=False)

    files = "2 files" if name == "template.yaml" else "1 file"
    assert capsys.readouterr().out.startswith(f"PASS: {files}, 0 violations, 0 to review")


def resources(name: str = "template.yaml", **parameters: str) -> dict[str, dict[str, Any]]:
    return made(EXAMPLE / name, {**GIVEN, **SUBSCRIBED, **parameters})


def decided(documents: list[dict[str, Any]], action: str, resource: str, **context: str) -> str:
    """What the engine's evaluator of IAM policies decides."""
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    region = keys.pop("aws:requestedregion", REGION)
    return decided_by(documents, action, resource, region=region, context=keys, account=ACCOUNT)


def build_policy() -> list[dict[str, Any]]:
    (policy,) = resources()["BuildRole"]["Properties"]["Policies"]
    return [policy["PolicyDocument"]]


def function_policy(template: str, function: str) -> list[dict[str, Any]]:
    policies = resources(template)[function]["Properties"]["Policies"]
    return [each for each in policies if isinstance(each, dict)]


OWN, ANOTHER = {"aws__resourcetag/acme:image": "base"}, {"aws__resourcetag/acme:image": "desktop"}
MARKED, MARKED_OTHER = {"aws__requesttag/acme:image": "base"}, {"aws__requesttag/acme:image": "desktop"}


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("ec2:TerminateInstances", f"{EC2}instance/i-1", OWN, True),
        ("ec2:TerminateInstances", f"{EC2}instance/i-1", ANOTHER, False),
        ("ec2:TerminateInstances", f"{EC2}instance/i-1", {}, False),
        ("ec2:DeregisterImage", f"arn:aws:ec2:{REGION}::image/ami-1", ANOTHER, False),
        ("ec2:ModifyImageAttribute", f"arn:aws:ec2:{REGION}::image/ami-1", OWN, True),
        ("ec2:CreateTags", f"{EC2}instance/i-1", {**MARKED, "ec2__createaction": "RunInstances"}, True),
        ("ec2:CreateTags", f"{EC2}instance/i-1", MARKED, False),
        ("ec2:CreateTags", f"{EC2}instance/i-1", {**MARKED, **OWN}, False),
        ("ec2:CreateTags", f"{EC2}instance/i-1", {**MARKED_OTHER, "ec2__createaction": "RunInstances"}, False),
        ("ec2:CreateTags", f"{EC2}key-pair/packer_1", {**MARKED, "ec2__createaction": "CreateKeyPair"}, True),
        ("ec2:CreateTags", f"arn:aws:ec2:{REGION}::image/ami-1", {**MARKED, "ec2__createaction": "CreateImage"}, True),
        ("ec2:CreateTags", f"arn:aws:ec2:{REGION}::image/ami-1", {**MARKED, **OWN}, True),
        ("ec2:CreateTags", f"arn:aws:ec2:{REGION}::image/ami-1", {**MARKED, **ANOTHER}, False),
        ("ec2:CreateTags", f"arn:aws:ec2:{REGION}::image/ami-1", {**MARKED_OTHER, **OWN}, False),
        ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1", {"ec2__owner": "amazon"}, True),
        ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1", {"ec2__owner": ACCOUNT, **OWN}, True),
        ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1", {"ec2__owner": ACCOUNT, **ANOTHER}, False),
        ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::snapshot/snap-of-others", {}, False),
        ("ec2:CopyImage", f"arn:aws:ec2:{REGION}::image/ami-1", OWN, False),
        ("ec2:RunInstances", f"{EC2}subnet/subnet-0123456789abcdef0", {}, True),
        ("ec2:RunInstances", f"{EC2}subnet/subnet-of-others", {}, False),
        ("ec2:RunInstances", f"{EC2}key-pair/of-ann", {}, False),
        ("ec2:AuthorizeSecurityGroupIngress", f"{EC2}security-group/sg-1", {}, False),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", {}, False),
        ("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/images/base/latest", {}, True),
        ("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/images/desktop/latest", {}, False),
        ("ssm:PutParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/belay/applications/shop", {}, False),
    ],
)
def test_the_build_changes_its_own_image_alone(
    action: str, resource: str, context: dict[str, str], allowed: bool
) -> None:
    assert (decided(build_policy(), action, resource, **context) == "Allow") is allowed


THERE, ELSEWHERE = {"aws__requestedregion": "us-east-1"}, {"aws__requestedregion": "ap-south-1"}
COPYING = {"ec2__createaction": "CopyImage"}
KEY_OF = {"kms__resourcealiases": "alias/images/base", "kms__viaservice": "ec2.us-east-1.amazonaws.com"}


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("ec2:CopyImage", f"arn:aws:ec2:{REGION}::image/ami-1", {**OWN, **THERE}, True),
        ("ec2:CopyImage", f"arn:aws:ec2:{REGION}::image/ami-1", {**ANOTHER, **THERE}, False),
        ("ec2:CopyImage", "arn:aws:ec2:us-east-1::image/ami-2", {**MARKED, **THERE}, True),
        ("ec2:CopyImage", "arn:aws:ec2:us-east-1::image/ami-2", {**MARKED_OTHER, **THERE}, False),
        ("ec2:CopyImage", "arn:aws:ec2:ap-south-1::image/ami-2", {**MARKED, **ELSEWHERE}, False),
        ("ec2:CopyImage", "arn:aws:ec2:us-east-1::snapshot/snap-2", THERE, True),
        ("ec2:CreateTags", "arn:aws:ec2:us-east-1::snapshot/snap-2", {**MARKED, **THERE, **COPYING}, True),
        ("ec2:CreateTags", "arn:aws:ec2:us-east-1::image/ami-2", {**MARKED, **THERE}, False),
        ("ec2:ModifyImageAttribute", "arn:aws:ec2:us-east-1::image/ami-2", {**OWN, **THERE}, True),
        ("ec2:ModifyImageAttribute", "arn:aws:ec2:us-east-1::image/ami-2", {**ANOTHER, **THERE}, False),
        ("ec2:DeregisterImage", "arn:aws:ec2:us-east-1::image/ami-2", {**OWN, **THERE}, False),
        ("kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1", KEY_OF, True),
        ("kms:Decrypt", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1", {**KEY_OF, "kms__viaservice": "s3"}, False),
        (
            "kms:Decrypt",
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1",
            {**KEY_OF, "kms__resourcealiases": "alias/db"},
            False,
        ),
        ("kms:CreateGrant", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1", KEY_OF, False),
        (
            "kms:CreateGrant",
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1",
            {**KEY_OF, "kms__grantisforawsresource": "true"},
            True,
        ),
        ("ssm:PutParameter", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/images/base/latest", THERE, True),
        ("ssm:PutParameter", f"arn:aws:ssm:ap-south-1:{ACCOUNT}:parameter/images/base/latest", ELSEWHERE, False),
        ("ssm:PutParameter", f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/images/desktop/latest", THERE, False),
        (
            "events:PutEvents",
            f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default",
            {**THERE, "events__source": "acme.images"},
            True,
        ),
        (
            "events:PutEvents",
            f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default",
            {**THERE, "events__source": "acme"},
            False,
        ),
    ],
)
def test_copies_are_made_of_its_own_image_and_in_the_named_regions_alone(
    action: str, resource: str, context: dict[str, str], allowed: bool
) -> None:
    policy = resources(Regions="us-east-1,eu-central-1")["CopiesPolicy"]["Properties"]["PolicyDocument"]

    assert (decided([policy], action, resource, **context) == "Allow") is allowed


def test_without_other_regions_the_build_may_copy_nothing() -> None:
    assert "CopiesPolicy" not in resources()


def test_each_region_has_its_key_under_the_alias_that_the_build_uses() -> None:
    alias = resources("region.yaml")["KeyAlias"]["Properties"]

    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/images/base", "${Key}")


CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/github"


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        ({}, True),
        ({"codeconnections__fullrepositoryid": "acme/images"}, True),
        ({"codeconnections__fullrepositoryid": "acme/payments"}, False),
        ({"codeconnections__provideraction": "GitPull"}, True),
        ({"codeconnections__provideraction": "GitPush"}, False),
    ],
)
def test_the_connection_reads_the_sources_alone(context: dict[str, str], allowed: bool) -> None:
    found = decided(build_policy(), "codeconnections:UseConnection", CONNECTION, **context)

    assert (found == "Allow") is allowed


@pytest.mark.parametrize("name", ["images", "my.github", "images.git"])
def test_a_repository_s_name_is_that_of_its_url(name: str) -> None:
    policy = resources(RepositoryUrl=f"https://github.com/acme/{name}.git")["BuildRole"]["Properties"]["Policies"]

    assert f'"codeconnections:FullRepositoryId": "acme/{name}"' in json.dumps(policy)


@pytest.mark.parametrize(("tokens", "allowed"), [("required", True), ("optional", False)])
def test_no_machine_is_started_whose_metadata_is_open(tokens: str, allowed: bool) -> None:
    context = {"aws__requesttag/acme:image": "base", "ec2__metadatahttptokens": tokens}

    assert (decided(build_policy(), "ec2:RunInstances", f"{EC2}instance/i-1", **context) == "Allow") is allowed


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("ec2:DeregisterImage", f"arn:aws:ec2:{REGION}::image/ami-1", OWN, True),
        ("ec2:DeregisterImage", f"arn:aws:ec2:{REGION}::image/ami-1", ANOTHER, False),
        ("ec2:DeleteSnapshot", f"arn:aws:ec2:{REGION}::snapshot/snap-1", {}, False),
        ("ssm:DeleteParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/images/base/20261122-41", {}, True),
        ("ssm:DeleteParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/images/base/latest", {}, False),
        ("ssm:DeleteParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/belay/paused", {}, False),
    ],
)
def test_only_images_of_this_name_are_retired_and_never_the_latest_name(
    action: str, resource: str, context: dict[str, str], allowed: bool
) -> None:
    policies = function_policy("region.yaml", "RetireImagesFunction")

    assert (decided(policies, action, resource, **context) == "Allow") is allowed


NEW = {"s3__if-none-match": "*"}
SHOP = {"dynamodb__leadingkeys": "APPLICATION#shop"}
LEDGER = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/ledger"


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("s3:PutObject", "arn:aws:s3:::releases/releases/shop/shop-1.0.0+image-7.zip", NEW, True),
        ("s3:PutObject", "arn:aws:s3:::releases/releases/shop/shop-1.0.0+image-7.zip", {}, False),
        ("s3:PutObject", "arn:aws:s3:::releases/releases/shop-of-mine/1.zip", NEW, False),
        ("s3:PutObject", "arn:aws:s3:::releases/releases/shop/notes.txt", NEW, False),
        ("s3:GetObjectVersion", "arn:aws:s3:::releases/releases/shop/one.zip", {}, True),
        ("s3:GetObjectVersion", "arn:aws:s3:::releases/releases/orders/one.zip", {}, False),
        ("s3:DeleteObject", "arn:aws:s3:::releases/releases/shop/one.zip", {}, False),
        ("dynamodb:GetItem", LEDGER, SHOP, True),
        ("dynamodb:GetItem", LEDGER, {"dynamodb__leadingkeys": "APPLICATION#orders"}, False),
        ("dynamodb:PutItem", LEDGER, SHOP, False),
        ("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/images/base/latest", {}, True),
        ("ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/belay/applications/shop", {}, False),
    ],
)
def test_a_subscription_adds_releases_of_its_application_and_replaces_none(
    action: str, resource: str, context: dict[str, str], allowed: bool
) -> None:
    policies = function_policy("subscription.yaml", "ReleaseImageFunction")

    assert (decided(policies, action, resource, **context) == "Allow") is allowed


def test_nobody_but_the_build_reaches_the_machine_and_nobody_the_instance_of_the_test() -> None:
    found = resources()
    ingress = [
        rule
        for each in found.values()
        if each["Type"] == "AWS::EC2::SecurityGroup"
        for rule in each["Properties"].get("SecurityGroupIngress", ())
    ]

    assert [(rule["FromPort"], "BuildGroup" in rule["SourceSecurityGroupId"]) for rule in ingress] == [("22", True)]
    (egress,) = found["TestGroup"]["Properties"]["SecurityGroupEgress"]
    assert egress["CidrIp"] == "127.0.0.1/32"


@pytest.mark.parametrize(("accounts", "shared"), [("", []), (OTHERS, OTHERS.split(","))])
def test_the_key_is_shared_with_the_accounts_of_the_image(accounts: str, shared: list[str]) -> None:
    key = resources("region.yaml", SharedAccounts=accounts)["Key"]["Properties"]
    others = [each for each in key["KeyPolicy"]["Statement"] if each["Sid"].startswith("Others")]

    assert [each["Principal"]["AWS"] for each in others] == [shared] * (2 if shared else 0)
    assert {action for each in others for action in each["Action"] if "*" in action} == set()


# -- the application that subscribes -----------------------------------------------------------------------------------


def test_its_release_is_admitted_and_may_read_the_names_of_images(tmp_path: Path) -> None:
    outputs = {
        "DeploymentRoleArn": f"arn:aws:iam::{ACCOUNT}:role/belay/shop-deployment",
        "SubnetIds": "subnet-1,subnet-2",
        "SecurityGroupId": "sg-1",
    }
    manifest = read_back(build_release(EXAMPLE / "application", tmp_path / "shop.zip").path)
    registered = checked(manifest.application, filled(read_files([EXAMPLE / "registration"]), outputs))

    admit(manifest, registered.application, registered.stages, {})
    (stage,), (stack,) = registered.stages, manifest.stacks
    assert refused_read(stage, stack.parameters["ImageId"], "") is None
    assert "ImageId" not in stage.stacks["fleet"].parameters
    assert stage.approval.required


# -- Packer and the build ----------------------------------------------------------------------------------------------

PACKER = (SCRIPTS / "base.pkr.hcl").read_text()
BUILDSPEC = yaml.safe_load((EXAMPLE / "buildspec.yaml").read_text())


@pytest.mark.parametrize(
    "line",
    [
        r"http_tokens\s+= \"required\"",
        r"imds_support\s+= \"v2.0\"",
        r"encrypted\s+= true",
        r"associate_public_ip_address = false",
        r"ssh_interface\s+= \"private_ip\"",
        r"security_group_id\s+= var.security_group_id",
    ],
)
def test_packer_starts_a_closed_machine(line: str) -> None:
    assert re.search(line, PACKER)


def test_what_is_downloaded_is_compared_with_a_digest_before_it_is_used() -> None:
    commands, variables = BUILDSPEC["phases"]["install"]["commands"], BUILDSPEC["env"]["variables"]
    checked = next(place for place, each in enumerate(commands) if "sha256sum --check --strict" in each)

    assert all(place < checked for place, each in enumerate(commands) if each.startswith("curl"))
    assert all(place > checked for place, each in enumerate(commands) if each.startswith(("unzip", "packer")))
    assert all(re.fullmatch(r"[0-9a-f]{64}", variables[name]) for name in ("PACKER_SHA256", "PLUGIN_SHA256"))
    (core, plugin) = re.findall(r'version\s*= "= ([\d.]+)"', PACKER)
    assert (variables["PACKER"], variables["PLUGIN"]) == (
        f"packer_{core}_linux_amd64.zip",
        f"packer-plugin-amazon_v{plugin}_x5.0_linux_amd64",
    )


def test_the_build_gives_packer_every_variable_and_nothing_else() -> None:
    given = re.findall(r"PKR_VAR_(\w+)=", "\n".join(BUILDSPEC["phases"]["build"]["commands"]))

    assert sorted(given) == sorted(re.findall(r'variable "(\w+)"', PACKER))


def test_nothing_is_published_that_failed() -> None:
    assert all(phase["on-failure"] == "ABORT" for phase in BUILDSPEC["phases"].values())
    assert "post_build" not in BUILDSPEC["phases"]  # it runs after a failed build, too
    assert BUILDSPEC["phases"]["build"]["commands"][-1].startswith("python publish/publish_image.py")


def test_the_image_is_checked_after_it_was_cleaned() -> None:
    steps = re.findall(r"(install|harden|clean)\.sh\"|(sshd -t|check\.sh / sealed)", PACKER)

    assert [name or command for name, command in steps] == [
        "install",
        "harden",
        "sshd -t",
        "clean",
        "check.sh / sealed",
    ]


# -- the scripts, on a made-up root ------------------------------------------------------------------------------------

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nec2-user:x:1000:1000::/home/ec2-user:/bin/bash\n",
    "etc/group": "root:x:0:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\nec2-user:!!:19000:0:99999:7:::\n",
    "etc/gshadow": "root:::\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/ssh/sshd_config": "# Amazon's\nInclude /etc/ssh/sshd_config.d/*.conf\n\nPermitRootLogin yes\n",
    "etc/ssh/sshd_config.d/50-redhat.conf": "X11Forwarding yes\nMatch User git\n  PasswordAuthentication yes\n",
    "etc/ssh/ssh_host_ed25519_key": "secret",
    "etc/ssh/ssh_host_ed25519_key.pub": "public",
    "home/ec2-user/.ssh/authorized_keys": "ssh-ed25519 AAAA packer_1\n",
    "home/ec2-user/.bash_history": "ls\n",
    "home/ec2-user/.aws/credentials": "aws_access_key_id = AKIAABCDEFGHIJKLMNOP\n",
    "root/.bash_history": "ls\n",
    "root/.bashrc": "alias ls\n",
    "tmp/script_1.sh": "echo\n",
    "var/lib/cloud/instances/i-1/user-data.txt": "echo\n",
    "var/log/messages": "booted\n",
    "var/tmp/notes": "x\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine as it is before the scripts."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o644)
    for name in ("tmp", "var/tmp"):
        (tmp_path / name).chmod(0o1777)
    return tmp_path


@pytest.fixture
def image(root: Path) -> Path:
    """The machine after them."""
    for script in ("harden.sh", "clean.sh"):
        run(script, root).check_returncode()
    return root


def run(script: str, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", SCRIPTS / script, root, *arguments], capture_output=True, text=True, check=False
    )


def failures(root: Path) -> list[str]:
    """The check's output for an image, paths from its root; it exits with 1 if there is any."""
    checked = run("check.sh", root, "sealed")
    told = checked.stdout.splitlines()
    assert (checked.returncode, checked.stderr) == (1 if told else 0, "")
    return sorted(each.removeprefix("FAIL ").replace(": /", ": ") for each in told)


def test_what_the_scripts_leave_passes(image: Path) -> None:
    assert failures(image) == []


def test_what_they_did_not_touch_is_there(image: Path) -> None:
    assert (image / "root" / ".bashrc").read_text() == FILES["root/.bashrc"]
    assert (image / "etc" / "passwd").read_text() == FILES["etc/passwd"]
    assert (image / "var" / "log" / "messages").read_text() == ""
    assert [*(image / "tmp").iterdir()] == []


def test_a_machine_as_it_is_does_not_pass(root: Path) -> None:
    told = failures(root)

    assert "sshd: permitrootlogin is not set, not no" in told
    assert "history: root/.bash_history" in told
    assert "key of a host: etc/ssh/ssh_host_ed25519_key" in told
    assert "key of a person: home/ec2-user/.ssh/authorized_keys" in told
    assert "secret: home/ec2-user/.aws/credentials" in told
    assert "of one instance: etc/machine-id" in told
    assert "permissions: etc/shadow has 0644" in told


def write(path: str, text: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).unlink(missing_ok=True)
        (root / path).write_text(text)
        (root / path).chmod(0o600 if "ssh" in path or "shadow" in path else 0o644)

    return change


def mode(path: str, bits: int) -> Callable[[Path], None]:
    return lambda root: (root / path).chmod(bits)


OWN_SSHD = "etc/ssh/sshd_config.d/00-image.conf"
WRITTEN = (SCRIPTS / "harden.sh").read_text().partition("00-image.conf\" << 'END'\n")[2].partition("END\n")[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (write("etc/ssh/sshd_config.d/00-a.conf", "PermitRootLogin yes\n"), ["sshd: permitrootlogin is yes, not no"]),
        (
            write("etc/ssh/sshd_config.d/00-a.conf", "passwordauthentication=YES\n"),
            ["sshd: passwordauthentication is yes, not no"],
        ),
        (write(OWN_SSHD, WRITTEN.replace("MaxAuthTries 4\n", "")), ["sshd: maxauthtries is not set, not 4"]),
        (
            write(OWN_SSHD, WRITTEN.replace("LoginGraceTime", "Match User ann\nLoginGraceTime")),
            [
                "sshd: clientalivecountmax is not set, not 3",
                "sshd: clientaliveinterval is not set, not 300",
                "sshd: logingracetime is not set, not 60",
            ],
        ),
        (
            write("etc/ssh/sshd_config", "Port 22\nInclude /etc/ssh/sshd_config.d/*.conf\n"),
            ["sshd: sshd_config begins with port 22, not with Include"],
        ),
        (write("etc/issue.net", ""), ["banner: etc/issue.net is empty or missing"]),
        (write("etc/issue", "Amazon Linux \\r\n"), ["banner: etc/issue names the system"]),
        (write("etc/shadow", "root:*:1::::::\nann::1::::::\n"), ["no password: ann"]),
        (write("etc/shadow", "root:$6$salt$hash:1::::::\n"), ["root can log in with a password: root"]),
        (write("etc/passwd", FILES["etc/passwd"] + "toor:x:0:0::/:/bin/bash\n"), ["another root: toor"]),
        (mode("etc/shadow", 0o640), ["permissions: etc/shadow has 0640"]),
        (mode("etc/passwd", 0o664), ["permissions: etc/passwd has 0664"]),
        (lambda root: (root / "etc/gshadow").unlink(), ["permissions: there is no /etc/gshadow"]),
        (mode("var/log/messages", 0o666), ["everybody can write: var/log/messages"]),
        (mode("var/tmp", 0o777), ["everybody can write, and delete what is another's: var/tmp"]),
        (write("root/.ssh/authorized_keys", "ssh-rsa AAAA\n"), ["key of a person: root/.ssh/authorized_keys"]),
        (write("root/.python_history", "import os\n"), ["history: root/.python_history"]),
        (write("var/log/cloud.log", "-----BEGIN RSA PRIVATE KEY-----\n"), ["secret: var/log/cloud.log"]),
        (write("home/ec2-user/.env", "ASIAABCDEFGHIJKLMNOP\n"), ["secret: home/ec2-user/.env"]),
        (write("var/lib/cloud/sem/a", ""), ["of one instance: var/lib/cloud/sem"]),
        (write("etc/machine-id", "0123\n"), ["of one instance: etc/machine-id"]),
    ],
)
def test_the_check_finds(image: Path, change: Callable[[Path], None], told: list[str]) -> None:
    change(image)

    assert failures(image) == told


@pytest.mark.parametrize("script", ["harden.sh", "clean.sh", "check.sh"])
def test_a_script_without_a_root_does_nothing(script: str) -> None:
    ended = subprocess.run(["/bin/bash", SCRIPTS / script], capture_output=True, text=True, check=False)

    assert ended.returncode != 0
    assert "expected the root of the machine" in ended.stderr


def booted(image: Path, tmp_path: Path, *, running: bool, sshd: int = 0) -> list[str]:
    """The check's output for an instance, with commands of a system that does not exist."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name, status in {"systemctl": 0 if running else 3, "sshd": sshd}.items():
        (commands / name).write_text(f"#!/bin/bash\nexit {status}\n")
        (commands / name).chmod(0o755)
    path = f"{commands}:{Path(shutil.which('bash') or '/bin/bash').parent}:/usr/bin:/bin"
    checked = subprocess.run(
        ["/bin/bash", SCRIPTS / "check.sh", image, "booted"],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return checked.stdout.splitlines()


def test_an_instance_may_have_keys_of_its_own_and_has_to_run_its_services(image: Path, tmp_path: Path) -> None:
    write("etc/ssh/ssh_host_ed25519_key", "secret")(image)

    assert booted(image, tmp_path, running=True) == []


def test_an_instance_whose_services_do_not_run_does_not_pass(image: Path, tmp_path: Path) -> None:
    assert booted(image, tmp_path, running=False, sshd=255) == [
        "FAIL service: sshd does not run",
        "FAIL service: chronyd does not run",
        "FAIL service: auditd does not run",
        "FAIL sshd: cannot read its configuration",
    ]
