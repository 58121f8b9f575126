"""The uploads that wait for a pause to end, the uploaders, and the scan for missed uploads."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from belay.approval.principal import Principal
from belay.aws.clock import kept_until
from belay.aws.dynamodb import Item
from belay.documents import read
from belay.ledger.records import Records, is_current, read_each
from belay.release.attempt import HeldUpload, UploadsLook
from belay.release.records import Upload


class UploadRecords(Records):
    """Items ``UPLOADER#`` of an application, ``HELD``, and ``UPLOADS``: the progress of the scan for missed uploads."""

    def hold(self, upload: Upload, event: Mapping[str, Any], now: str) -> None:
        """Keep an upload's event until the pause ends."""
        held = HeldUpload(upload, event, now)
        known = {"event": dict(event), "upload": asdict(upload), "expires": kept_until(now)}
        self._table.put({"PK": "HELD", "SK": held.name} | known)

    def held(self, faults: list[Exception] | None = None) -> list[HeldUpload]:
        """Return the held uploads, oldest first; ``faults`` as for ``read_each``."""
        return [each for each in read_each(self._table.query("HELD"), _held, faults) if each is not None]

    def unhold(self, held: HeldUpload) -> None:
        """Remove a held upload that was started again."""
        self._table.delete("HELD", held.name)

    def look(self) -> UploadsLook | None:
        """Return the progress of the scan for missed uploads; None before the first."""
        item = self._table.get("UPLOADS", "LOOK")
        if item is None:
            return None
        began, since = (datetime.fromisoformat(item[name]) for name in ("began", "since"))
        return UploadsLook(began, since, (item["key"], item["version"]) if "key" in item else None)

    def note_look(self, look: UploadsLook) -> None:
        """Record the scan's progress."""
        times = {"began": look.began.isoformat(), "since": look.since.isoformat()}
        where = {} if look.after is None else dict(zip(("key", "version"), look.after, strict=True))
        self._table.put({"PK": "UPLOADS", "SK": "LOOK"} | times | where)

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
        return None if item is None or not is_current(item) else read(Principal, item["uploader"], "an uploader")


def _held(item: Item) -> HeldUpload | None:
    held = HeldUpload(read(Upload, item["upload"], "an upload"), item["event"], str(item["SK"]).split("#")[0])
    return held if is_current(item) else None
