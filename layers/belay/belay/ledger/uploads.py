"""The uploads that wait for a pause to end, and who uploaded what."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from belay.approval.principal import Principal
from belay.aws.clock import kept_until
from belay.aws.dynamodb import Table
from belay.ledger.expiry import is_current
from belay.release.attempt import HeldUpload
from belay.release.records import Upload


class UploadRecords:
    """Items ``UPLOADER#`` of an application, and ``HELD``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def hold(self, upload: Upload, event: Mapping[str, Any], now: str) -> None:
        """Keep an upload's event until the pause ends."""
        held = HeldUpload(upload, event, now)
        known = {"event": dict(event), "upload": asdict(upload), "expires": kept_until(now)}
        self._table.put({"PK": "HELD", "SK": held.name} | known)

    def held(self) -> list[HeldUpload]:
        """Return the held uploads, oldest first."""
        return [
            HeldUpload(Upload(**item["upload"]), item["event"], str(item["SK"]).split("#")[0])
            for item in self._table.query("HELD")
            if is_current(item)
        ]

    def unhold(self, held: HeldUpload) -> None:
        """Remove a held upload that was started again."""
        self._table.delete("HELD", held.name)

    def record_uploader(self, upload: Upload, uploader: Principal, now: str) -> None:
        """Record who put an object into the release bucket; the first record is kept."""
        self._table.update(
            f"APPLICATION#{upload.application}",
            f"UPLOADER#{upload.identity}",
            "SET uploader = :uploader, expires = :expires",
            "attribute_not_exists(PK)",
            {":uploader": asdict(uploader), ":expires": kept_until(now)},
        )

    def uploader(self, upload: Upload) -> Principal | None:
        """Return who uploaded a release; None if unknown."""
        item = self._table.get(f"APPLICATION#{upload.application}", f"UPLOADER#{upload.identity}")
        return None if item is None or not is_current(item) else Principal(**item["uploader"])
