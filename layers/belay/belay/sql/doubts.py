"""Statements that may not run as written: marked as not understood, so that a person reviews them."""

from belay.sql.changes import SourcePlace, SqlStatement
from belay.sql.operations import NotUnderstood


def doubt(reason: str, place: SourcePlace, text: str = "") -> SqlStatement:
    """Return a statement marked as not understood, for a reason; without a text it is a comment that does nothing."""
    line = " ".join(reason.split())
    return SqlStatement(text or f"-- {line}", place, (NotUnderstood(line, everything=True),))
