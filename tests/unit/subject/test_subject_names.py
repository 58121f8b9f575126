"""Incidents' names: within AWS's limits, and one for each failure."""

import re

from hypothesis import given
from hypothesis import strategies as st

from belay.release.origin import Origin
from belay.subject.names import foreign_incident_of, incident_of

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,39}", fullmatch=True)
STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/orders-production-network/6a7e8fe0"


@given(application=names, stage=names, attempt=st.from_regex(r"[0-9a-f]{12}", fullmatch=True))
def test_an_incident_s_name_is_one_for_an_execution(application: str, stage: str, attempt: str) -> None:
    name = incident_of(Origin(application, "1.0.0", attempt), stage)
    assert len(name) <= 80
    assert re.fullmatch(r"[A-Za-z0-9-]+", name)
    assert name == incident_of(Origin(application, "1.0.0", attempt), stage)
    assert name != incident_of(Origin(application, "1.0.0", "f" + attempt[1:] + "0"), stage)


def test_a_foreign_incident_is_one_failure_of_one_operation() -> None:
    seen = {
        foreign_incident_of(stack, token, operation)
        for stack in (STACK, STACK + "-again")
        for token in ("t1", "t2")
        for operation in ("UPDATE", "DELETE")
    }
    assert len(seen) == 8
    assert all(len(name) <= 80 and name.startswith("orders-production-network-") for name in seen)
    long = foreign_incident_of(f"arn:aws:cloudformation:eu-west-1:1:stack/{'n' * 128}/id", "t", "UPDATE")
    assert len(long) == 80
