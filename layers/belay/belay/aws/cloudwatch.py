"""CloudWatch: the alarms that show whether a deployment works."""

from collections.abc import Sequence

from belay.aws.clients import Gateway
from belay.aws.faults import translated
from belay.release.verification import COMPOSITE, METRIC, AlarmSeen


class Alarms(Gateway):
    """Metric alarms and composite alarms of one account and region."""

    def describe(self, names: Sequence[str]) -> tuple[AlarmSeen, ...]:
        """Return the alarms of these names in this order, including those that do not exist.

        Without ``AlarmTypes`` composite alarms are left out
        (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html).
        """
        if not names:
            return ()
        with translated("CloudWatch.DescribeAlarms"):
            pages = self._client.get_paginator("describe_alarms").paginate(
                AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
            )
            found = {
                described["AlarmName"]: AlarmSeen(
                    described["AlarmName"],
                    described["StateValue"],
                    described.get("StateReason", ""),
                    described["AlarmArn"],
                    kind,
                )
                for page in pages
                for key, kind in (("MetricAlarms", METRIC), ("CompositeAlarms", COMPOSITE))
                for described in page.get(key, [])
            }
        return tuple(found.get(name, AlarmSeen(name, None)) for name in names)
