"""What every executor does with a request: read it, fetch the changes, respond in the protocol."""

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
    """A request that begins nothing, and why. It becomes a response, not an error."""


class Executor(Protocol):
    """What an executor of an engine or tool has to implement."""

    def begin(self, asked: Begin, changes: ChangeDocument | None) -> OperationAnswer:
        """Begin an operation, or return its progress by its token. Raises ``RefusedRequest``."""

    def look(self, asked: Look) -> OperationAnswer:
        """Return an operation's progress. Raises ``RefusedRequest`` if it does not exist."""


class ChangeDocuments:
    """The change documents of Belay's artifact bucket, and the files of releases that they name."""

    def __init__(self, s3: Callable[[], Any], bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def read(self, stored: StoredDocument) -> ChangeDocument:
        """Return a change document. Raises ``RefusedRequest``, and ``UnreadableRecord`` if it is another one."""
        return read_changes(self.bytes(stored), stored)

    def verified(self, stored: StoredDocument) -> bytes:
        """Return an object's bytes, verified by their digest. Raises ``RefusedRequest`` if they differ."""
        data = self.bytes(stored)
        found = hashlib.sha256(data).hexdigest()
        if found != stored.sha256:
            raise RefusedRequest(
                f"s3://{stored.bucket}/{stored.key}: expected the SHA-256 {stored.sha256}, found {found}"
            )
        return data

    def bytes(self, stored: StoredDocument) -> bytes:
        """Return an object's bytes. Raises ``RefusedRequest`` if it is not in Belay's bucket."""
        if stored.bucket != self._bucket:
            raise RefusedRequest(f"changes: expected an object of the bucket {self._bucket}, found {stored.bucket}")
        found = self._s3().get_object(Bucket=stored.bucket, Key=stored.key, VersionId=stored.version_id)
        return bytes(found["Body"].read())


def answered(event: Mapping[str, Any], executor: Executor, documents: ChangeDocuments) -> dict[str, Any]:
    """Respond to a request of Belay's: with REFUSED and the reason if it cannot be begun."""
    named = event.get("token", event.get("operation", ""))
    try:
        asked = read_request(event)
        if isinstance(asked, Look):
            return written(executor.look(asked))
        changes = None if asked.changes is None else documents.read(asked.changes)
        return written(executor.begin(asked, changes))
    except BelayError as error:
        return written(OperationAnswer(str(named), OperationState.REFUSED, str(error)))
