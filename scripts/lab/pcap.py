# SPDX-License-Identifier: Apache-2.0
"""Reads what anybody can read of a capture, fast and as it comes.

tshark dissects; this only looks at IP protocol numbers, AH's length and ports,
for captures of 100,000 packets and more. Written after RFC 791, 8200, 4302 and
draft-ietf-opsawg-pcap; raw IP packets without link layer.
"""

import struct
from typing import NamedTuple

AH, ESP, TCP, UDP = 51, 50, 6, 17
IPV4, IPV6 = 4, 41
NAMES = {AH: "ah", ESP: "esp", TCP: "tcp", UDP: "udp", IPV4: "ip", IPV6: "ipv6"}
RAW = 101


class Packet(NamedTuple):
    seconds: float
    family: int
    source: bytes      # the address
    layers: tuple      # ("ah", "udp"); the last one may be a number
    source_port: int   # 0 where it cannot be read
    destination_port: int
    payload: bytes     # of UDP or TCP; b"" where it cannot be read
    flags: int = 0     # of TCP
    sequence: int = 0  # of TCP


def octets_of(file):
    """(seconds, octets) of each packet of a pcap file."""
    with open(file, "rb") as stream:
        head = stream.read(24)
        order = "<" if head[:1] in (b"\xd4", b"\x4d") else ">"
        magic, link = struct.unpack(order + "I16xI", head)
        if magic not in (0xa1b2c3d4, 0xa1b23c4d) or link & 0xffff != RAW:
            raise ValueError(f"{file}: not a pcap file of raw IP packets")
        scale = 1e-9 if magic == 0xa1b23c4d else 1e-6
        record = struct.Struct(order + "IIII")
        while len(head := stream.read(16)) == 16:
            seconds, fraction, size, _ = record.unpack(head)
            octets = stream.read(size)
            if len(octets) == size:
                yield seconds + fraction * scale, octets


def packets(file):
    """The packets of a pcap file as far as they are in clear, later fragments
    without ports."""
    for seconds, octets in octets_of(file):
        yield dissect(seconds, octets)


def dissect(seconds, octets):
    family = octets[0] >> 4
    later = False  # a later fragment
    if family == 4:
        at, protocol, source = (octets[0] & 15) * 4, octets[9], octets[12:16]
        later = bool(octets[6] & 0x1f or octets[7])
    else:
        at, protocol, source = 40, octets[6], octets[8:24]
    layers = []
    while protocol == AH and not later:
        layers.append("ah")
        protocol, at = octets[at], at + (octets[at + 1] + 2) * 4
    layers.append(NAMES.get(protocol, protocol))
    if later or protocol not in (TCP, UDP):
        return Packet(seconds, family, source, tuple(layers), 0, 0, b"")
    ports = struct.unpack_from(">HH", octets, at)
    if protocol == UDP:
        return Packet(seconds, family, source, tuple(layers), *ports, octets[at + 8:])
    sequence, = struct.unpack_from(">I", octets, at + 4)
    return Packet(seconds, family, source, tuple(layers), *ports,
                  octets[at + (octets[at + 12] >> 4) * 4:], octets[at + 13] & 0x3f, sequence)
