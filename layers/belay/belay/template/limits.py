"""Limits beyond which a template is refused.

CloudFormation's own quotas, where it has any, are lower: 1 MB for a template by S3 URL, 500 resources.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

MAX_BYTES = 2 * 1024 * 1024
"""A template with long comments may exceed 1 MB and shrink when packaged, but not one of twice that size."""

MAX_DEPTH = 128
"""Nesting of mappings and lists; deep templates in the wild reach about 30."""

MAX_NODES = 250_000
"""Nodes after aliases are expanded, keys not counted; a 1 MB template has about 50,000."""
