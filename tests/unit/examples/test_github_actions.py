"""Releases from GitHub Actions: who may create them, what the role allows, and what the action runs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from iam_decisions import decided as decided_by
from reference_pipeline import made

from cli.commands import COMMANDS, loaded

FOLDER = Path("examples/github_actions")
ACTION = yaml.safe_load((FOLDER / "belay-release" / "action.yml").read_text())
WORKFLOW = yaml.safe_load((FOLDER / "workflows" / "belay-release.yml").read_text())
ACCOUNT = "111122223333"
SUBJECTS = "repo:acme/orders:environment:release,repo:acme/orders:ref:refs/heads/main"
GIVEN = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "Application": "orders",
    "Subjects": SUBJECTS,
    "ReleaseBucketName": "releases",
    "ArtifactBucketName": "artifacts",
    "LedgerTableName": "ledger",
}
ISSUER = "token.actions.githubusercontent.com"
LEDGER = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/ledger"


def role(**parameters: str) -> dict[str, Any]:
    properties: dict[str, Any] = made(FOLDER / "template.yaml", {**GIVEN, **parameters})["ReleaseRole"]["Properties"]
    return properties


def decided(document: dict[str, Any], action: str, resource: str, **context: Any) -> str:
    """What the engine's evaluator of IAM policies decides."""
    return decided_by([document], action, resource, region="eu-west-1", context=context, account=ACCOUNT)


def may_assume(claims: dict[str, str]) -> bool:
    """Whether a token with these claims may assume the role."""
    document = role()["AssumeRolePolicyDocument"]
    statements = [{**each, "Resource": "*"} for each in document["Statement"]]
    context = {f"{ISSUER}:{name}": value for name, value in claims.items()}
    return decided({"Statement": statements}, "sts:AssumeRoleWithWebIdentity", "*", **context) == "Allow"


@pytest.mark.parametrize(
    ("subject", "allowed"),
    [
        # https://docs.github.com/en/actions/reference/security/oidc: with an environment the subject names no branch.
        ("repo:acme/orders:environment:release", True),
        ("repo:acme/orders:ref:refs/heads/main", True),
        ("repo:acme/orders:ref:refs/heads/other", False),
        ("repo:acme/orders:ref:refs/tags/v1.0.0", False),
        ("repo:acme/orders:pull_request", False),
        ("repo:acme/orders:environment:release-of-mine", False),
        ("repo:acme/orders-of-mine:ref:refs/heads/main", False),
        ("repo:mallory/orders:environment:release", False),
    ],
)
def test_only_the_subjects_that_are_named_may_release(subject: str, allowed: bool) -> None:
    assert may_assume({"aud": "sts.amazonaws.com", "sub": subject}) is allowed


def test_a_token_for_somebody_else_is_refused() -> None:
    assert not may_assume({"aud": "https://github.com/acme", "sub": "repo:acme/orders:environment:release"})


def test_a_wildcard_in_a_subject_matches_only_itself() -> None:
    document = role(Subjects="repo:acme/*")["AssumeRolePolicyDocument"]

    assert json.dumps(document).count("StringLike") == 0


def test_only_github_s_provider_is_trusted() -> None:
    (own,) = role()["AssumeRolePolicyDocument"]["Statement"]
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    (given,) = role(ProviderArn=arn)["AssumeRolePolicyDocument"]["Statement"]

    assert "GitHub" in own["Principal"]["Federated"]
    assert given["Principal"] == {"Federated": arn}
    assert "GitHub" not in made(FOLDER / "template.yaml", {**GIVEN, "ProviderArn": arn})


def key(value: str) -> dict[str, Any]:
    return {"dynamodb:leadingkeys": [value]}


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("s3:PutObject", "arn:aws:s3:::releases/releases/orders/orders-1.0.0.zip", {}, True),
        ("s3:PutObject", "arn:aws:s3:::releases/releases/orders-cdk/1.zip", {}, False),
        ("s3:PutObject", "arn:aws:s3:::releases/releases/orders/notes.txt", {}, False),
        ("s3:PutObject", "arn:aws:s3:::artifacts/attempts/orders/1/plan.json", {}, False),
        ("s3:DeleteObject", "arn:aws:s3:::releases/releases/orders/orders-1.0.0.zip", {}, False),
        ("s3:GetObject", "arn:aws:s3:::artifacts/attempts/orders/1/plan.json", {}, True),
        ("s3:GetObject", "arn:aws:s3:::artifacts/attempts/orders-cdk/1/plan.json", {}, False),
        ("dynamodb:Query", LEDGER, key("APPLICATION#orders"), True),
        ("dynamodb:Query", LEDGER, key("RELEASE#orders#1.0.0"), True),
        ("dynamodb:Query", LEDGER, key("RELEASE#orders-cdk#1.0.0"), False),
        ("dynamodb:Query", LEDGER, key("APPLICATION#orders-cdk"), False),
        ("dynamodb:Query", LEDGER, {}, False),
        ("dynamodb:Scan", LEDGER, {}, False),
        ("dynamodb:PutItem", LEDGER, key("APPLICATION#orders"), False),
        ("states:StartExecution", f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:belay-deploy-release", {}, False),
        ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", {}, False),
    ],
)
def test_the_role_releases_one_application_and_reads_what_became_of_it(
    action: str, resource: str, context: dict[str, Any], allowed: bool
) -> None:
    (policy,) = role()["Policies"]

    assert (decided(policy["PolicyDocument"], action, resource, **context) == "Allow") is allowed


def commands() -> list[tuple[tuple[str, ...], set[str]]]:
    """The commands of the action's steps, each with its options."""
    lines = [line.strip() for step in ACTION["runs"]["steps"] for line in step.get("run", "").splitlines()]
    called = [line.split() for line in lines if line.startswith("belay ")]
    return [
        (
            next(
                words for words in sorted(COMMANDS, key=len, reverse=True) if words == tuple(line[1 : len(words) + 1])
            ),
            {word for word in line if word.startswith("--")},
        )
        for line in called
    ]


def test_the_action_runs_commands_and_options_that_there_are() -> None:
    assert {words for words, _ in commands()} == {("release", "build"), ("validate",), ("release", "push"), ("show",)}
    for words, options in commands():
        command: click.Command = loaded(words)
        assert options <= {option for each in command.params for option in each.opts}, words


def test_nothing_of_an_input_is_put_into_a_script() -> None:
    steps = [*ACTION["runs"]["steps"], *WORKFLOW["jobs"]["release"]["steps"]]

    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []


def test_every_action_is_named_by_its_commit() -> None:
    used = [
        step["uses"] for step in [*ACTION["runs"]["steps"], *WORKFLOW["jobs"]["release"]["steps"]] if "uses" in step
    ]

    assert len(used) >= 4
    assert all(each.startswith("./") or re.search(r"@[0-9a-f]{40}$", each) for each in used)


SARIF = {"runs": [{"results": [{"locations": [{"artifactLocation": {"uri": "release.zip/a.yaml"}}]}]}]}


def annotated(folder: Path, **finding: Any) -> list[str]:
    """What the action's script prints for a finding, each workflow command on a line."""
    whole = {"path": "release.zip/a.yaml", "line": 3, "policy": "p", "message": "Open.", "fix": "Fix it."}
    whole |= {"verdict": "FAIL", "blocking": True, "waiver": None, **finding}
    (folder / "findings.json").write_text(json.dumps({"findings": [whole], "errors": []}))
    (folder / "findings.sarif").write_text(json.dumps(SARIF))
    script, files = (FOLDER / "belay-release" / "annotate.py").resolve(), ("findings.json", "findings.sarif")
    told = subprocess.run(
        [sys.executable, script, "release.zip", "service/release", *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


def test_a_finding_is_an_annotation_of_its_line(tmp_path: Path) -> None:
    assert annotated(tmp_path) == ["::error file=service/release/a.yaml,line=3,title=p::Open. Fix it."]
    assert json.loads((tmp_path / "findings.sarif").read_text()) == {
        "runs": [{"results": [{"locations": [{"artifactLocation": {"uri": "service/release/a.yaml"}}]}]}]
    }


@pytest.mark.parametrize("finding", [{"blocking": False}, {"verdict": "REVIEW"}])
def test_what_stops_no_release_is_a_warning(tmp_path: Path, finding: dict[str, Any]) -> None:
    assert annotated(tmp_path, **finding)[0].startswith("::warning ")


def test_what_is_waived_is_not_told(tmp_path: Path) -> None:
    assert annotated(tmp_path, waiver="by ann until 2027-01-01") == []


@pytest.mark.parametrize("text", ["a\n::error::b", "a\r::error::b", "100%", "a,line=9::error::b"])
def test_a_finding_s_text_is_no_command(tmp_path: Path, text: str) -> None:
    (told,) = annotated(tmp_path, message=text, policy=text, path=f"release.zip/{text}")

    assert told.startswith(
        "::error file=service/release/a" if text != "100%" else "::error file=service/release/100%25"
    )
    assert "line=3" in told
