"""CloudWatch metrics in the embedded format: log lines that CloudWatch Logs turns into metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import sys
from collections.abc import Iterable
from typing import Final

from belay.aws.clock import now
from belay.subject.measures import Measured

NAMESPACE: Final = "Belay"
SERVICE: Final = "belay"
"""The value of the dimension ``service``, which every metric has."""


def emit(measured: Iterable[Measured]) -> None:
    """Emit measurements, one line for each."""
    for each in measured:
        sys.stdout.write(_line(each) + "\n")


def _line(measured: Measured) -> str:
    metric, by = measured.metric, {}
    if metric.dimension is not None:
        by[metric.dimension] = measured.by
    described = {
        "Namespace": NAMESPACE,
        "Dimensions": [["service", *by]],
        "Metrics": [{"Name": metric.value, "Unit": metric.unit}],
    }
    document = {
        "_aws": {"Timestamp": int(now().timestamp() * 1000), "CloudWatchMetrics": [described]},
        "service": SERVICE,
        **by,
        **({"application": measured.application} if measured.application else {}),
        metric.value: measured.value,
    }
    return json.dumps(document, separators=(",", ":"))
