"""The customers of the shop whose releases the demo plays, and its database's orders at each time."""

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from local.engine import EmbeddedEngine
from local.postgres import Address, connect

INSTANCE: Final = "orders-production-service-db"

_READS: Final = {"Name": "/orders/production/payments"}
"""A parameter that a custom resource of the service stack reads in the middle of every update."""
_PLACED: Final = ("paid", "paid", "shipped", "cancelled", "cancelled")
_PLACE: Final = "INSERT INTO orders VALUES (gen_random_uuid(), gen_random_uuid(), '{}', 'EUR')"
_SHIP: Final = "INSERT INTO shipments SELECT gen_random_uuid(), id, 'by hand' FROM orders WHERE status = 'shipped'"
"""A shipment without a tracking number."""


def secret_of_database(engine: EmbeddedEngine) -> str:
    """Return the ARN of the secret in which RDS keeps the master password of production's database."""
    shown = engine.client("rds").describe_db_instances(DBInstanceIdentifier=INSTANCE)["DBInstances"][0]
    return str(shown["MasterUserSecret"]["SecretArn"])


class Shop:
    """Production's database, before and after a release that changes it; ``counted`` is the number of orders at each
    time.
    """

    def __init__(self, engine: EmbeddedEngine, secret: str) -> None:
        """Let customers place orders, if there are none; ``secret`` is the ARN of the secret of the database."""
        self._rds: Any = engine.client("rds")
        found = engine.client("secretsmanager").get_secret_value(SecretId=secret)
        self._master: Mapping[str, str] = json.loads(found["SecretString"])
        if not self._orders(INSTANCE):
            for status in _PLACED:
                self._run(INSTANCE, _PLACE.format(status))
            self._run(INSTANCE, _SHIP)
        self._held = engine.hold("ssm", "GetParameter", only_if=_READS)
        self._done = False
        self.counted: dict[str, int] = {"before": self._orders(INSTANCE)}

    def act(self) -> tuple[str, ...]:
        """Once production's service stack is being updated, and the database was changed: count, and place one more."""
        if self._done or not self._held.waiting:
            return ()
        self._done = True
        self.counted["changed"] = self._orders(INSTANCE)
        self._run(INSTANCE, _PLACE.format("open"))
        self._held.end()
        return (
            f"the database had {self.counted['before']} orders; the change left {self.counted['changed']}; "
            "a customer places one more",
        )

    def close(self) -> tuple[str, ...]:
        """Count again, in the database and in the one that it replaced, if any; return what was counted."""
        self._held.end()
        found = self._rds.describe_db_instances()["DBInstances"]
        names = [each["DBInstanceIdentifier"] for each in found]
        replaced = [name for name in names if name.startswith(f"{INSTANCE}-belay-replaced-")]
        self.counted["after"] = self._orders(INSTANCE)
        told = [f"{INSTANCE} has {self.counted['after']} orders"]
        for name in replaced:
            self.counted["replaced"] = self._orders(name)
            told.append(f"{name} has {self.counted['replaced']}")
        return ("; ".join(told),)

    def problem(self, expected: Mapping[str, int]) -> str | None:
        """What was lost or is missing; None if the database differs as expected from its earlier state."""
        before = self.counted["before"]
        found = {name: orders - before for name, orders in self.counted.items() if name != "before"}
        return None if found == expected else f"expected orders to differ by {dict(expected)}, found {found}"

    def _orders(self, instance: str) -> int:
        return int(self._run(instance, "SELECT count(*) FROM orders")[0][0])

    def _run(self, instance: str, statements: str) -> Any:
        shown = self._rds.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0]
        with closing(connect(Address.of_instance(shown, self._master))) as connection:
            return connection.run(statements)
