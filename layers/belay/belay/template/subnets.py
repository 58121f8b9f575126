"""The address blocks that ``Fn::Cidr`` returns."""

MAX_COUNT = 256
"""Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html"""


def subnets(block: str, count: str, bits: int | None) -> list[str] | None:
    """Return the first ``count`` blocks of 2**bits addresses in ``block``, or ``None`` if they do not fit.

    Without ``bits``, which CloudFormation requires for IPv6, the result is ``None``.
    """
    import ipaddress  # noqa: PLC0415 - few templates need it, and importing it takes longer than reading a template

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
