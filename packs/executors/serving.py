"""What every executor does with what it is asked: read it, look the changes up, answer in the protocol."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from belay.database.executor import (
    Begin,
    ChangeDocument,
    Look,
    OperationAnswer,
    OperationState,
    StoredDocument,
    read_changes,
    read_request,
    written,
)
from belay.errors import BelayError


class RefusedRequest(BelayError):  # noqa: N818
    """A request that begins nothing, and why. It becomes an answer, not an error."""


class Executor(Protocol):
    """What an executor of an engine, or of a tool, has to do itself."""

    def begin(self, asked: Begin, changes: ChangeDocument | None) -> OperationAnswer:
        """Begin an operation, or return how far the one of this token is. Raises ``Refused``."""

    def look(self, asked: Look) -> OperationAnswer:
        """Return how far an operation is. Raises ``Refused`` if there is none of this name."""


class ChangeDocuments:
    """The change documents of Belay's artifact bucket, and the files of releases that they name."""

    def __init__(self, s3: Callable[[], Any], bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, stored: StoredDocument) -> ChangeDocument:
        """Return a change document. Raises ``Refused`` if it is elsewhere, ``UnreadableRecord`` if it is another."""
        return read_changes(self.bytes(stored), stored)

    def verified(self, stored: StoredDocument) -> bytes:
        """Return an object's bytes, which have the digest that is named. Raises ``Refused`` if they have not."""
        data = self.bytes(stored)
        found = hashlib.sha256(data).hexdigest()
        if found != stored.sha256:
            raise RefusedRequest(
                f"s3://{stored.bucket}/{stored.key}: expected the SHA-256 {stored.sha256}, found {found}"
            )
        return data

    def bytes(self, stored: StoredDocument) -> bytes:
        """Return an object's bytes. Raises ``Refused`` if it is in another bucket than Belay's."""
        if stored.bucket != self._bucket:
            raise RefusedRequest(f"changes: expected an object of the bucket {self._bucket}, found {stored.bucket}")
        found = self._s3().get_object(Bucket=stored.bucket, Key=stored.key, VersionId=stored.version_id)
        return bytes(found["Body"].read())


def answered(event: Mapping[str, Any], executor: Executor, documents: ChangeDocuments) -> dict[str, Any]:
    """Answer a request of Belay's. What cannot be begun is answered as REFUSED, with the reason."""
    named = event.get("token", event.get("operation", ""))
    try:
        asked = read_request(event)
        if isinstance(asked, Look):
            return written(executor.look(asked))
        changes = None if asked.changes is None else documents.read(asked.changes)
        return written(executor.begin(asked, changes))
    except BelayError as error:
        return written(OperationAnswer(str(named), OperationState.REFUSED, str(error)))
