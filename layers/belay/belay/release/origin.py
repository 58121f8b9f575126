"""What changed the stacks of a stage: the key to everything that is needed to roll it back."""

from dataclasses import dataclass
from typing import Final

from belay.release.names import client_request_token

PLANS: Final = "plans/"
"""The prefix of dry runs' objects in the release and artifact buckets, where they expire automatically."""

_OF_PLAN: Final = "plan-"


def attempt_of(digits: str, *, plan: bool) -> str:
    """Name an attempt: a dry run's name never looks like a release's."""
    return f"{_OF_PLAN}{digits}" if plan else digits


def is_plan(attempt: str) -> bool:
    """Whether an attempt is a dry run, of which nothing is recorded."""
    return attempt.startswith(_OF_PLAN)


def folder(application: str, attempt: str) -> str:
    """Return the prefix of an attempt's documents in the artifact bucket."""
    return f"{PLANS if is_plan(attempt) else 'attempts/'}{application}/{attempt}"


@dataclass(frozen=True)
class Origin:
    """One attempt at a release, one execution of a pipeline, or one requested rollback.

    ``name`` is the release's version or the execution's id, ``attempt`` twelve unique hexadecimal digits.
    """

    application: str
    name: str
    attempt: str

    @property
    def thread(self) -> str:
        """The thread of the messages about it."""
        return f"{self.application}-{self.attempt}"

    @property
    def document_key(self) -> str:
        """The artifact key of the accepted release, if one is involved."""
        return f"{folder(self.application, self.attempt)}/release.json"

    def stage_key(self, stage: str, name: str) -> str:
        """Return the artifact key of a document about one stage, such as ``plan.json``."""
        return f"{folder(self.application, self.attempt)}/{stage}/{name}"

    def deployment_token(self, stage: str, stack: str, generation: int) -> str:
        """Return the client request token under which a stack's n-th change set is executed."""
        unique = f"{self.attempt}-{generation}"
        return client_request_token(self.application, stage, self.name, stack, "deploy", unique)
