"""The CDK example: valid templates that comply with the policies, and roles within the operator's limit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.assembly.cloud_assembly import read_assembly

EXAMPLE = Path("examples/orders-cdk")
TEMPLATES = read_assembly(EXAMPLE / "cdk.out", {}).templates


def test_its_templates_are_legal(tmp_path: Path) -> None:
    written = []
    for path, template in TEMPLATES.items():
        written.append(tmp_path / Path(path).name)
        written[-1].write_bytes(template)

    # W3005: the CDK writes dependencies that references make anyway.
    linted = subprocess.run(
        [Path(sys.prefix, "bin", "cfn-lint"), "--ignore-checks", "W3005", "--", *written],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (linted.stdout, linted.returncode) == ("", 0)


@pytest.mark.parametrize("path", TEMPLATES)
def test_its_roles_have_the_operator_s_limit(path: str) -> None:
    resources = json.loads(TEMPLATES[path]).get("Resources", {}).values()
    roles = [each["Properties"] for each in resources if each["Type"] == "AWS::IAM::Role"]

    assert all("policy/orders-cdk-boundary" in json.dumps(role["PermissionsBoundary"]) for role in roles)
    assert roles or path != "Service.template.json"


def test_it_is_released_as_it_was_synthesised() -> None:
    (code,) = [each for each in (EXAMPLE / "cdk.out").glob("asset.*") if each.is_dir()]

    assert (code / "order.py").read_text() == (EXAMPLE / "handler" / "order.py").read_text()
    assert next((EXAMPLE / "cdk.out").glob("asset.*.csv")).read_text() == (EXAMPLE / "prices.csv").read_text()
