"""AWS-managed prefix lists: the addresses of one of its services, never the whole Internet.

Their ids are the same in every account of a region. Others have to be fetched, or are REVIEW.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
"""

CLOUDFRONT = frozenset(
    {
        *("pl-58a04531", "pl-22a6434b", "pl-31a14458", "pl-9aa247f3", "pl-31a34658", "pl-b8a742d1"),
        *("pl-38a64351", "pl-a3a144ca", "pl-fab65393", "pl-4fa04526", "pl-93a247fa", "pl-75b1541c"),
        *("pl-5da64334", "pl-3b927c52", "pl-b6a144df", "pl-4ea04527", "pl-82a045eb"),
    }
)
"""com.amazonaws.global.cloudfront.origin-facing"""

S3 = frozenset(
    {
        *("pl-63a5400a", "pl-7ba54012", "pl-6ba54002", "pl-68a54001", "pl-6da54004", "pl-6ea54007"),
        *("pl-61a54008", "pl-78a54011", "pl-6fa54006", "pl-6ca54005", "pl-6aa54003"),
    }
)
"""com.amazonaws.REGION.s3"""

LARGEST_V4 = 1 << 24
LARGEST_V6 = 1 << 108
"""More addresses than in any of these lists."""


def service_of(prefix_list_id: str) -> str | None:
    """Return the service that a prefix list is for, or ``None`` if the list is not known to be AWS's."""
    if prefix_list_id in CLOUDFRONT:
        return "CloudFront"
    return "S3" if prefix_list_id in S3 else None
