"""Which addresses of the Internet Protocol are not simply a host of the Internet.

Owns the table of special addresses. It is written out, since the standard library's own judgement differs between versions of Python, and knows nothing of
addresses that carry another. The invariant: an address that leads to another one by translation is judged as that one.
"""

from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address


class AddressKind(Enum):
    """What sort of address it is; the value is how a sentence says it."""

    LOOPBACK = "a loopback address"
    PRIVATE = "a private address"
    LINK_LOCAL = "a link-local address"
    METADATA = "an address of a cloud's metadata service"
    MULTICAST = "a multicast address"
    RESERVED = "a reserved address"


# The special-purpose registries of IANA (RFC 6890 and its successors). The first row that has an address decides.
_SPECIAL = tuple(
    (ip_network(network), kind)
    for kind, networks in (
        (
            AddressKind.METADATA,
            (
                "169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
                "fd00:ec2::254/128", "fd00:ec2::23/128", "fd20:ce::254/128", "fe80::a9fe:a9fe/128",
            ),
        ),
        (AddressKind.LOOPBACK, ("127.0.0.0/8", "::1/128")),
        (AddressKind.PRIVATE, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")),
        (AddressKind.LINK_LOCAL, ("169.254.0.0/16", "fe80::/10")),
        (AddressKind.MULTICAST, ("224.0.0.0/4", "ff00::/8")),
        (
            AddressKind.RESERVED,
            (
                "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
                "2001::/23", "2001:db8::/32", "3fff::/20",
            ),
        ),
    )
    for network in networks
)  # fmt: skip
_GLOBAL_UNICAST = ip_network("2000::/3")
_IPV4_ANYWHERE_INSIDE = ip_network("64:ff9b:1::/48")
"""Translation for one site (RFC 8215): where in it an IPv4 address stands, the site alone knows."""
_CARRIERS = (
    (ip_network("::ffff:0:0/96"), 0),  # IPv4-mapped (RFC 4291)
    (ip_network("::ffff:0:0:0/96"), 0),  # IPv4-translated (RFC 2765)
    (ip_network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (ip_network("2002::/16"), 80),  # 6to4 (RFC 3056)
)
"""Networks whose addresses have an IPv4 address in them, and how many bits stand behind it."""


def kind_of(text: str) -> AddressKind | None:
    """What sort of special address this is; None for a host of the Internet. Raises ValueError for what is no address.

    Args:
        text: An IPv4 or IPv6 address, with a zone or without.
    """
    return _kind(_carried(ip_address(text.partition("%")[0])))


def _carried(address: Address) -> Address:
    """The address that is reached in the end."""
    for network, behind in _CARRIERS:
        if address in network:
            return IPv4Address((int(address) >> behind) & 0xFFFFFFFF)
    return address


def _kind(address: Address) -> AddressKind | None:
    for network, kind in _SPECIAL:
        if address in network:
            return kind
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_UNICAST or address in _IPV4_ANYWHERE_INSIDE):
        return AddressKind.RESERVED
    return None
