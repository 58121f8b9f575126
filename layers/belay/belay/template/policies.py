"""The deletion policies of a template's resources."""

from belay.template.nodes import Document, MappingNode, ScalarNode

UNREADABLE = "?"
"""A policy that is an expression, known only at deployment."""


def deletion_policies(document: Document) -> dict[tuple[str, str], str | None]:
    """Return the DeletionPolicy of each resource of a template, by logical id and type; None if Delete is implied.

    The default of an RDS cluster, and of an instance outside a cluster, is ``Snapshot``
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html).
    """
    found: dict[tuple[str, str], str | None] = {}
    for name, body in document.section("Resources").entries.items():
        if isinstance(body, MappingNode):
            kind = body.entries.get("Type")
            if isinstance(kind, ScalarNode):
                found[name, kind.text] = _policy(kind.text, body)
    return found


def _policy(kind: str, body: MappingNode) -> str | None:
    policy = body.entries.get("DeletionPolicy")
    if policy is not None:
        return policy.text if isinstance(policy, ScalarNode) else UNREADABLE
    properties = body.entries.get("Properties")
    alone = not (isinstance(properties, MappingNode) and "DBClusterIdentifier" in properties.entries)
    snapshot = kind == "AWS::RDS::DBCluster" or (kind == "AWS::RDS::DBInstance" and alone)
    return "Snapshot" if snapshot else None
