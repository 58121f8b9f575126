"""Why an attempt was refused or failed: stored as a document, so that state machines pass only its key."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from belay.aws.s3 import ArtifactBucket
from belay.errors import (
    ChangesFailed,
    InvalidRegistration,
    InvalidRelease,
    StackFailed,
    UnreadableChanges,
    UnreadableTemplate,
)
from belay.notify.told import in_words
from belay.release.origin import folder
from belay.release.reason import Reason, ReleaseProblems, caught, from_document, kept_as, to_dict
from belay.release.records import ReleaseReference, Upload


class Reasons:
    """The reasons of one attempt, stored with its other documents, or with those of its ``stage`` if one is given."""

    def __init__(self, artifacts: ArtifactBucket, attempt: ReleaseReference | Upload, stage: str | None = None) -> None:
        self._artifacts = artifacts
        place = folder(attempt.application, attempt.attempt)
        self._key = f"{place}/{stage}/reason.json" if stage else f"{place}/reason.json"

    def keep(self, reason: Reason) -> dict[str, str]:
        """Store a reason; return what a state machine passes on."""
        self._artifacts.put_json(self._key, to_dict(reason))
        return {"document": self._key}

    def failed(self, reason: Reason) -> StackFailed:
        """Store a reason; return the error that ends the stage with it and puts it in the log."""
        return StackFailed(self._told(reason))

    def changes_failed(self, reason: Reason) -> ChangesFailed:
        """Store a reason; return the error that ends the stage because of its database changes."""
        return ChangesFailed(self._told(reason))

    def _told(self, reason: Reason) -> str:
        return json.dumps({**self.keep(reason), "reason": in_words(reason)})

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Store the problems of a refusal; the error that is raised instead names the document."""
        try:
            yield
        except (InvalidRelease, InvalidRegistration) as error:
            by_registration = isinstance(error, InvalidRegistration)
            kept = self.keep(ReleaseProblems(tuple(error.problems), by_registration))
            raise type(error)([json.dumps(kept)]) from error
        except UnreadableChanges as error:
            raise InvalidRelease([json.dumps(self.keep(ReleaseProblems(tuple(error.problems))))]) from error
        except UnreadableTemplate as error:
            raise UnreadableTemplate(json.dumps(self.keep(ReleaseProblems((str(error),))))) from error

    def refused(self, reason: Reason) -> InvalidRelease:
        """Store a reason; return the error that refuses the release with it."""
        return InvalidRelease([json.dumps(self.keep(reason))])


def read_reason(artifacts: ArtifactBucket, carried: Mapping[str, Any] | str | None) -> Reason | None:
    """Return the reason from a state machine's input: the key of a document, an error output, or none.

    Raises ``MissingDocument`` if the document was deleted.
    """
    key = kept_as(carried)
    return caught(carried) if key is None else from_document(artifacts.require_json(key))
