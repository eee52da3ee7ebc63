import pytest

from graphwire_server.core.addresses import AddressKind, kind_of

K = AddressKind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", K.LOOPBACK),
        ("127.255.255.254", K.LOOPBACK),
        ("::1", K.LOOPBACK),
        ("0:0:0:0:0:0:0:1", K.LOOPBACK),
        ("10.0.0.1", K.PRIVATE),
        ("172.16.0.1", K.PRIVATE),
        ("172.31.255.255", K.PRIVATE),
        ("192.168.1.1", K.PRIVATE),
        ("100.64.0.1", K.PRIVATE),
        ("100.127.255.255", K.PRIVATE),
        ("fc00::1", K.PRIVATE),
        ("fd12:3456::1", K.PRIVATE),
        ("fec0::1", K.PRIVATE),
        ("169.254.1.1", K.LINK_LOCAL),
        ("fe80::1", K.LINK_LOCAL),
        ("fe80::1%eth0", K.LINK_LOCAL),
        ("169.254.169.254", K.METADATA),
        ("169.254.170.2", K.METADATA),
        ("100.100.100.200", K.METADATA),
        ("168.63.129.16", K.METADATA),
        ("fd00:ec2::254", K.METADATA),
        ("224.0.0.1", K.MULTICAST),
        ("239.255.255.255", K.MULTICAST),
        ("ff02::1", K.MULTICAST),
        ("0.0.0.0", K.RESERVED),  # noqa: S104  nothing is bound
        ("0.1.2.3", K.RESERVED),
        ("192.0.0.8", K.RESERVED),
        ("192.0.2.1", K.RESERVED),
        ("198.18.0.1", K.RESERVED),
        ("198.51.100.1", K.RESERVED),
        ("203.0.113.1", K.RESERVED),
        ("240.0.0.1", K.RESERVED),
        ("255.255.255.255", K.RESERVED),
        ("::", K.RESERVED),
        ("::7f00:1", K.RESERVED),
        ("100::1", K.RESERVED),
        ("2001::1", K.RESERVED),
        ("2001:db8::1", K.RESERVED),
        ("3fff::1", K.RESERVED),
        ("4000::1", K.RESERVED),
        ("64:ff9b:1::a00:1", K.RESERVED),
        ("::ffff:127.0.0.1", K.LOOPBACK),
        ("::ffff:10.0.0.1", K.PRIVATE),
        ("::ffff:169.254.169.254", K.METADATA),
        ("::ffff:0:10.0.0.1", K.PRIVATE),
        ("64:ff9b::10.0.0.1", K.PRIVATE),
        ("64:ff9b::7f00:1", K.LOOPBACK),
        ("2002:7f00:1::", K.LOOPBACK),
        ("2002:a9fe:a9fe::1", K.METADATA),
        ("8.8.8.8", None),
        ("172.15.255.255", None),
        ("172.32.0.1", None),
        ("100.63.255.255", None),
        ("2606:4700::1111", None),
        ("::ffff:8.8.8.8", None),
        ("64:ff9b::8.8.8.8", None),
        ("2002:808:808::", None),
    ],
)
def test_what_sort_an_address_is(address: str, kind: AddressKind | None) -> None:
    assert kind_of(address) is kind


@pytest.mark.parametrize("text", ["", "localhost", "1.2.3", "1.2.3.4.5", "::g"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        kind_of(text)
