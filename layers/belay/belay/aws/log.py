"""The log of what must not stop the work in hand."""

import logging


def log_fault(what: str) -> None:
    """Log the exception that is being handled. Lambda adds the request: the functions' log is of its JSON format."""
    logging.getLogger("belay").exception(what)
