"""The complete example of docs/release-format.md is a release that its registration admits, and passes the policies."""

import re
from pathlib import Path
from zipfile import ZipFile

import pytest

from belay.policy.settings import PolicySettings
from belay.policy.verdict import Verdict
from belay.release.accepted import AcceptedRelease
from belay.release.registration import admit
from belay.template.loader import load
from belay.template.sections import parameters
from cli.build import build_release
from cli.registration_files import checked, read_files
from cli.targets import read_target
from cli.validate import Inputs, validate

PAGE = (Path(__file__).parents[3] / "docs" / "release-format.md").read_text()
FILES = dict(re.findall(r"^```yaml\n# (\S+\.yaml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_page_has_every_file() -> None:
    assert FILES.keys() == {
        *("shop/release.yaml", "shop/templates/service.yaml", "shop/templates/queue.yaml"),
        *("registration/application.yaml", "registration/production.yaml"),
    }


def test_the_release_is_built_and_passes_the_policies(folder: Path) -> None:
    assert build_release(folder / "shop", folder / "shop.zip").files == 3
    checked_as = Inputs(PolicySettings(), {}, {}, frozenset(), known=False)
    result = validate([str(folder / "shop.zip")], checked_as)
    assert (result.report.verdict, result.errors) == (Verdict.PASS, {})
    assert {path.rpartition("/templates/")[2] for path in result.report.paths} == {"service.yaml", "queue.yaml"}


def test_every_parameter_has_a_value_and_the_registration_admits_the_release(folder: Path) -> None:
    registered = checked("shop", read_files([folder / "registration"]))
    with ZipFile(build_release(folder / "shop", folder / "shop.zip").path) as built:
        text = built.read("release.yaml").decode()
    target = read_target(str(folder / "shop"))
    declared = {path: parameters(load(target.files[path], path)) for path in target.roots}
    stages = {name: registered.texts[name] for name in registered.application.stages}
    accepted = AcceptedRelease.of("shop", text, registered.texts["application"], stages, declared)
    admit(accepted.manifest, accepted.application, list(accepted.stages.values()), {})
    (stack,) = accepted.manifest.stacks
    values = accepted.parameters("production", stack, "0123456789ab", "artifacts", "releases/shop/1")
    assert values.keys() == {"ReleaseBucket", "ReleasePrefix", "Stage", "RetentionDays", "OnCall"}
