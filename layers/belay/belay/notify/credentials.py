"""Whose credentials the commands in messages need: people paste them where those of Belay's account are in use."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

_WHERE: Final = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):")


def whose_credentials(commands: Iterable[str], account: str) -> list[str]:
    """Say which commands of the AWS CLI need another account's credentials than those of ``account``, Belay's.

    Their ARNs show it. A command that copies from another account is left out: its text says who runs it.
    """
    named = (_WHERE.search(each) for each in commands if each.startswith("aws ") and " copy-" not in each)
    others = dict.fromkeys((each["account"], each["region"]) for each in named if each and each["account"] != account)
    return [
        f"account {other}: aws commands about resources there need its credentials, and --region {region} unless "
        "they name a region"
        for other, region in others
    ]


def commands_in(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield every command in a message's document, or in an incident's."""
    look = document["look"]
    yield from [look] if isinstance(look, str) else look or ()
    for todo in document["left_to_do"]:
        yield from filter(None, (todo["look"], todo["command"]))
        yield from (choice["command"] for choice in todo.get("choices") or () if choice["command"])
