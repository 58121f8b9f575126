"""Prices an order by the list that was released with the function, and puts it into the queue."""

import csv
import json
import os
from typing import Any

import boto3


def handler(event: dict[str, Any], context: object) -> dict[str, float]:
    """Take an order ``{"item": ..., "pieces": ...}``; return its price. Raises KeyError for an item without one."""
    listed = boto3.client("s3").get_object(Bucket=os.environ["PRICES_BUCKET"], Key=os.environ["PRICES_KEY"])
    prices = {row["item"]: float(row["price"]) for row in csv.DictReader(listed["Body"].read().decode().splitlines())}
    order = {"item": event["item"], "pieces": event["pieces"], "price": prices[event["item"]] * event["pieces"]}
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(order))
    return {"price": order["price"]}
