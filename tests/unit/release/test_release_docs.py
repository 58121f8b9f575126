"""The documents' examples are valid for Belay."""

import re
from pathlib import Path

import pytest

from belay.release.archive import Limits
from belay.release.manifest import DatabaseChanges, ManifestStack
from belay.release.registration import Application, Pointer, Stage, parse_application, parse_stage
from belay.release.windows import Calendar
from cli.build import build_release

DOCS = Path(__file__).parents[3] / "docs"


def examples(document: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (DOCS / document).read_text(), re.DOTALL)


def test_the_example_of_a_release_is_built(tmp_path: Path) -> None:
    directory = tmp_path / "orders"
    (manifest,) = [each for each in examples("release-format.md") if each.startswith("application: ")]
    service = "Parameters: {Image: {}, DesiredCount: {}, Public: {}, Subnets: {}}\nResources: {}\n"
    files = {
        "release.yaml": manifest,
        "templates/network.yaml": "Resources: {}\n",
        "templates/service.yaml": service,
        "database/changes/0013-refunds.sql": "ALTER TABLE orders ADD COLUMN refunded_at timestamp;\n",
        "assets/orders.css": "body {}\n",
    }
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    text = (DOCS / "release-format.md").read_text()
    built = build_release(directory, tmp_path / "orders.zip")

    assert f"release  {built.application} {built.version}\n" in text
    assert f"bytes, {built.files} files\n" in text


def test_the_limits_are_the_ones_that_are_told() -> None:
    text = (DOCS / "release-format.md").read_text()
    limits = Limits()

    assert f"at most {limits.entries:,} entries, {limits.member_size >> 30} GiB per file" in text
    assert f"{limits.total_size >> 30} GiB in total, a directory of {limits.directory_size >> 20} MiB" in text
    assert f"inflates at most {limits.ratio} times" in text
    assert f"at most {limits.manifest_size >> 20} MiB, each template at most {limits.template_size >> 20} MiB" in text


def test_the_examples_of_registrations_are_read() -> None:
    application_text, test_text, production_text, pointer_text = examples("registration.md")
    application = parse_application("orders", application_text)
    assert isinstance(application, Application)
    test = parse_stage(application, "test", test_text)
    production = parse_stage(application, "production", production_text)

    assert isinstance(test, Stage)
    assert (test.ephemeral, test.service_role) == (True, application.defaults["service_role"])
    assert isinstance(production, Stage)
    assert production.approval.expires_after_days == 3
    assert isinstance(parse_stage(application, "production", pointer_text), Pointer)


OF_A_STAGE = (
    (Stage.__dataclass_fields__.keys() - {"application", "name", "calendar", "executors", "place"})
    | {"account", "region", "belay_roles"}
) | Calendar.__dataclass_fields__.keys()


@pytest.mark.parametrize("key", sorted(OF_A_STAGE))
def test_every_key_of_a_stage_is_explained(key: str) -> None:
    assert re.search(rf"^\| `{key}[.`]", (DOCS / "registration.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("key", ["executor", "database", "user", "secret"])
def test_every_key_of_an_executor_is_explained(key: str) -> None:
    assert re.search(rf"^\| .*`databases\[\].{key}`", (DOCS / "registration.md").read_text(), re.MULTILINE)


@pytest.mark.parametrize("key", sorted(DatabaseChanges.__dataclass_fields__))
def test_every_key_of_database_changes_is_shown(key: str) -> None:
    assert f"  {key}: " in (DOCS / "release-format.md").read_text()


@pytest.mark.parametrize("key", sorted(ManifestStack.__dataclass_fields__))
def test_every_key_of_a_manifests_stack_is_shown(key: str) -> None:
    (manifest,) = [each for each in examples("release-format.md") if each.startswith("application: ")]

    assert f" {key}: " in manifest or f" {key}:\n" in manifest
