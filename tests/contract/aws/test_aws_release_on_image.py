"""A published image makes one release of a subscribing application: the same files, another image."""

import hashlib
import importlib.util
import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from botocore.client import BaseClient
from cfnlint.decode.cfn_yaml import load
from simulated_ledger import accepted, end_stage

from belay.errors import AwsFault
from belay.ledger.ledger import Ledger
from belay.release.archive import open_archive
from belay.release.manifest import ArchivedFiles, Manifest, read_manifest, verify_members
from belay.release.records import Upload, upload_of
from belay.release.version import Version
from cli.build import build_release

EXAMPLE = Path("examples/image_builder")
LATEST = "/images/base/latest"
NEW = {
    "name": "base",
    "build": "20261129-42",
    "image_id": "ami-0fedcba9876543210",
    "parameter": "/images/base/20261129-42",
    "commit": "2fd4e1c",
}
EVENT = {"source": "acme.images", "detail-type": "Image Published", "detail": NEW}
KEY = "releases/shop/shop-1.0.0+image-20261129-42.zip"


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function's module, with the environment that its template sets."""
    for name, value in {
        "APPLICATION": "shop",
        "STAGE": "production",
        "STACK": "fleet",
        "PARAMETER": "ImageId",
        "PIN": "parameter",
        "LATEST": LATEST,
    }.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location(
        "release_image", EXAMPLE / "functions" / "release" / "release_image.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "release_image", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def s3(simulated: Callable[[str], Any]) -> Any:
    client = simulated("s3")
    client.create_bucket(Bucket="releases", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    client.put_bucket_versioning(Bucket="releases", VersioningConfiguration={"Status": "Enabled"})
    publish(simulated, NEW["image_id"])
    return client


def publish(simulated: Callable[[str], Any], image_id: str) -> None:
    simulated("ssm").put_parameter(Name=LATEST, Value=image_id, Type="String", Overwrite=True)


def zipped(tmp_path: Path, edit: Callable[[str], str] = lambda text: text) -> bytes:
    """The example application's release, built as its authors do, with provenance."""
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "provenance.json").write_text('{"commit": "1234"}')
    (folder / "template.yaml").write_text((EXAMPLE / "application" / "template.yaml").read_text())
    (folder / "release.yaml").write_text(edit((EXAMPLE / "application" / "release.yaml").read_text()))
    return build_release(folder, tmp_path / "release.zip").path.read_bytes()


def deployed(
    s3: Any, ledger: Ledger, data: bytes, version: str = "1.0.0", key: str = "releases/shop/one.zip"
) -> Upload:
    """Upload a release and record in the ledger that production runs it."""
    stored = s3.put_object(Bucket="releases", Key=key, Body=data)
    upload = upload_of("shop", "releases", key, stored["VersionId"], len(data))
    release = accepted(ledger, upload, version)
    end_stage(ledger, release)
    return upload


class Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def released(s3: Any, key: str = KEY) -> tuple[Manifest, ArchivedFiles]:
    """The release that was put, read as Belay reads it."""
    archive = open_archive(Bytes(s3.get_object(Bucket="releases", Key=key)["Body"].read()))
    manifest = read_manifest(archive)
    verify_members(manifest, archive)
    return manifest, ArchivedFiles(archive, manifest)


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_object_versions(Bucket="releases")["Versions"]]


def test_what_production_runs_is_released_with_the_new_image(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path
) -> None:
    data = zipped(tmp_path)
    deployed(s3, ledger, data)

    told = function.handler(EVENT, None)

    assert told == {"released": "1.0.0+image-20261129-42", "key": KEY}
    manifest, files = released(s3)
    with zipfile.ZipFile(io.BytesIO(data)) as before:
        assert {name: files[name] for name in ("template.yaml", "provenance.json")} == {
            name: before.read(name) for name in ("template.yaml", "provenance.json")
        }
    assert json.loads(files["image.json"]) == NEW
    (stack,) = manifest.stacks
    assert stack.parameters == {"ImageId": "/images/base/20261129-42"}
    assert (str(manifest.version), manifest.description) == (
        "1.0.0+image-20261129-42",
        "1.0.0 on the image 20261129-42",
    )


def test_one_event_twice_is_one_release(function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path) -> None:
    deployed(s3, ledger, zipped(tmp_path))

    answers = [function.handler(EVENT, None) for _ in range(2)]

    assert [answer["released"] for answer in answers] == ["1.0.0+image-20261129-42", None]
    assert keys(s3).count(KEY) == 1


def test_a_stage_that_runs_the_image_is_left_alone(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path
) -> None:
    deployed(s3, ledger, zipped(tmp_path, lambda text: text.replace("/images/base/20261122-41", NEW["parameter"])))

    assert function.handler(EVENT, None) == {
        "released": None,
        "because": "1.0.0 is on /images/base/20261129-42 already",
    }
    assert keys(s3) == ["releases/shop/one.zip"]


def test_an_event_that_comes_late_takes_no_image_back(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path, simulated: Callable[[str], Any]
) -> None:
    deployed(s3, ledger, zipped(tmp_path))
    publish(simulated, "ami-00000000000000043")

    assert function.handler(EVENT, None)["because"] == f"{LATEST} is ami-00000000000000043 by now"
    assert keys(s3) == ["releases/shop/one.zip"]


def test_the_image_of_an_image_s_release_is_another_one(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path, simulated: Callable[[str], Any]
) -> None:
    deployed(s3, ledger, zipped(tmp_path))
    function.handler(EVENT, None)
    first = s3.get_object(Bucket="releases", Key=KEY)["Body"].read()
    deployed(s3, ledger, first, "1.0.0+image-20261129-42", "releases/shop/two.zip")
    newer = {
        **NEW,
        "build": "20261206-43",
        "image_id": "ami-00000000000000043",
        "parameter": "/images/base/20261206-43",
    }
    publish(simulated, newer["image_id"])

    told = function.handler({"detail": newer}, None)

    assert told["released"] == "1.0.0+image-20261206-43"
    _, files = released(s3, told["key"])
    assert json.loads(files["image.json"]) == newer
    assert set(files) == {"template.yaml", "provenance.json", "image.json"}


def test_before_the_first_release_there_is_nothing_to_release(function: ModuleType, s3: Any, ledger: Ledger) -> None:
    assert function.handler(EVENT, None) == {"released": None, "because": "nothing was deployed to production"}


def test_a_template_may_take_the_image_s_id(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIN", "image_id")
    deployed(s3, ledger, zipped(tmp_path))
    function.handler(EVENT, None)

    assert released(s3)[0].stacks[0].parameters == {"ImageId": "ami-0fedcba9876543210"}


def test_a_downgrade_on_purpose_is_not_one_for_good(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path
) -> None:
    deployed(s3, ledger, zipped(tmp_path, lambda text: text + "downgrade: true\n"))
    function.handler(EVENT, None)

    assert released(s3)[0].downgrade is False


def test_a_number_and_a_list_keep_their_text(function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path) -> None:
    more = "      Digits: 012\n      Switch: true\n      Several: [1.10, two]\n"
    declared = ", ".join(f"{name}: {{Type: String}}" for name in ("ImageId", "Digits", "Switch", "Several"))
    template = f"Parameters: {{{declared}}}\nResources: {{}}\n"
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "template.yaml").write_text(template)
    (folder / "release.yaml").write_text((EXAMPLE / "application" / "release.yaml").read_text() + more)
    deployed(s3, ledger, build_release(folder, tmp_path / "release.zip").path.read_bytes())
    function.handler(EVENT, None)

    given = released(s3)[0].stacks[0].parameters
    assert {name: given[name] for name in ("Digits", "Switch", "Several")} == {
        "Digits": "012",
        "Switch": "true",
        "Several": "1.10,two",
    }


def test_a_release_that_changed_after_its_deployment_is_not_released(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path
) -> None:
    data = zipped(tmp_path)
    with zipfile.ZipFile(io.BytesIO(data)) as before:
        files = {name: before.read(name) for name in before.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as changed:
        for name, content in {**files, "provenance.json": b'{"commit": "evil"}'}.items():
            changed.writestr(name, content)
    deployed(s3, ledger, buffer.getvalue())

    with pytest.raises(Exception, match=r"provenance\.json.: expected SHA-256"):
        function.handler(EVENT, None)
    assert keys(s3) == ["releases/shop/one.zip"]


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        (None, "detail.image_id: expected text like"),
        ({**NEW, "image_id": "ami-1; rm"}, "detail.image_id"),
        ({**NEW, "build": "../1"}, "detail.build"),
        ({**NEW, "parameter": "images/{{resolve:ssm:/belay/x}}"}, "detail.parameter"),
        ({**NEW, "parameter": ["/images"]}, "detail.parameter"),
        ({**NEW, "parameter": "/images/base/latest"}, "detail.parameter: expected /images/base/20261129-42, found"),
        ({**NEW, "parameter": "/images/desktop/20261129-42"}, "detail.parameter: expected /images/base/20261129-42"),
    ],
)
def test_what_is_no_image_is_refused(function: ModuleType, detail: Mapping[str, Any] | None, told: str) -> None:
    with pytest.raises(function.UnfitImage, match=told):
        function.image_of({"detail": detail}, LATEST)


def test_a_release_without_the_stack_is_refused(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK", "service")
    deployed(s3, ledger, zipped(tmp_path))

    with pytest.raises(function.UnfitImage, match=r"1\.0\.0 has no stack service"):
        function.handler(EVENT, None)


def test_a_fault_of_aws_is_no_answer(
    function: ModuleType, s3: Any, ledger: Ledger, simulated: Callable[[str], Any]
) -> None:
    simulated("ssm").delete_parameter(Name=LATEST)

    with pytest.raises(AwsFault, match="ParameterNotFound"):
        function.handler(EVENT, None)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1.4.0", "1.4.0+image-7"),
        ("2.0.0-rc.1", "2.0.0-rc.1+image-7"),
        ("1.4.0+build.5", "1.4.0+build.5.image-7"),
        ("1.4.0+build.5.image-6", "1.4.0+build.5.image-7"),
    ],
)
def test_its_version_is_neither_newer_nor_older(function: ModuleType, before: str, after: str) -> None:
    old = Version.parse(before)
    new = function.version_on(old, "7")

    assert str(new) == after
    assert new != old
    assert not new < old
    assert not old < new


def test_a_version_that_would_be_too_long_is_refused(function: ModuleType) -> None:
    with pytest.raises(ValueError, match="at most 100 characters"):
        function.version_on(Version.parse(f"1.0.0-{'a' * 90}"), "20261129-42")


def test_the_same_release_on_the_same_image_is_the_same_zip(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path
) -> None:
    deployed(s3, ledger, zipped(tmp_path))
    digests = []
    for _ in range(2):
        function.handler(EVENT, None)
        digests.append(hashlib.sha256(s3.get_object(Bucket="releases", Key=KEY)["Body"].read()).hexdigest())
        s3.delete_object(Bucket="releases", Key=KEY)

    assert digests[0] == digests[1]


def test_its_role_allows_the_calls_that_it_makes_and_no_others(
    function: ModuleType, s3: Any, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(s3, ledger, zipped(tmp_path))
    called: set[str] = set()
    call = BaseClient._make_api_call

    def noted(client: Any, operation: str, given: Mapping[str, Any]) -> Any:
        name = "GetObjectVersion" if "VersionId" in given else operation
        called.add(f"{client.meta.service_model.service_name}:{name}")
        return call(client, operation, given)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    function.handler(EVENT, None)

    template = load(str(EXAMPLE / "subscription.yaml"))
    (policy,) = template["Resources"]["ReleaseImageFunction"]["Properties"]["Policies"]
    assert called == {statement["Action"] for statement in policy["Statement"]}
