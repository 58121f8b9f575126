"""Whose credentials the commands in messages need: people paste them where those of Belay's account are in use."""

from collections.abc import Iterable, Sequence

from belay.release.left_to_do import LeftToDo
from belay.release.place import AccountRegion


def whose_credentials(commands: Iterable[str], places: Sequence[AccountRegion | None], account: str) -> list[str]:
    """Say whose credentials commands of the AWS CLI need where what they are about is not in ``account``, Belay's.

    ``places`` are the accounts and regions of what they are about, None for Belay's own.
    """
    if not any(each.startswith("aws ") for each in commands):
        return []
    others = dict.fromkeys((each.account, each.region) for each in places if each and each.account != account)
    return [
        f"account {other}: aws commands about resources there need its credentials, and --region {region} unless "
        "they name a region"
        for other, region in others
    ]


def commands_of(left_to_do: Iterable[LeftToDo], *others: str | None) -> tuple[str, ...]:
    """Return every command about a stage's resources: those of what is left to do there, and others."""
    todos = (
        command for todo in left_to_do for command in (todo.look, todo.then, *(each.command for each in todo.choices))
    )
    return tuple(filter(None, (*others, *todos)))
