import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def rds(aws):
    return aws("rds")


@pytest.fixture
def database(rds, unique, until):
    def create(**options):
        name = unique("database")
        rds.create_db_instance(
            DBInstanceIdentifier=name,
            DBInstanceClass="db.t3.micro",
            Engine="postgres",
            AllocatedStorage=20,
            MasterUsername="orders",
            MasterUserPassword="not-a-secret",
            **options,
        )
        until(lambda: instance_status(rds, name), lambda status: status == "available")
        return name

    return create


def instance_status(rds, name):
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["DBInstanceStatus"]


def instance_status_or_none(rds, name):
    try:
        return instance_status(rds, name)
    except rds.exceptions.DBInstanceNotFoundFault:
        return None


def snapshot_status(rds, name):
    return rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]["Status"]


def cluster_snapshot_status(rds, name):
    return rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=name)["DBClusterSnapshots"][0]["Status"]


def test_a_snapshot_is_creating_for_a_moment_and_then_available(engine, rds, database, unique, until):
    name, snapshot = database(), unique("snapshot")
    tags = [{"Key": "belay:release", "Value": "1.0.0"}]

    with engine.standing_still():
        made = rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot, Tags=tags)["DBSnapshot"]
        assert (made["Status"], snapshot_status(rds, snapshot)) == ("creating", "creating")

    until(lambda: snapshot_status(rds, snapshot), lambda status: status == "available")
    found = rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"][0]
    assert (found["DBInstanceIdentifier"], found["SnapshotType"], found["TagList"]) == (name, "manual", tags)


def test_a_snapshot_needs_an_available_database_and_a_free_name(engine, rds, database, unique):
    name, snapshot = database(), unique("snapshot")
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)

    with engine.standing_still():
        rds.modify_db_instance(DBInstanceIdentifier=name, NewDBInstanceIdentifier=f"{name}-old", ApplyImmediately=True)
        with pytest.raises(rds.exceptions.InvalidDBInstanceStateFault):
            rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=unique("snapshot"))
        with pytest.raises(rds.exceptions.DBInstanceNotFoundFault):
            rds.create_db_snapshot(DBInstanceIdentifier=f"{name}-old", DBSnapshotIdentifier=unique("snapshot"))


def test_a_snapshots_name_is_taken_once(rds, database, unique):
    name, snapshot = database(), unique("snapshot")
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)

    with pytest.raises(rds.exceptions.DBSnapshotAlreadyExistsFault):
        rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)


def test_a_restored_database_takes_the_place_of_the_one_renamed_away(engine, rds, database, unique, until):
    name, snapshot = database(DeletionProtection=True, MultiAZ=True), unique("snapshot")
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)
    until(lambda: snapshot_status(rds, snapshot), lambda status: status == "available")
    before = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    with engine.standing_still():
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=f"{name}-new", DBSnapshotIdentifier=snapshot)
        assert instance_status(rds, f"{name}-new") == "creating"
    until(lambda: instance_status(rds, f"{name}-new"), lambda status: status == "available")
    for old, new in ((name, f"{name}-old"), (f"{name}-new", name)):
        with engine.standing_still():
            rds.modify_db_instance(DBInstanceIdentifier=old, NewDBInstanceIdentifier=new, ApplyImmediately=True)
            assert instance_status(rds, old) == "renaming"
        # The read that finds the new name begins the reboot.
        until(lambda new=new: instance_status_or_none(rds, new), lambda status: status == "rebooting")
        until(lambda new=new: instance_status(rds, new), lambda status: status == "available")
        assert instance_status_or_none(rds, old) is None

    after = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert (after["DeletionProtection"], after["MultiAZ"]) == (False, False)
    assert after["DbiResourceId"] != before["DbiResourceId"]
    assert after["Endpoint"] == before["Endpoint"]
    again = rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier=f"{name}-new", DBSnapshotIdentifier=snapshot)
    assert again["DBInstance"]["DBInstanceIdentifier"] == f"{name}-new"


def test_a_rename_without_apply_immediately_does_not_happen_now(rds, database):
    name = database()

    rds.modify_db_instance(DBInstanceIdentifier=name, NewDBInstanceIdentifier=f"{name}-new")

    assert instance_status(rds, name) == "available"
    with pytest.raises(rds.exceptions.DBInstanceNotFoundFault):
        instance_status(rds, f"{name}-new")


def test_a_database_is_restored_to_a_point_in_time(engine, rds, database):
    name = database()

    with engine.standing_still():
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=name, TargetDBInstanceIdentifier=f"{name}-then", UseLatestRestorableTime=True
        )
        assert instance_status(rds, f"{name}-then") == "creating"


def test_a_cluster_is_snapshotted_and_restored_without_instances(engine, rds, unique, until):
    name, snapshot = unique("cluster"), unique("snapshot")
    password = {"MasterUsername": "orders", "MasterUserPassword": "not-a-secret"}

    def status(cluster):
        return rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]["Status"]

    with engine.standing_still():
        rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", **password)
        assert status(name) == "creating"
        with pytest.raises(rds.exceptions.InvalidDBClusterStateFault):
            rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=snapshot)
    until(lambda: status(name), lambda seen: seen == "available")
    with engine.standing_still():
        rds.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier=snapshot)
        assert cluster_snapshot_status(rds, snapshot) == "creating"
    until(lambda: cluster_snapshot_status(rds, snapshot), lambda seen: seen == "available")
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier=f"{name}-new", SnapshotIdentifier=snapshot, Engine="aurora-postgresql"
    )
    until(lambda: status(f"{name}-new"), lambda seen: seen == "available")
    assert rds.describe_db_clusters(DBClusterIdentifier=f"{name}-new")["DBClusters"][0]["DBClusterMembers"] == []


def test_a_restored_database_has_the_defaults_until_it_is_told_otherwise(rds, database, unique, until):
    settings = {
        "AutoMinorVersionUpgrade": False,
        "DeletionProtection": True,
        "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
        "EnableCloudwatchLogsExports": ["postgresql"],
        "EnablePerformanceInsights": True,
        "PerformanceInsightsRetentionPeriod": 7,
    }
    name, snapshot = database(**settings), unique("snapshot")
    taken = rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)["DBSnapshot"]
    until(lambda: snapshot_status(rds, snapshot), lambda status: status == "available")
    before = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    assert taken["DbiResourceId"] == before["DbiResourceId"]
    assert (before["PerformanceInsightsEnabled"], before["PerformanceInsightsRetentionPeriod"]) == (True, 7)

    rds.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier=f"{name}-new", DBSnapshotIdentifier=snapshot, AutoMinorVersionUpgrade=False, Port=6000
    )

    bare = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-new")["DBInstances"][0]
    assert (bare["AutoMinorVersionUpgrade"], bare["Endpoint"]["Port"]) == (False, 6000)
    assert not bare["DeletionProtection"]
    assert not bare.get("EnabledCloudwatchLogsExports")
    assert not bare.get("PerformanceInsightsEnabled")
    assert bare["PreferredMaintenanceWindow"] != "sun:04:00-sun:04:30"
    until(lambda: instance_status(rds, f"{name}-new"), lambda status: status == "available")
    rds.modify_db_instance(
        DBInstanceIdentifier=f"{name}-new", EnablePerformanceInsights=True, DBPortNumber=6001, ApplyImmediately=True
    )
    assert instance_status(rds, f"{name}-new") == "modifying"
    told = rds.describe_db_instances(DBInstanceIdentifier=f"{name}-new")["DBInstances"][0]
    assert (told["PerformanceInsightsEnabled"], told["Endpoint"]["Port"]) == (True, 6001)


def test_a_cluster_is_renamed_with_its_members(engine, rds, unique, until):
    name = unique("cluster")
    password = {"MasterUsername": "orders", "MasterUserPassword": "not-a-secret"}
    rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", DeletionProtection=True, **password)
    member = {"DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql", "DBClusterIdentifier": name}
    rds.create_db_instance(DBInstanceIdentifier=f"{name}-1", **member)

    def cluster(identifier):
        found = rds.describe_db_clusters()["DBClusters"]
        return next((each for each in found if each["DBClusterIdentifier"] == identifier), None)

    until(lambda: cluster(name), lambda seen: seen["Status"] == "available")
    snapshot = {"DBClusterIdentifier": name, "DBClusterSnapshotIdentifier": f"{name}-before"}
    taken = rds.create_db_cluster_snapshot(**snapshot)["DBClusterSnapshot"]
    assert taken["DbClusterResourceId"] == cluster(name)["DbClusterResourceId"]
    until(lambda: cluster_snapshot_status(rds, f"{name}-before"), lambda status: status == "available")
    beside = {"DBClusterIdentifier": f"{name}-new", "SnapshotIdentifier": f"{name}-before"}
    rds.restore_db_cluster_from_snapshot(Engine="aurora-postgresql", **beside)
    with pytest.raises(rds.exceptions.DBClusterAlreadyExistsFault):
        rds.restore_db_cluster_from_snapshot(Engine="aurora-postgresql", **beside)
    assert not cluster(f"{name}-new")["DeletionProtection"]
    assert cluster(f"{name}-new")["DbClusterResourceId"] != cluster(name)["DbClusterResourceId"]

    rds.modify_db_cluster(DBClusterIdentifier=name, NewDBClusterIdentifier=f"{name}-late")
    until(lambda: cluster(name), lambda seen: seen["Status"] == "available")
    with engine.standing_still():
        renamed = {"DBClusterIdentifier": name, "ApplyImmediately": True}
        rds.modify_db_cluster(NewDBClusterIdentifier=f"{name}-old", **renamed)
        assert cluster(name)["Status"] == "renaming"
        with pytest.raises(rds.exceptions.InvalidDBClusterStateFault):
            rds.modify_db_cluster(NewDBClusterIdentifier=f"{name}-other", **renamed)
    renamed = until(lambda: cluster(f"{name}-old"), bool)
    assert [each["DBInstanceIdentifier"] for each in renamed["DBClusterMembers"]] == [f"{name}-1"]
    assert cluster(name) is None


@pytest.fixture
def template(aws, unique):
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{number}.0/24")["Subnet"]["SubnetId"] for number in range(2)
    ]
    group = ec2.create_security_group(GroupName=unique("db"), Description="contract", VpcId=vpc)["GroupId"]
    return {
        "Subnets": {
            "Type": "AWS::RDS::DBSubnetGroup",
            "Properties": {"DBSubnetGroupDescription": "contract", "SubnetIds": subnets},
        },
        "Settings": {
            "Type": "AWS::RDS::DBParameterGroup",
            "Properties": {
                "Family": "postgres16",
                "Description": "contract",
                "Parameters": {"log_statement": "all"},
            },
        },
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "DeletionPolicy": "Snapshot",
            "Properties": {
                "DBInstanceClass": "db.t3.micro",
                "Engine": "postgres",
                "EngineVersion": "16.3",
                "AllocatedStorage": "20",
                "MasterUsername": "orders",
                "MasterUserPassword": "not-a-secret",
                "StorageEncrypted": "true",
                "BackupRetentionPeriod": 7,
                "DBSubnetGroupName": {"Ref": "Subnets"},
                "DBParameterGroupName": {"Ref": "Settings"},
                "VPCSecurityGroups": [group],
                "Tags": [{"Key": "application", "Value": "orders"}],
            },
        },
    }


def test_a_database_of_a_stack_is_the_one_the_api_sees(*, aws, rds, stacks, template, unique, until):
    name = unique("stack")
    outputs = {
        "Endpoint": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}},
        "Name": {"Value": {"Ref": "Database"}},
    }

    stack = stacks.create(name, {"Resources": template, "Outputs": outputs})

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    made = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    found = rds.describe_db_instances(DBInstanceIdentifier=made["Name"])["DBInstances"][0]
    assert (found["DBInstanceStatus"], found["AllocatedStorage"], found["StorageEncrypted"]) == ("available", 20, True)
    assert found["Endpoint"]["Address"] == made["Endpoint"]
    assert [each["VpcSecurityGroupId"] for each in found["VpcSecurityGroups"]] == template["Database"]["Properties"][
        "VPCSecurityGroups"
    ]
    assert {"Key": "application", "Value": "orders"} in found["TagList"]

    template["Database"]["Properties"]["AllocatedStorage"] = "30"
    stacks.update(name, {"Resources": template, "Outputs": outputs})
    assert rds.describe_db_instances(DBInstanceIdentifier=made["Name"])["DBInstances"][0]["AllocatedStorage"] == 30

    aws("cloudformation").delete_stack(StackName=name)
    assert stacks.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(rds.exceptions.DBInstanceNotFoundFault):
        rds.describe_db_instances(DBInstanceIdentifier=made["Name"])
    kept = rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [each["DBInstanceIdentifier"] for each in kept if each["DBInstanceIdentifier"] == made["Name"]]


def test_a_protected_database_makes_its_stack_delete_failed(aws, stacks, template, unique):
    name = unique("stack")
    del template["Database"]["DeletionPolicy"]
    template["Database"]["Properties"]["DeletionProtection"] = True
    stack = stacks.create(name, template)

    aws("cloudformation").delete_stack(StackName=name)

    assert stacks.settled(stack["StackId"])["StackStatus"] == "DELETE_FAILED"


def test_a_cluster_and_its_instance_come_from_a_stack(rds, stacks, unique):
    cluster = {
        "Engine": "aurora-postgresql",
        "MasterUsername": "orders",
        "MasterUserPassword": "not-a-secret",
        "DBClusterParameterGroupName": {"Ref": "Settings"},
    }
    member = {
        "Engine": "aurora-postgresql",
        "DBInstanceClass": "db.r6g.large",
        "DBClusterIdentifier": {"Ref": "Cluster"},
    }
    template = {
        "Settings": {
            "Type": "AWS::RDS::DBClusterParameterGroup",
            "Properties": {
                "Family": "aurora-postgresql16",
                "Description": "contract",
                "Parameters": {"timezone": "UTC"},
            },
        },
        "Cluster": {"Type": "AWS::RDS::DBCluster", "DeletionPolicy": "Delete", "Properties": cluster},
        "Member": {"Type": "AWS::RDS::DBInstance", "Properties": member},
    }

    stack = stacks.create(
        unique("stack"), {"Resources": template, "Outputs": {"Cluster": {"Value": {"Ref": "Cluster"}}}}
    )

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    found = rds.describe_db_clusters(DBClusterIdentifier=stack["Outputs"][0]["OutputValue"])["DBClusters"][0]
    assert (found["Status"], len(found["DBClusterMembers"])) == ("available", 1)


def test_an_unknown_subnet_is_refused(rds, unique):
    with pytest.raises(ClientError, match="subnet-nowhere"):
        rds.create_db_subnet_group(
            DBSubnetGroupName=unique("group"), DBSubnetGroupDescription="contract", SubnetIds=["subnet-nowhere"]
        )


def test_a_parameter_group_in_use_is_kept(rds, database, unique):
    group = unique("settings")
    rds.create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres16", Description="contract"
    )
    database(DBParameterGroupName=group)

    with pytest.raises(rds.exceptions.InvalidDBParameterGroupStateFault):
        rds.delete_db_parameter_group(DBParameterGroupName=group)


def test_what_is_taken_of_the_quota_of_manual_snapshots(rds, database, unique, until):
    def quotas():
        return {each["AccountQuotaName"]: each for each in rds.describe_account_attributes()["AccountQuotas"]}

    before = quotas()
    name, snapshot = database(), unique("snapshot")
    rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=snapshot)

    after = quotas()
    assert after["ManualSnapshots"]["Used"] == before["ManualSnapshots"]["Used"] + 1
    assert after["ManualSnapshots"]["Max"] == 100
    assert after["ManualClusterSnapshots"] == before["ManualClusterSnapshots"]
    until(lambda: snapshot_status(rds, snapshot), lambda status: status == "available")
