"""The command's entry point: its help, its documentation page, and its error handling."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ProfileNotFound, SSOTokenLoadError

from belay.errors import AccessDenied, InvalidRegistration, ServiceUnavailable, Throttled
from cli import __main__ as front
from cli.commands import COMMANDS, SECTIONS, Words, loaded
from cli.naming import application_name, release_name
from cli.problems import Refused, Unreachable, in_words, status_of
from cli.reference import page

DOCUMENT = Path(__file__).parents[3] / "docs" / "command-line.md"


def test_the_help_groups_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["--help"]) == 0
    told = capsys.readouterr().out
    assert [line[:-1] for line in told.splitlines() if line.endswith(":")] == ["Options", *SECTIONS]
    for command in COMMANDS:
        assert f"\n  {' '.join(command)} " in told


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_every_command_has_help(command: Words, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main([*command, asked]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"Usage: belay {' '.join(command)} ")
    for each in loaded(command).params:
        assert (each.opts[-1] if isinstance(each, click.Option) else each.human_readable_name) in told


@pytest.mark.parametrize("words", [[], ["nothing"], ["release"], ["release", "nothing"]])
def test_what_is_no_command_shows_the_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(words) == 2
    told = capsys.readouterr().err
    assert "Usage: belay" in told
    assert ("No such command 'nothing'" in told) is ("nothing" in words)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["aprove"], "Did you mean belay approve?"),
        (["release", "psh"], "Did you mean belay release push?"),
        (["build"], "Did you mean belay release build?"),
        (["status", "--wach"], "--watch"),
    ],
)
def test_what_is_mistyped_tells_what_may_have_been_meant(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert front.main(words) == 2
    assert meant in capsys.readouterr().err


def test_the_documentation_is_what_the_commands_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BELAY_STACK", raising=False)
    assert DOCUMENT.read_text() == page(), "write it anew: python -m cli.reference > docs/command-line.md"


def test_an_endpoint_that_is_no_url_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert front.main(["status", "--endpoint-url", "localhost"]) == 2
    assert "expected a URL such as" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["orders/", "/1.0.0", "Or ders/1.0.0", ""])
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"orders/1\.2\.0"):
        release_name(text)


def test_names_are_read() -> None:
    assert str(release_name("orders/1.2.0+7")) == "orders/1.2.0+7"
    assert release_name("orders").version is None
    assert application_name("orders") == "orders"
    with pytest.raises(click.BadParameter):
        application_name("orders/1.0.0")


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (NoCredentialsError(), 3, "no credentials: configure a profile"),
        (ServiceUnavailable("DynamoDB.Query", "NoCredentialsError", "Unable to"), 3, "no credentials"),
        (SSOTokenLoadError(profile_name="ops", error_msg="gone"), 3, "sign in with `aws sso login`"),
        (ProfileNotFound(profile="ops"), 3, "The config profile (ops) could not be found"),
        (EndpointConnectionError(endpoint_url="http://nowhere"), 3, '"http://nowhere"'),
        (
            AccessDenied("StepFunctions.StopExecution", "AccessDeniedException", "user/ann is not authorized"),
            3,
            "these credentials may not call states:StopExecution: user/ann is not authorized",
        ),
        (
            AccessDenied("DynamoDB.Query", "AccessDeniedException", "no"),
            3,
            "these credentials may not call dynamodb:Query",
        ),
        (AccessDenied("S3.PutObject", "AccessDenied", "no"), 3, "may not call s3:PutObject"),
        (Throttled("S3.PutObject", "SlowDown", "slow down"), 3, "S3.PutObject answered SlowDown: slow down"),
        (Unreachable("no region"), 3, "no region"),
        (Refused("it has ended"), 1, "it has ended"),
        (InvalidRegistration(["orders: unknown key"]), 1, "orders: unknown key"),
    ],
)
def test_an_error_becomes_a_sentence_and_a_status(error: Exception, status: int, told: str) -> None:
    assert status_of(error) == status
    assert told in in_words(error)
    assert "\n" not in in_words(error)


def test_a_reader_that_has_seen_enough_ends_the_command_quietly() -> None:
    root = DOCUMENT.parents[1]
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "policies"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'layers' / 'belay'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert (running.stderr.read(), running.wait()) == (b"", 0)


def run_instead(monkeypatch: pytest.MonkeyPatch, raised: BaseException) -> None:
    def fail() -> int:
        raise raised

    monkeypatch.setattr("cli.commands.loaded", lambda words: click.Command("status", callback=fail))


@pytest.mark.parametrize(("raised", "status"), [(Refused("it has ended"), 1), (KeyboardInterrupt(), 130)])
def test_a_user_s_mistake_shows_no_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: BaseException, status: int
) -> None:
    run_instead(monkeypatch, raised)
    assert front.main(["status"]) == status
    assert "Traceback" not in capsys.readouterr().err


def test_a_fault_of_the_command_s_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    run_instead(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        front.main(["status"])
