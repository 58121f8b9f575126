"""Which resource types hold data: every name is a CloudFormation type."""

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from belay.stack.stateful import STATEFUL_TYPES, is_stateful

SNAPSHOT_POLICY = {
    "AWS::DocDB::DBCluster",
    "AWS::EC2::Volume",
    "AWS::ElastiCache::CacheCluster",
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::Neptune::DBCluster",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::Redshift::Cluster",
}


def test_every_name_is_a_resource_type_of_cloudformation() -> None:
    assert not STATEFUL_TYPES - set(PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1"))


def test_whatever_takes_a_snapshot_on_deletion_holds_data() -> None:
    assert SNAPSHOT_POLICY <= STATEFUL_TYPES


@pytest.mark.parametrize(
    ("resource_type", "stateful"),
    [
        ("AWS::RDS::DBInstance", True),
        ("AWS::S3::Bucket", True),
        ("AWS::CloudFormation::Stack", False),
        ("AWS::Logs::LogGroup", False),
        ("AWS::KMS::Key", False),
        ("Custom::Table", False),
    ],
)
def test_data_is_what_a_delete_call_removes_for_good(resource_type: str, *, stateful: bool) -> None:
    assert is_stateful(resource_type) is stateful
