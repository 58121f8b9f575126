"""The example registrations are valid once filled with the outputs of the operator's own stack."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from belay.release.manifest import examine_manifest
from belay.release.registration import Application, Stage, admit, parse_application, parse_stage
from cli.problems import Refused
from cli.registration_files import checked, filled, read_files
from examples.releases import read_release, versions

BOOTSTRAP = Path("examples/orders/bootstrap.yaml").read_text()
OUTPUTS = {
    **{
        name: f"a-{name.lower()}"
        for name in re.findall(r"^  (\w+):$", BOOTSTRAP.partition("Outputs:")[2], re.MULTILINE)
    },
    "DeploymentRoleArn": "arn:aws:iam::000000000000:role/belay/orders-deployment",
}
PARAMETER = "/belay/applications/orders"
LARGEST_PARAMETER = 4096


def documents(outputs: Mapping[str, str]) -> dict[str, str]:
    """What ``belay register`` stores, with these outputs of the operator's own stack."""
    return checked("orders", filled(read_files([Path("examples/orders/registration")]), outputs)).parameters


def parsed() -> tuple[Application, list[Stage]]:
    filled = documents(OUTPUTS)
    application = parse_application("orders", filled[PARAMETER])
    assert isinstance(application, Application)
    stages = [parse_stage(application, name, filled[f"{PARAMETER}/{name}"]) for name in application.stages]
    assert filled.keys() == {PARAMETER, *(f"{PARAMETER}/{name}" for name in application.stages)}
    return application, [stage for stage in stages if isinstance(stage, Stage)]


def test_the_stages_are_an_ephemeral_one_and_production() -> None:
    _, stages = parsed()

    assert [(stage.name, stage.ephemeral) for stage in stages] == [("test", True), ("production", False)]
    assert {stage.service_role for stage in stages} == {OUTPUTS["DeploymentRoleArn"]}


@pytest.mark.parametrize("version", versions("orders"))
def test_every_release_asks_for_no_more_than_is_registered(version: str) -> None:
    application, stages = parsed()
    files = read_release("orders", version)
    manifest, _ = examine_manifest(files["release.yaml"].encode(), files.keys() - {"release.yaml"})
    assert manifest

    admit(manifest, application, stages, {})


def test_the_catalogue_is_a_wave_of_two_regions_in_accounts_of_their_own() -> None:
    texts = checked("catalogue", read_files([Path("examples/catalogue/registration")])).parameters
    parameter = "/belay/applications/catalogue"
    application = parse_application("catalogue", texts[parameter])
    assert isinstance(application, Application)
    assert application.waves == (("eu", "us"),)
    stages = [parse_stage(application, name, texts[f"{parameter}/{name}"]) for name in application.stages]
    eu, us = (stage for stage in stages if isinstance(stage, Stage))
    assert us.place is None
    assert eu.vault
    assert eu.place
    assert eu.vault.account != eu.place.account
    for version in versions("catalogue"):
        files = read_release("catalogue", version)
        manifest, _ = examine_manifest(files["release.yaml"].encode(), files.keys() - {"release.yaml"})
        assert manifest
        admit(manifest, application, [eu, us], {})


def test_every_document_fits_a_parameter() -> None:
    assert max(len(text.encode()) for text in documents(OUTPUTS).values()) <= LARGEST_PARAMETER


def test_a_missing_output_is_named() -> None:
    with pytest.raises(Refused, match="application: there is no value for 'DeploymentRoleArn'"):
        documents({})
