"""The log of faults that must not stop the work in progress."""

import logging


def log_fault(what: str) -> None:
    """Log the exception that is being handled. Lambda adds the request, as the functions' log format is JSON."""
    logging.getLogger("belay").exception(what)
