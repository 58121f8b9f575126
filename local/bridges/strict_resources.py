"""Gap: a stack deletes a bucket that is not empty, and creates a subscription to a topic that does not exist.

AWS refuses both: the stack ends DELETE_FAILED, or the operation fails. It can be removed once ministack refuses them.
"""

from collections.abc import Mapping
from typing import Any

from ministack.services import s3, sns
from ministack.services.cloudformation import provisioners

Properties = Mapping[str, Any]


def install() -> None:
    """Refuse what AWS refuses."""
    bucket = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    subscription = provisioners._RESOURCE_HANDLERS["AWS::SNS::Subscription"]
    delete_bucket, subscribe = bucket["delete"], subscription["create"]

    def delete_empty_bucket(physical_id: str, properties: Properties) -> None:
        if s3._buckets.get(physical_id, {}).get("objects") or s3._bucket_has_versions(physical_id):
            raise ValueError("The bucket you tried to delete is not empty (Service: S3, Status Code: 409)")
        delete_bucket(physical_id, properties)

    def subscribe_to_topic(logical_id: str, properties: Properties, stack: str) -> Any:
        if properties.get("TopicArn") not in sns._topics:
            raise ValueError("Invalid parameter: TopicArn (Service: Sns, Status Code: 400)")
        return subscribe(logical_id, properties, stack)

    bucket["delete"] = delete_empty_bucket
    subscription["create"] = subscribe_to_topic
