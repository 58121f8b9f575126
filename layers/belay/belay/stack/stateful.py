"""The resource types with data that is lost if the resource is deleted or replaced."""

STATEFUL_TYPES = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::Backup::LogicallyAirGappedBackupVault",
        "AWS::Cassandra::Keyspace",
        "AWS::Cassandra::Table",
        "AWS::CodeArtifact::Domain",
        "AWS::CodeArtifact::Repository",
        "AWS::CodeCommit::Repository",
        "AWS::Cognito::UserPool",
        "AWS::CustomerProfiles::Domain",
        "AWS::DSQL::Cluster",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DocDBElastic::Cluster",
        "AWS::DynamoDB::GlobalTable",
        "AWS::DynamoDB::Table",
        "AWS::EC2::Volume",
        "AWS::ECR::PublicRepository",
        "AWS::ECR::Repository",
        "AWS::EFS::FileSystem",
        "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::ElastiCache::ServerlessCache",
        "AWS::Elasticsearch::Domain",
        "AWS::FSx::FileSystem",
        "AWS::FSx::Volume",
        "AWS::Kinesis::Stream",
        "AWS::KinesisVideo::Stream",
        "AWS::Lightsail::Bucket",
        "AWS::Lightsail::Database",
        "AWS::Lightsail::Disk",
        "AWS::MSK::Cluster",
        "AWS::MSK::ServerlessCluster",
        "AWS::MemoryDB::Cluster",
        "AWS::Neptune::DBCluster",
        "AWS::Neptune::DBInstance",
        "AWS::NeptuneGraph::Graph",
        "AWS::OpenSearchServerless::Collection",
        "AWS::OpenSearchService::Domain",
        "AWS::QLDB::Ledger",
        "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance",
        "AWS::RDS::GlobalCluster",
        "AWS::Redshift::Cluster",
        "AWS::RedshiftServerless::Namespace",
        "AWS::Rekognition::Collection",
        "AWS::S3::Bucket",
        "AWS::S3Express::DirectoryBucket",
        "AWS::S3Files::FileSystem",
        "AWS::S3Outposts::Bucket",
        "AWS::S3Tables::Table",
        "AWS::S3Tables::TableBucket",
        "AWS::S3Vectors::Index",
        "AWS::S3Vectors::VectorBucket",
        "AWS::SDB::Domain",
        "AWS::SQS::Queue",
        "AWS::SageMaker::Domain",
        "AWS::Timestream::Database",
        "AWS::Timestream::InfluxDBCluster",
        "AWS::Timestream::InfluxDBInstance",
        "AWS::Timestream::Table",
        "AWS::WorkSpaces::Workspace",
    }
)
"""Resource types with data of their own.

The core is AWS's list of types that support ``DeletionPolicy: Snapshot``
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html); the others
have records, files, images or messages that AWS's delete call removes permanently. Deliberately left out: resources
that can be recovered after a delete (KMS keys and Secrets Manager secrets have a waiting period), log groups, and
nested stacks, whose resources are checked one by one.
"""


def is_stateful(resource_type: str) -> bool:
    """Return whether a resource of ``resource_type`` (``AWS::RDS::DBInstance``) has data of its own."""
    return resource_type in STATEFUL_TYPES
