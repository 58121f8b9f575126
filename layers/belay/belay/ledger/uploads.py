"""What is known of each uploaded object."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from belay.aws.dynamodb import Item, Table
from belay.ledger.ends import announced, close, opened
from belay.release.records import Outcome, Upload


class UploadRecords:
    """Items ``UPLOAD#`` and ``UPLOADER#`` of an application, and ``HELD``."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def claim(self, upload: Upload, execution: str, now: str) -> bool:
        """Claim an upload for an execution. False where another execution claimed it before."""
        return self._table.transact(
            self._table.change(
                f"APPLICATION#{upload.application}",
                f"UPLOAD#{upload.identity}",
                "SET #upload = :upload, execution = :execution, claimed_at = if_not_exists(claimed_at, :now)",
                "attribute_not_exists(execution) OR execution = :execution",
                {":upload": asdict(upload), ":execution": execution, ":now": now},
                names={"#upload": "upload"},
            ),
            opened(self._table, f"UPLOAD#{upload.attempt}", asdict(upload), execution),
        )

    def get(self, upload: Upload) -> Item | None:
        """Return an upload's record."""
        return self._table.get(f"APPLICATION#{upload.application}", f"UPLOAD#{upload.identity}")

    def note_version(self, upload: Upload, version: str) -> None:
        """Note which version an upload turned out to carry."""
        self._table.update(
            f"APPLICATION#{upload.application}",
            f"UPLOAD#{upload.identity}",
            "SET version = :version",
            None,
            {":version": version},
        )

    def of_version(self, application: str, version: str) -> list[Upload]:
        """Return the uploads of an application that turned out to carry a version."""
        items = self._table.query(f"APPLICATION#{application}", "UPLOAD#")
        return [Upload(**item["upload"]) for item in items if item.get("version") == version]

    def version_of(self, upload: Upload) -> str | None:
        """Return the version an upload carries, where it could be read."""
        item = self.get(upload)
        return None if item is None else item.get("version")

    def close(self, upload: Upload, outcome: Outcome, reason: str, now: str) -> bool:
        """Record how an upload ended. False where its outcome was recorded and announced before."""
        return close(
            self._table,
            f"APPLICATION#{upload.application}",
            f"UPLOAD#{upload.identity}",
            outcome,
            reason=reason,
            now=now,
        )

    def announced(self, upload: Upload) -> None:
        """Record that the outcome of an upload was told; only then is there nothing left to see to."""
        announced(self._table, f"APPLICATION#{upload.application}", f"UPLOAD#{upload.identity}")
        self._table.delete("OPEN", f"UPLOAD#{upload.attempt}")

    def hold(self, upload: Upload, event: Mapping[str, Any], now: str) -> None:
        """Keep an upload's event until the pause ends."""
        self._table.put(
            {"PK": "HELD", "SK": f"{now}#{upload.identity}", "event": dict(event), "upload": asdict(upload)}
        )

    def held(self) -> list[Item]:
        """Return the held uploads, oldest first."""
        return self._table.query("HELD")

    def unhold(self, item: Item) -> None:
        """Forget a held upload that was started again."""
        self._table.delete("HELD", str(item["SK"]))

    def record_uploader(self, application: str, upload: str, uploader: Mapping[str, Any]) -> None:
        """Record who put an object, named by ``Upload.identity``, into the release bucket; the first that was told."""
        self._table.update(
            f"APPLICATION#{application}",
            f"UPLOADER#{upload}",
            "SET uploader = :uploader",
            "attribute_not_exists(PK)",
            {":uploader": dict(uploader)},
        )

    def uploader(self, upload: Upload) -> Item | None:
        """Return who uploaded a release: ``arn`` and ``principal_id``; None where nobody told."""
        item = self._table.get(f"APPLICATION#{upload.application}", f"UPLOADER#{upload.identity}")
        return None if item is None else dict(item["uploader"])
