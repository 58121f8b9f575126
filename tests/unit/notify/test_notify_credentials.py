"""Commands say whose credentials they need if those of Belay's account are not enough."""

import pytest
from sample_messages import MESSAGES

from belay.notify.credentials import commands_of, whose_credentials
from belay.release.left_to_do import Choice, LeftToDo
from belay.release.place import AccountRegion

HOME, OTHER = "111122223333", "444455556666"
STACK = "aws cloudformation describe-stacks --stack-name orders"
SAID = "account {}: aws commands about resources there need its credentials, and --region {} unless they name a region"


def there(account: str, region: str = "eu-central-1") -> AccountRegion:
    return AccountRegion("aws", account, region)


@pytest.mark.parametrize(
    ("command", "place"), [(STACK, None), (STACK, there(HOME)), ("belay show orders/1.3.0", there(OTHER))]
)
def test_nothing_is_said_of_what_belays_own_credentials_may_do(command: str, place: AccountRegion | None) -> None:
    assert whose_credentials([command], [place], HOME) == []


@pytest.mark.parametrize("command", [STACK, "aws codepipeline get-pipeline-state --name orders"])
def test_it_is_said_whatever_the_command_names(command: str) -> None:
    assert whose_credentials(["belay status orders", command], [there(OTHER)], HOME) == [
        SAID.format(OTHER, "eu-central-1")
    ]


def test_each_account_and_region_is_said_once() -> None:
    places = [there(OTHER), there(HOME), None, there(OTHER), there(OTHER, "us-west-2")]
    assert whose_credentials([STACK], places, HOME) == [
        SAID.format(OTHER, "eu-central-1"),
        SAID.format(OTHER, "us-west-2"),
    ]


def test_every_command_about_resources_is_looked_at() -> None:
    choices = (Choice("do it", "nothing", "choice"), Choice("leave it", "much"))
    todo = LeftToDo("network", "delete it", look="look", then="then", choices=choices)
    assert commands_of([todo, LeftToDo("", "nothing")], "first", None) == ("first", "look", "then", "choice")


def test_a_message_knows_the_commands_about_resources_from_belay_s_own() -> None:
    looked = MESSAGES["vault_copy_failing"]
    assert [each for each in looked.commands if "describe-execution" in each] == []
    assert [each.split()[:3] for each in looked.commands] == [["aws", "rds", "describe-db-snapshots"]]
