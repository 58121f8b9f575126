"""What may not be run as it is written: a statement of its own that nobody understands, so that a person looks."""

from belay.sql.changes import SourcePlace, SqlStatement
from belay.sql.operations import NotUnderstood


def doubt(reason: str, place: SourcePlace, text: str = "") -> SqlStatement:
    """Return a statement that is not understood, for a reason; without a text it is a comment that does nothing."""
    line = " ".join(reason.split())
    return SqlStatement(text or f"-- {line}", place, (NotUnderstood(line, everything=True),))
