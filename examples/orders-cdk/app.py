"""The orders of a shop as a CDK application: a stack that nests another, and a function with a file beside its code.

The stacks have no ``env``: Belay's registration says in which account, region and under which name each stage has them.
"""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

HERE = Path(__file__).parent
LIMIT = cdk.PermissionsBoundary.from_name("orders-cdk-boundary")
"""The most that a role of this application can do: the operator's policy of bootstrap.yaml."""


class Queues(cdk.NestedStack):
    """The queue of orders, and the queue of those that cannot be read."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        dead = sqs.Queue(self, "Dead", retention_period=cdk.Duration.days(14))
        letters = sqs.DeadLetterQueue(max_receive_count=3, queue=dead)
        self.orders = sqs.Queue(self, "Orders", dead_letter_queue=letters)


class Storage(cdk.Stack):
    """What a release of the service does not change."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self.queues = Queues(self, "Queues")


class Service(cdk.Stack):
    """The function that prices an order and puts it into the queue."""

    def __init__(self, scope: Construct, name: str, storage: Storage) -> None:
        super().__init__(scope, name, permissions_boundary=LIMIT)
        prices = assets.Asset(self, "Prices", path=str(HERE / "prices.csv"))
        function = lambda_.Function(
            self,
            "Order",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="order.handler",
            code=lambda_.Code.from_asset(str(HERE / "handler")),
            environment={
                "QUEUE_URL": storage.queues.orders.queue_url,
                "PRICES_BUCKET": prices.s3_bucket_name,
                "PRICES_KEY": prices.s3_object_key,
            },
        )
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[prices.bucket.arn_for_objects(prices.s3_object_key)]
            )
        )
        storage.queues.orders.grant_send_messages(function)


app = cdk.App(analytics_reporting=False)
Service(app, "Service", Storage(app, "Storage"))
app.synth()
