# SPDX-License-Identifier: Apache-2.0
"""A peer of a udp wire that shares no line with ours: sockets and scapy's ESP.

    scapy_udp_peer.py '{"family": 4, "here": "192.0.2.2", ...}'

Sends datagrams to an echo server on the host at the other end, in ESP transport
mode, and opens what comes back. Prints how many came back right, as scapy sees it.
"""

import json
import socket
import sys

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation

SIZES = (0, 1, 2, 3, 50, 500, 1000)


def sa_of(sa):
    return SecurityAssociation(ESP, spi=int(sa["spi"], 0), crypt_algo="AES-GCM",
                               crypt_key=bytes.fromhex(sa["key"][2:]))


def header(request, source, destination, protocol):
    if request["family"] == 4:
        return IP(src=source, dst=destination, proto=protocol)
    return IPv6(src=source, dst=destination, nh=protocol)


def main():
    request = json.loads(sys.argv[1])
    outbound, inbound = sa_of(request["outbound"]), sa_of(request["inbound"])
    family = socket.AF_INET if request["family"] == 4 else socket.AF_INET6
    right = 0
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((request["here"], 4500))
        sock.settimeout(5)
        for number, size in enumerate(SIZES, 1):
            data = bytes(i % 251 for i in range(size))
            clear = (header(request, request["host"], request["peer"], 17)
                     / UDP(sport=5000, dport=request["port"]) / data)
            sealed = outbound.encrypt(clear, seq_num=number)
            sock.sendto(bytes(sealed[ESP]), (request["there"], 4500))
            octets, sender = sock.recvfrom(65536)
            assert sender[:2] == (request["there"], 4500), sender
            rebuilt = header(request, request["peer"], request["host"], 50) / octets
            opened = inbound.decrypt(type(rebuilt)(bytes(rebuilt)))
            udp = opened[UDP]
            checked = type(opened)(bytes(opened))
            del checked[UDP].chksum
            checked = type(opened)(bytes(checked))
            right += (bytes(udp.payload)[:size] == data and udp.len == size + 8
                      and (udp.sport, udp.dport) == (request["port"], 5000)
                      and checked[UDP].chksum == udp.chksum)
    print(json.dumps({"right": right, "of": len(SIZES)}))


if __name__ == "__main__":
    main()
