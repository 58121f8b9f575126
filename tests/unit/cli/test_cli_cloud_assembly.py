"""A CDK application's synthesised assembly becomes the stacks and files of a release."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from belay.errors import InvalidRelease
from belay.template.loader import load
from cli.assembly.cloud_assembly import read_assembly
from cli.assembly.rewriting import Locations, substituted
from cli.assembly.writing import write_directory
from cli.build import build_release, read_back
from cli.reader import FileReader

EXAMPLE = Path(__file__).parents[3] / "examples" / "orders-cdk"
ASSEMBLY = EXAMPLE / "cdk.out"
BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
REPOSITORY = "cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}"
REGISTRY = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
URI = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/orders@sha256:" + "a" * 64


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSEMBLY, tmp_path / "cdk.out"))


def edited(assembly: Path, name: str) -> Any:
    return json.loads((assembly / name).read_text())


def stored(assembly: Path, name: str, document: Any) -> None:
    (assembly / name).write_text(json.dumps(document))


def problems(assembly: Path, images: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InvalidRelease) as refused:
        read_assembly(assembly, images or {})
    return list(refused.value.problems)


def test_stacks_come_in_the_order_of_their_dependencies() -> None:
    stacks = read_assembly(ASSEMBLY, {}).stacks

    assert [stack["name"] for stack in stacks] == ["Storage", "Service"]
    assert stacks[1]["depends_on"] == ["Storage"]
    assert stacks[1]["capabilities"] == ["CAPABILITY_IAM"]
    assert "capabilities" not in stacks[0]


def test_nothing_of_the_bootstrap_stack_is_left() -> None:
    release = read_assembly(ASSEMBLY, {})

    for template in release.templates.values():
        assert b"cdk-hnb659fds" not in template
        assert b"BootstrapVersion" not in template


def test_assets_are_found_in_the_release() -> None:
    release = read_assembly(ASSEMBLY, {})
    service = json.loads(release.templates["Service.template.json"])
    (function,) = [each for each in service["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
    key = function["Properties"]["Code"]["S3Key"]["Fn::Sub"].removeprefix("${ReleasePrefix}/")

    assert function["Properties"]["Code"]["S3Bucket"] == {"Fn::Sub": "${ReleaseBucket}"}
    assert release.assets[key].zipped
    assert {"ReleaseBucket", "ReleasePrefix", "StorageStackName"} == service["Parameters"].keys()


def test_a_permission_for_an_asset_is_one_for_a_file_of_the_release() -> None:
    text = read_assembly(ASSEMBLY, {}).templates["Service.template.json"].decode()

    assert '"arn:${AWS::Partition}:s3:::${ReleaseBucket}/${ReleasePrefix}/assets/' in text


def test_a_nested_template_is_a_file_of_the_release() -> None:
    release = read_assembly(ASSEMBLY, {})
    storage = json.loads(release.templates["Storage.template.json"])
    (nested,) = [each for each in storage["Resources"].values() if each["Type"] == "AWS::CloudFormation::Stack"]
    url = nested["Properties"]["TemplateURL"]["Fn::Sub"]
    start = "https://s3.${AWS::Region}.${AWS::URLSuffix}/${ReleaseBucket}/${ReleasePrefix}/"

    assert url.removeprefix(start) in release.templates
    assert "Parameters" not in nested["Properties"]


def test_a_nested_template_with_assets_gets_their_place_from_its_parent(assembly: Path) -> None:
    (name,) = [each.name for each in assembly.glob("*.nested.template.json")]
    nested = edited(assembly, name)
    nested["Outputs"]["Where"] = {"Value": {"Fn::Sub": BUCKET}}
    stored(assembly, name, nested)

    storage = json.loads(read_assembly(assembly, {}).templates["Storage.template.json"])
    (resource,) = [each for each in storage["Resources"].values() if each["Type"] == "AWS::CloudFormation::Stack"]

    assert resource["Properties"]["Parameters"] == {"ReleaseBucket": {"Ref": "ReleaseBucket"}}


def test_exports_are_named_after_the_stack_in_its_stage() -> None:
    templates = read_assembly(ASSEMBLY, {}).templates
    storage, service = (json.loads(templates[f"{name}.template.json"]) for name in ("Storage", "Service"))
    exported = {
        each["Export"]["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}:") for each in storage["Outputs"].values()
    }
    imported = json.dumps(service).split("${StorageStackName}:")[1:]

    assert {each.split('"')[0] for each in imported} == exported


def test_the_release_is_built_and_read_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    write_directory(EXAMPLE / "release", read_assembly(ASSEMBLY, {}), tmp_path / "release")
    built = build_release(tmp_path / "release", tmp_path / "orders.zip")

    manifest = read_back(built.path)
    assert [stack.name for stack in manifest.stacks] == ["Storage", "Service"]
    assert all(load((tmp_path / "release" / each.template).read_bytes(), each.template) for each in manifest.stacks)
    assert FileReader(built.path)


def test_the_same_assembly_gives_the_same_bytes(tmp_path: Path) -> None:
    built = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_directory(EXAMPLE / "release", read_assembly(ASSEMBLY, {}), tmp_path / name)
        built.append(build_release(tmp_path / name, tmp_path / f"{name}.zip").sha256)

    assert built[0] == built[1]


def test_a_zipped_asset_keeps_what_may_be_run(assembly: Path, tmp_path: Path) -> None:
    (code,) = [each for each in assembly.glob("asset.*") if each.is_dir()]
    (code / ".config").write_text("hidden files belong to the code")
    (code / "bootstrap").write_text("#!/bin/sh\n")
    (code / "bootstrap").chmod(0o755)
    (tmp_path / "release").mkdir()
    write_directory(EXAMPLE / "release", read_assembly(assembly, {}), tmp_path / "release")

    (path,) = (tmp_path / "release" / "assets").glob("*.zip")
    with zipfile.ZipFile(path) as archive:
        modes = {each.filename: each.external_attr >> 16 & 0o777 for each in archive.infolist()}
    assert modes == {".config": 0o644, "bootstrap": 0o755, "order.py": 0o644}


def test_an_image_is_named_by_the_digest_that_was_given(assembly: Path) -> None:
    with_image(assembly)

    release = read_assembly(assembly, {"Api": URI})

    service = json.loads(release.templates["Service.template.json"])
    assert service["Resources"]["Task"]["Properties"]["Image"] == {"Fn::Sub": URI}


@pytest.mark.parametrize("given", [{}, {"Api": "orders:latest"}, {"Web": URI}])
def test_an_image_without_a_digest_is_refused(assembly: Path, given: dict[str, str]) -> None:
    with_image(assembly)

    (problem,) = problems(assembly, given)

    assert "--image Api=REPOSITORY@sha256:DIGEST" in problem


def with_image(assembly: Path) -> None:
    assets = edited(assembly, "Service.assets.json")
    destination = {"repositoryName": REPOSITORY, "imageTag": "abc"}
    assets["dockerImages"]["abc"] = {"displayName": "Api", "source": {}, "destinations": {"here": destination}}
    stored(assembly, "Service.assets.json", assets)
    template = edited(assembly, "Service.template.json")
    image = {"Fn::Sub": f"{REGISTRY}/{REPOSITORY}:abc"}
    template["Resources"]["Task"] = {"Type": "AWS::ECS::TaskDefinition", "Properties": {"Image": image}}
    stored(assembly, "Service.template.json", template)


def test_a_stack_for_one_environment_is_refused(assembly: Path) -> None:
    manifest = edited(assembly, "manifest.json")
    manifest["artifacts"]["Service"]["environment"] = "aws://111122223333/eu-west-1"
    stored(assembly, "manifest.json", manifest)

    assert problems(assembly) == [
        "Service: expected a stack for any environment, found aws://111122223333/eu-west-1: Belay's registration says "
        "where a stage is; leave `env` out"
    ]


def test_context_that_was_not_looked_up_is_refused(assembly: Path) -> None:
    manifest = edited(assembly, "manifest.json")
    manifest["missing"] = [{"key": "vpc-provider:account=1", "provider": "vpc-provider"}]
    stored(assembly, "manifest.json", manifest)

    (problem,) = problems(assembly)
    assert "vpc-provider:account=1 was not looked up" in problem


def test_stages_of_an_application_are_named(assembly: Path) -> None:
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
    stored(assembly, "manifest.json", {"version": "55.0.0", "artifacts": {"assembly-Prod": nested}})

    (problem,) = problems(assembly)
    assert problem.endswith("its stages are assemblies of their own: assembly-Prod")


def test_stacks_that_depend_on_each_other_are_refused(assembly: Path) -> None:
    manifest = edited(assembly, "manifest.json")
    manifest["artifacts"]["Storage"]["dependencies"].append("Service")
    stored(assembly, "manifest.json", manifest)

    (problem,) = problems(assembly)
    assert "depend on each other" in problem


def test_an_asset_outside_the_assembly_is_refused(assembly: Path) -> None:
    assets = edited(assembly, "Service.assets.json")
    next(iter(assets["files"].values()))["source"]["path"] = "../../etc/passwd"
    stored(assembly, "Service.assets.json", assets)

    (problem,) = problems(assembly)
    assert "is outside the assembly" in problem


def test_a_link_in_an_asset_is_refused(assembly: Path, tmp_path: Path) -> None:
    (code,) = [each for each in assembly.glob("asset.*") if each.is_dir()]
    (code / "link").symlink_to("/etc")
    (tmp_path / "release").mkdir()

    with pytest.raises(InvalidRelease, match="found a link"):
        write_directory(EXAMPLE / "release", read_assembly(assembly, {}), tmp_path / "release")


def test_an_asset_that_a_command_makes_is_refused(assembly: Path) -> None:
    assets = edited(assembly, "Service.assets.json")
    assets["files"]["made"] = {"source": {"executable": ["make"]}, "destinations": {}}
    stored(assembly, "Service.assets.json", assets)

    (problem,) = problems(assembly)
    assert "found one that a command makes" in problem


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("manifest.json", "{"),
        ("manifest.json", "[]"),
        ("manifest.json", '{"artifacts": []}'),
        ("Service.assets.json", "1"),
    ],
)
def test_what_is_no_assembly_is_refused_in_words(assembly: Path, name: str, text: str) -> None:
    (assembly / name).write_text(text)

    (problem,) = problems(assembly)
    assert str(assembly) in problem


def test_a_directory_without_an_assembly_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path)
    assert "as `cdk synth` writes it" in problem


def test_a_manifest_with_stacks_of_its_own_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "release.yaml").write_text("application: orders\nversion: 1.0.0\nstacks: []\n")
    (tmp_path / "into").mkdir()

    with pytest.raises(InvalidRelease, match="the assembly has them"):
        write_directory(source, read_assembly(ASSEMBLY, {}), tmp_path / "into")


def test_a_file_in_the_place_of_the_assembly_s_is_refused(tmp_path: Path) -> None:
    source = Path(shutil.copytree(EXAMPLE / "release", tmp_path / "source"))
    (source / "Service.template.json").write_text("{}")
    (tmp_path / "into").mkdir()

    with pytest.raises(InvalidRelease, match="the assembly has a file of this name"):
        write_directory(source, read_assembly(ASSEMBLY, {}), tmp_path / "into")


LOCATIONS = Locations(frozenset({BUCKET}), frozenset({"abc.zip"}))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc.zip", {"Fn::Sub": "${ReleasePrefix}/assets/abc.zip"}),
        ("xabc.zip", "xabc.zip"),
        ({"Fn::Sub": f"s3://{BUCKET}/abc.zip"}, {"Fn::Sub": "s3://${ReleaseBucket}/${ReleasePrefix}/assets/abc.zip"}),
        (
            {"Fn::Join": ["", ["arn:aws:s3:::", {"Fn::Sub": BUCKET}, "/*"]]},
            {"Fn::Sub": "arn:aws:s3:::${ReleaseBucket}/${ReleasePrefix}/*"},
        ),
        (
            {"Fn::Join": ["", ["${literal}", {"Ref": "Name"}, {"Fn::GetAtt": ["A", "B"]}, {"Fn::Sub": BUCKET}]]},
            {"Fn::Sub": "${!literal}${Name}${A.B}${ReleaseBucket}"},
        ),
        (
            {"Fn::Join": ["-", [{"Fn::Sub": BUCKET}, {"Fn::Select": [0, ["abc.zip"]]}]]},
            {
                "Fn::Join": [
                    "-",
                    [
                        {"Fn::Sub": "${ReleaseBucket}"},
                        {"Fn::Select": [0, [{"Fn::Sub": "${ReleasePrefix}/assets/abc.zip"}]]},
                    ],
                ]
            },
        ),
        ({"Fn::ImportValue": "Other:Export"}, {"Fn::ImportValue": "Other:Export"}),
        ({"Fn::Join": ["", ["a", {"Ref": "B"}]]}, {"Fn::Join": ["", ["a", {"Ref": "B"}]]}),
        (7, 7),
    ],
)
def test_a_location_is_moved_wherever_it_is_written(value: Any, expected: Any) -> None:
    assert LOCATIONS.rewritten(value) == expected


def test_what_has_no_text_of_its_own_is_not_substituted() -> None:
    assert substituted({"Fn::Select": [0, ["a"]]}) is None
