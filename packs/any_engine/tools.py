"""Liquibase and Flyway: their arguments, and the meaning of their output. Each runs in its own process."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from belay.database.executor import ChangeError
from belay.errors import BelayError


class ToolFault(BelayError):  # noqa: N818
    """A tool could not reach the database, or its output is not in a known format.

    The worker ends with it; it says nothing about the changes, and the next poll starts another worker.
    """


@dataclass(frozen=True)
class ToolOutput:
    """A process's exit code and output."""

    code: int
    out: str
    err: str = ""

    @property
    def text(self) -> str:
        """Everything, for people."""
        return f"{self.out}\n{self.err}".strip()


Run = Callable[[Sequence[str]], ToolOutput]
"""Runs the tool with arguments."""


@dataclass(frozen=True)
class Applied:
    """A change in the tool's own table, by Belay's id for it; ``at`` is empty if the tool writes no ISO 8601."""

    id: str
    author: str
    path: str
    at: str


@dataclass(frozen=True)
class Problem:
    """Why a run ended: the change that failed, if one did, and the error."""

    change: str | None
    error: ChangeError


class Tool(Protocol):
    """What the worker needs from a tool."""

    def applied(self) -> list[Applied]:
        """Return what is applied, in order, according to the tool's own table. Raises ``ToolFault``."""

    def apply(self) -> Problem | None:
        """Apply what is pending."""

    def undo(self, count: int) -> Problem | None:
        """Undo the last changes."""

    def release(self) -> None:
        """Release the tool's lock, held by a process that was killed."""


_CONNECTION: Final = re.compile(
    r"connection could not be created|unable to obtain connection|connection refused", re.IGNORECASE
)
_FAILED: Final = re.compile(
    r"(?:Migration|Rollback) failed for changeset (?P<change>[^\n]+?):\s*\n\s*Reason:\s*(?P<reason>.*)", re.DOTALL
)
_UNEXPECTED: Final = re.compile(r"Unexpected error running Liquibase:\s*(?P<reason>.*)", re.DOTALL)
_END: Final = re.compile(r"\n\s*\n|For more information| \[Failed SQL: ")
_LONGEST: Final = 1_000


@dataclass(frozen=True)
class Liquibase:
    """Liquibase Community, 4.x. The changelog is read below the directory that it runs in."""

    run: Run
    changelog: str
    contexts: str = ""
    labels: str = ""

    def applied(self) -> list[Applied]:
        """Return the rows of ``databasechangelog``, from the table that ``history`` prints."""
        output = self.run(["history", "--format=TABULAR"])
        if output.code != 0:
            raise ToolFault(f"liquibase history failed with {output.code}: {_short(output.text)}")
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in output.out.splitlines()
            if line.startswith("|")
        ]
        if not rows and "No changesets deployed" not in output.out:
            raise ToolFault(f"liquibase history: expected a table, found {_short(output.out)}")
        expected = ["Deployment ID", "Update Date", "Changelog Path", "Changeset Author", "Changeset ID"]
        if rows and rows[0][:5] != expected:
            raise ToolFault(f"liquibase history: expected the columns {expected}, found {rows[0]}")
        return [Applied(f"{path}::{name}::{author}", author, path, "") for _, _, path, author, name, *_ in rows[1:]]

    def apply(self) -> Problem | None:
        """Run ``update`` with the stage's contexts and labels."""
        filters = [f"--contexts={self.contexts}"] if self.contexts else []
        filters += [f"--label-filter={self.labels}"] if self.labels else []
        return self._ended(self.run(["update", f"--changelog-file={self.changelog}", *filters]))

    def undo(self, count: int) -> Problem | None:
        """Run ``rollback-count``, which undoes the last changes by their own rollbacks."""
        return self._ended(self.run(["rollback-count", f"--changelog-file={self.changelog}", f"--count={count}"]))

    def release(self) -> None:
        """Run ``release-locks``."""
        output = self.run(["release-locks"])
        if output.code != 0:
            raise ToolFault(f"liquibase release-locks failed with {output.code}: {_short(output.text)}")

    def _ended(self, output: ToolOutput) -> Problem | None:
        if output.code == 0:
            return None
        if _CONNECTION.search(output.text):
            raise ToolFault(f"liquibase: {_short(output.text)}")
        failed = _FAILED.search(output.text)
        found = failed or _UNEXPECTED.search(output.text)
        reason = _END.split(found["reason"], maxsplit=1)[0] if found else output.text
        return Problem(failed["change"] if failed else None, ChangeError(_short(reason)))


@dataclass(frozen=True)
class Flyway:
    """Flyway Community, which has no undo. Migrations are read below the directory that it runs in."""

    run: Run
    placeholders: Mapping[str, str]

    def applied(self) -> list[Applied]:
        """Return what ``info`` shows of ``flyway_schema_history``."""
        document = self._answer("info", self.run(["info", "-outputType=json"]))
        if "migrations" not in document:
            raise ToolFault(f"flyway info: expected migrations, found {_short(json.dumps(document))}")
        found = [each for each in document["migrations"] if each.get("state") in _DONE]
        found.sort(key=lambda each: str(each.get("installedOnUTC", "")))
        return [
            Applied(
                str(each.get("version") or f"R__{str(each.get('description', '')).replace(' ', '_')}"),
                str(each.get("installedBy", "")),
                str(each.get("filepath", "")),
                str(each.get("installedOnUTC", "")),
            )
            for each in found
        ]

    def apply(self) -> Problem | None:
        """Run ``migrate`` with the placeholders."""
        given = [f"-placeholders.{name}={value}" for name, value in sorted(self.placeholders.items())]
        error = self._answer("migrate", self.run(["migrate", "-outputType=json", *given])).get("error")
        if error is None:
            return None
        message, path = str(error.get("message", "")), str(error.get("path") or "")
        if _CONNECTION.search(message):
            raise ToolFault(f"flyway: {_short(message)}")
        version = _VERSION.match(path.replace("\\", "/").rpartition("/")[2])
        line = error.get("lineNumber")
        problem = ChangeError(
            _short(message), str(error.get("sqlState") or ""), path, line if isinstance(line, int) else 0
        )
        return Problem(version["version"].replace("_", ".") if version else None, problem)

    def undo(self, count: int) -> Problem | None:
        """Refuse: the worker never calls this."""
        raise ToolFault(f"flyway cannot undo {count} changes")

    def release(self) -> None:
        """Do nothing: Flyway's locks end with their connections."""

    def _answer(self, command: str, output: ToolOutput) -> dict[str, Any]:
        try:
            document = json.loads(output.out)
        except ValueError as error:
            raise ToolFault(f"flyway {command}: expected JSON, found {_short(output.text)}") from error
        if not isinstance(document, dict) or (output.code != 0 and "error" not in document):
            raise ToolFault(f"flyway {command} ended with {output.code}: {_short(output.text)}")
        if command == "info" and "error" in document:
            raise ToolFault(f"flyway info: {_short(str(document['error'].get('message', '')))}")
        return document


_DONE: Final = ("Success", "Out of Order", "Future", "Missing", "Outdated", "Superseded", "Baseline")
"""The states of migrations that are in the database: https://documentation.red-gate.com/fd/migrations-184127470.html"""
_VERSION: Final = re.compile(r"V(?P<version>[0-9]+(?:[._][0-9]+)*)__")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"...{line[-_LONGEST:]}"
