"""Forecasting database changes on a copy: whatever becomes of it, the copy is deleted, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest
from deployed_belay import Belay, until

from local.engine import ACCOUNT, REGION

EXECUTIONS = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:belay-forecast-changes"
OTHERS = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:other-forecast-changes"
LOGIN = {"MasterUsername": "orders", "MasterUserPassword": "not-a-secret"}


class Databases:
    """Databases that a test makes for itself."""

    def __init__(self, belay: Belay, prefix: str) -> None:
        self.rds, self.prefix = belay.aws("rds"), prefix

    def make(self, name: str, *, execution: str, hours: float = 12, cluster: bool = False) -> None:
        delete_after = datetime.now(UTC) + timedelta(hours=hours)
        tags = {"copy-of": self.prefix, "execution": execution, "delete-after": delete_after.isoformat()}
        tagged = [{"Key": f"belay:{key}", "Value": value} for key, value in tags.items()]
        instance = {"DBInstanceIdentifier": name, "DBInstanceClass": "db.r6g.large", "Tags": tagged}
        if cluster:
            self.rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", Tags=tagged, **LOGIN)
            self.rds.create_db_instance(**instance, Engine="aurora-postgresql", DBClusterIdentifier=name)
        else:
            self.rds.create_db_instance(**instance, Engine="postgres", AllocatedStorage=20, **LOGIN)

    def names(self) -> set[str]:
        found = [*self.rds.describe_db_instances()["DBInstances"], *self.rds.describe_db_clusters()["DBClusters"]]
        names = {each.get("DBInstanceIdentifier") or each["DBClusterIdentifier"] for each in found}
        return {name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix)}


def test_copies_that_were_left_are_deleted_and_nothing_else_is(belay: Belay) -> None:
    databases = Databases(belay, "left")
    ended = f"{EXECUTIONS}:long-gone"
    databases.make("left", execution=ended)
    databases.make("left-belay-restored-1", execution=ended)
    databases.make("left-belay-copy-1", execution=ended)
    databases.make("left-belay-copy-2", execution=ended, cluster=True)
    databases.make("left-belay-copy-3", execution=f"arn:aws:states:{REGION}:{ACCOUNT}:execution:other-forecast:e")

    def cleaned() -> set[str]:
        belay.invoke("CleanCopiesFunction", {})
        return databases.names()

    assert until(cleaned, lambda names: "-belay-copy-2" not in names) == {"", "-belay-restored-1", "-belay-copy-3"}


@pytest.mark.parametrize("function", ["CleanCopies"])
@pytest.mark.parametrize(
    ("call", "execution", "decision"),
    [
        ("DeleteDBInstance db:orders-belay-copy-1", f"{EXECUTIONS}:e", "allowed"),
        ("DeleteDBCluster cluster:orders-belay-copy-1", f"{EXECUTIONS}:e", "allowed"),
        ("DeleteDBInstance db:orders", f"{EXECUTIONS}:e", "implicitDeny"),
        ("DeleteDBCluster cluster:orders-belay-restored-1", f"{EXECUTIONS}:e", "implicitDeny"),
        ("DeleteDBInstance db:orders-belay-copy-1", f"{OTHERS}:e", "implicitDeny"),
        ("DeleteDBInstance db:orders-belay-copy-1", "", "implicitDeny"),
        ("ModifyDBInstance db:orders-belay-copy-1", f"{EXECUTIONS}:e", "implicitDeny"),
        ("AddTagsToResource db:orders-belay-copy-1", f"{EXECUTIONS}:e", "implicitDeny"),
        ("DeleteDBSnapshot snapshot:orders-belay-copy-1", f"{EXECUTIONS}:e", "implicitDeny"),
    ],
)
def test_the_role_that_deletes_copies_can_delete_nothing_else(
    belay: Belay, function: str, call: str, execution: str, decision: str
) -> None:
    action, resource = call.split()
    role = belay.aws("iam").get_role(RoleName=belay.resource(f"{function}FunctionRole"))["Role"]["Arn"]
    tag = {"ContextKeyName": "aws:ResourceTag/belay:execution", "ContextKeyType": "string"}
    answer = belay.aws("iam").simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=[f"rds:{action}"],
        ResourceArns=[f"arn:aws:rds:{REGION}:{ACCOUNT}:{resource}"],
        ContextEntries=[{**tag, "ContextKeyValues": [execution]}] if execution else [],
    )
    assert [each["EvalDecision"] for each in answer["EvaluationResults"]] == [decision]
