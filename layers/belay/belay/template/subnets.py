"""What ``Fn::Cidr`` computes."""

from __future__ import annotations

MAX_COUNT = 256
"""Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html"""


def subnets(block: str, count: str, bits: int | None) -> list[str] | None:
    """Return the first ``count`` blocks of 2**bits addresses in ``block``; ``None`` where they do not fit.

    Without ``bits`` an address block of IPv4 is meant, and CloudFormation asks for them with IPv6: then ``None``.
    """
    import ipaddress  # noqa: PLC0415 - few templates compute blocks, and the import takes longer than reading one

    try:
        network = ipaddress.ip_network(block, strict=False)
        wanted = int(count)
    except ValueError:
        return None
    if bits is None or not 1 <= wanted <= MAX_COUNT or not 0 <= bits <= network.max_prefixlen - network.prefixlen:
        return None
    if wanted > 1 << (network.max_prefixlen - network.prefixlen - bits):
        return None
    kind = type(network)
    start = int(network.network_address)
    return [str(kind((start + (number << bits), network.max_prefixlen - bits))) for number in range(wanted)]
