"""The names of incidents: the same failure always has the same name, and two failures never share one.

They are idempotency keys. A release's attempt is derived from its object's bucket, key and version, a pipeline's
execution has a unique id, and a stack's id is an ARN: account and region are part of each.
"""

import hashlib

from belay.release.origin import Origin
from belay.stack.stack_id import name_of_stack


def incident_of(origin: Origin, stage: str) -> str:
    """Return the name of the one incident of a failure in a stage (at most 80 characters)."""
    return _named(f"{origin.application}-{stage}-{origin.attempt}")


def pipeline_incident_of(execution: Origin, stage: str, failure: str) -> str:
    """Return the name of the one incident of a pipeline execution's failure; a retry that fails is another one."""
    digest = hashlib.sha256(failure.encode()).hexdigest()[:6]
    return _named(f"{execution.application}-{stage}-{execution.attempt}-{digest}")


def foreign_incident_of(stack_id: str, token: str, operation: str) -> str:
    """Return the name of the one incident of a failed stack operation that Belay did not start."""
    digest = hashlib.sha256(f"{stack_id}#{token}#{operation}".encode()).hexdigest()[:16]
    return _named(f"{name_of_stack(stack_id)}-{digest}")


def asked_attempt(undone: str, target: str, now: str) -> str:
    """Name the attempt of a requested rollback, by the attempts it leads from and to, and when.

    One decided by a release's wave is named after that release and the stage: there is only one.
    """
    return hashlib.sha256(f"{undone}#{target}#{now}".encode()).hexdigest()[:12]


def _named(name: str) -> str:
    longest = 80
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: longest - 13]}-{digest}"
