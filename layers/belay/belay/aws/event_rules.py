"""EventBridge's rules."""

from belay.aws.clients import Gateway
from belay.aws.faults import translated


class EventRules(Gateway):
    """The rules of the default bus."""

    def targets(self, name: str) -> list[str]:
        """Return the ARNs of a rule's targets; none if it does not exist, or is disabled."""
        state = "DISABLED"
        with translated("Events.DescribeRule", ignoring=("ResourceNotFoundException",)):
            state = self._client.describe_rule(Name=name)["State"]
        if state == "DISABLED":
            return []
        with translated("Events.ListTargetsByRule"):
            return [str(each["Arn"]) for each in self._client.list_targets_by_rule(Rule=name)["Targets"]]

    def states(self, prefix: str) -> dict[str, str]:
        """Return the state, such as DISABLED, of each rule with this name prefix, by its name."""
        with translated("Events.ListRules"):
            pages = self._client.get_paginator("list_rules").paginate(NamePrefix=prefix)
            return {str(each["Name"]): str(each.get("State")) for page in pages for each in page["Rules"]}
