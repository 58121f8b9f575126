"""Commands say whose credentials they need if those of Belay's account are not enough."""

import pytest

from belay.notify.credentials import commands_in, whose_credentials

HOME, OTHER = "111122223333", "444455556666"
STACK = "aws cloudformation describe-stacks --stack-name arn:aws:cloudformation:{}:{}:stack/orders/1 --region {}"
SAID = "account {}: aws commands about resources there need its credentials, and --region {} unless they name a region"


def about(account: str, region: str = "eu-central-1") -> str:
    return STACK.format(region, account, region)


@pytest.mark.parametrize(
    "command",
    [
        about(HOME),
        "belay show orders/1.3.0",
        "aws codebuild batch-get-builds --ids orders:8745a7a9",
        f"belay unclaim {OTHER}/eu-central-1/orders arn:aws:cloudformation:eu-central-1:{OTHER}:stack/orders/1",
        f"aws rds copy-db-snapshot --source-db-snapshot-identifier arn:aws:rds:eu-central-1:{OTHER}:snapshot:orders",
    ],
)
def test_nothing_is_said_of_what_belays_own_credentials_may_do_or_what_says_it_itself(command: str) -> None:
    assert whose_credentials([command], HOME) == []


def test_each_account_and_region_is_said_once() -> None:
    commands = [about(OTHER), about(HOME), about(OTHER), about(OTHER, "us-west-2")]
    assert whose_credentials(commands, HOME) == [SAID.format(OTHER, "eu-central-1"), SAID.format(OTHER, "us-west-2")]


def test_every_command_of_a_document_is_looked_at() -> None:
    todo = {"look": "look", "command": "then", "choices": [{"command": "choice"}, {"command": None}]}
    bare = {"look": None, "command": None}
    assert list(commands_in({"look": ["first"], "left_to_do": [todo, bare]})) == ["first", "look", "then", "choice"]
    assert list(commands_in({"look": "first", "left_to_do": []})) == ["first"]
    assert list(commands_in({"look": None, "left_to_do": []})) == []
