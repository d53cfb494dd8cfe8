#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Python client that talks through AH or not at all.

    postern exec HOST -- python3 python_client.py <address> <port>
    LD_PRELOAD=libpostern.so python3 python_client.py <address> <port>

setsockopt() raises where the level cannot be set: ENOPROTOOPT without libpostern,
ENETUNREACH outside of every virtual host. Says a word to an echo server and prints
the answer.
"""

import socket
import sys

# <postern/ipsec.h>
IP_AUTH_LEVEL = 0x49500001
IPV6_AUTH_LEVEL = 0x49500101
IPSEC_LEVEL_REQUIRE = 3


def main():
    address, port = sys.argv[1:3]
    word = b"hello through the postern\n"
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_AUTH_LEVEL, IPSEC_LEVEL_REQUIRE)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_AUTH_LEVEL, IPSEC_LEVEL_REQUIRE)
        sock.connect((address, int(port)))
        sock.sendall(word)
        print(sock.recv(len(word), socket.MSG_WAITALL).decode(), end="")


if __name__ == "__main__":
    main()
