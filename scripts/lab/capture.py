# SPDX-License-Identifier: Apache-2.0
"""Writes what a TUN's daemon sends to a pcap file, until SIGINT.

    capture.py DEVICE FILE

For the namespaces of ordinary users. tcpdump, which can tell directions apart,
does not run there; dumpcap does, but its filter `inbound` misses packets.
"""

import ctypes
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SO_ATTACH_FILTER = 26
MOST = 65535
RAW_IP = 101

# By the kernel, so that nothing else takes room in the socket's buffer:
# load the packet's type; outgoing (4, seen from the kernel): none of it.
INBOUND = [(0x28, 0, 0, 0xfffff004), (0x15, 0, 1, 4), (0x06, 0, 0, 0), (0x06, 0, 0, MOST)]


def opened(device):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    program = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *line) for line in INBOUND))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("HL", len(INBOUND), ctypes.addressof(program)))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
    sock.bind((device, ETH_P_ALL))
    return sock


def main():
    device, file = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with opened(device) as sock, open(file, "wb", buffering=0) as out:
        out.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, MOST, RAW_IP))
        print("listening on", device, flush=True)
        try:
            while True:
                octets = sock.recv(MOST)
                now = time.time_ns() // 1000
                out.write(struct.pack("=IIII", now // 1_000_000, now % 1_000_000,
                                      len(octets), len(octets)) + octets)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
