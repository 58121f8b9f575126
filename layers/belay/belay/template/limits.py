"""How much a template may weigh before it is refused.

CloudFormation's own quotas are lower where it states any: 1 MB for a template by S3 URL, 500 resources.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

MAX_BYTES = 2 * 1024 * 1024
"""A template with long comments may pass 1 MB and shrink when it is packaged; twice that never does."""

MAX_DEPTH = 128
"""Nesting of mappings and lists; deep templates in the wild reach about 30."""

MAX_NODES = 1_000_000
"""Nodes after aliases are followed; a 1 MB template without aliases has about 100,000."""
