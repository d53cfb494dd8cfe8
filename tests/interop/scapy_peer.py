# SPDX-License-Identifier: Apache-2.0
"""A peer that is scapy: takes ESP or AH from a TUN, opens it, answers what is inside.

Reads one JSON request a line and answers with one JSON object a line: "sas" names the
SAs from now on, "told" says what was received with them.
"""

import fcntl
import json
import logging
import os
import select
import struct
import sys
import warnings

warnings.filterwarnings("ignore")
logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.ipsec import AH, ESP, SecurityAssociation  # noqa: E402

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
IPSEC = (50, 51)


def open_tun(name):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def parsed(octets):
    return IP(octets) if octets[0] >> 4 == 4 else IPv6(octets)


def association(sa):
    """scapy's SA of one that both sides are told."""
    more = {}
    for kind, algorithm, key in sa["algorithms"]:
        prefix = "crypt" if kind == "encryption" else "auth"
        more[f"{prefix}_algo"] = algorithm
        more[f"{prefix}_key"] = bytes.fromhex(key[2:])
    if sa["mode"] == "tunnel":
        header = IPv6 if ":" in sa["source"] else IP
        more["tunnel_header"] = header(src=sa["source"], dst=sa["destination"])
    return SecurityAssociation(ESP if sa["protocol"] == "esp" else AH, spi=sa["spi"], **more)


class Peer:
    def __init__(self, tun):
        self.tun = tun
        self.take({"in": None, "out": None})

    def take(self, request):
        self.inbound, self.outbound = (request[way] and association(request[way])
                                       for way in ("in", "out"))
        self.opened, self.sent, self.wrong = 0, 0, []
        return {}

    def told(self, _):
        return {"opened": self.opened, "sent": self.sent, "wrong": self.wrong}

    def packet(self, octets):
        packet = parsed(octets)
        protocol = packet.proto if packet.version == 4 else packet.nh
        if protocol not in IPSEC or self.inbound is None:
            return
        try:
            # What scapy has taken an AH out of it does not dissect by itself.
            clear = parsed(bytes(self.inbound.decrypt(packet)))
            answer = self.answer(clear)
        except Exception as error:  # scapy's own, and those of what it builds on
            self.wrong.append(f"{type(error).__name__}: {error}: {octets.hex()[:200]}")
            return
        self.opened += 1
        self.sent += 1
        os.write(self.tun, bytes(self.outbound.encrypt(answer, seq_num=self.sent)))

    @staticmethod
    def answer(clear):
        """The same datagram the other way, when its checksum is right."""
        udp = clear[UDP]
        again = type(clear)(bytes(clear))
        del again[UDP].chksum
        if type(clear)(bytes(again))[UDP].chksum != udp.chksum:
            raise ValueError("UDP checksum")
        header = (IP(src=clear.dst, dst=clear.src) if clear.version == 4
                  else IPv6(src=clear.dst, dst=clear.src))
        data = bytes(udp.payload)[:udp.len - 8]
        made = header / UDP(sport=udp.dport, dport=udp.sport) / data
        return type(header)(bytes(made))


def main():
    tun = open_tun(sys.argv[1])
    peer = Peer(tun)
    print(json.dumps({"ready": True}), flush=True)
    rest = b""
    while True:
        for ready in select.select([tun, 0], [], [])[0]:
            octets = os.read(ready, 65536)
            if ready == tun:
                peer.packet(octets)
                continue
            if not octets:
                return
            *lines, rest = (rest + octets).split(b"\n")
            for line in filter(None, lines):
                request = json.loads(line)
                answer = {"sas": peer.take, "told": peer.told}[request["verb"]](request)
                print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
