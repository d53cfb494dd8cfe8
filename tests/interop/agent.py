# SPDX-License-Identifier: Apache-2.0
"""Makes traffic on request, on either side: in a virtual host of Postern, and in
the Linux guest, where it also runs `ip` and reads the kernel's counters.

Reads one JSON request a line and answers with one JSON object a line. Forking is
dear in User Mode Linux (50 ms), so all traffic is made by this one process.
"""

import hashlib
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
UDP_ENCAP, UDP_ENCAP_ESPINUDP = 100, 2
# What AH must cover, and what it must leave out because it changes on the way. IPv4:
# record route (routers write into it), router alert. IPv6: options that may change
# and that may not (RFC 4727's for experiments), before and behind.
DRESS = {
    4: [(socket.IPPROTO_IP, socket.IP_TOS, b"\xba\0\0\0"),
        (socket.IPPROTO_IP, socket.IP_OPTIONS,
         b"\x07\x0b\x04" + bytes(8) + b"\x01" + b"\x94\x04\0\0")],
    6: [(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, b"\xba\0\0\0"),
        (socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, b"\0\x01\x3e\x04much\x1e\x06little"),
        (socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, b"\0\0\x1e\x04last")],
}
# Echo request and reply: ICMP's and ICMPv6's.
PING = {4: (socket.IPPROTO_ICMP, 8, 0), 6: (socket.IPPROTO_ICMPV6, 128, 129)}
# So many are under way at a time: no queue is shorter.
WINDOW = 24
# One echoes, the other counts: as these ports always have, so that whoever looks at
# the packets takes their contents for nothing else.
ECHO_PORT, SINK_PORT = 7, 9

open_sockets = []
sunk = {}


def octets_of(seed, size):
    return random.Random(seed * 65537 + size).randbytes(size)


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ask_in_windows(sock, sizes, seconds, send, receive):
    """Sends one request for each of `sizes` and takes the answers; which are
    missing at the end.

    receive() returns the size that an answer is for, or None for a stranger's."""
    waiting = set()
    left = list(sizes)
    end = time.monotonic() + seconds
    while left or waiting:
        while left and len(waiting) < WINDOW:
            size = left.pop(0)
            waiting.add(size)
            send(size)
        if not select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
            break
        waiting.discard(receive())
    return sorted(waiting) + left


def ping(request):
    family, seed = request["family"], request["seed"]
    protocol, asks, answers = PING[family]
    sock = socket.socket(FAMILIES[family], socket.SOCK_RAW, protocol)
    sock.setblocking(False)
    header = struct.pack(">HH", os.getpid() & 0xFFFF, seed & 0xFFFF)

    def send(size):
        body = header + octets_of(seed, size)
        sum_ = checksum(struct.pack(">BBH", asks, 0, 0) + body) if family == 4 else 0
        sock.sendto(struct.pack(">BBH", asks, 0, sum_) + body, (request["to"], 0))

    def receive():
        octets, sender = sock.recvfrom(65536)
        if family == 4:
            octets = octets[(octets[0] & 15) * 4:]
        data = octets[8:]
        right = (octets[0] == answers and sender[0] == request["to"]
                 and octets[4:8] == header and data == octets_of(seed, len(data)))
        return len(data) if right else None

    with sock:
        return {"lost": ask_in_windows(sock, request["sizes"], request["within"], send, receive)}


def udp(request):
    family, seed = request["family"], request["seed"]
    sock = socket.socket(FAMILIES[family], socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.connect((request["to"], ECHO_PORT))
    for level, option, value in DRESS[family] if request.get("dressed") else ():
        sock.setsockopt(level, option, value)

    def receive():
        try:
            data = sock.recv(65536)
        except ConnectionRefusedError:
            return None
        return len(data) if data == octets_of(seed, len(data)) else None

    with sock:
        return {"lost": ask_in_windows(
            sock, request["sizes"], request["within"],
            lambda size: sock.send(octets_of(seed, size)), receive)}


def tcp(request):
    """A stream to the other side's echo and back; "ok" if it is the same."""
    data = octets_of(request["seed"], request["octets"])
    sock = socket.socket(FAMILIES[request["family"]], socket.SOCK_STREAM)
    sock.settimeout(request["within"])

    def send():
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the reader tells

    received, count = hashlib.sha256(), 0
    with sock:
        try:
            sock.connect((request["to"], ECHO_PORT))
            sender = threading.Thread(target=send, daemon=True)
            sender.start()
            while octets := sock.recv(65536):
                received.update(octets)
                count += len(octets)
            sender.join(request["within"])
        except OSError as error:
            return {"result": f"{error} after {count} octets"}
    same = received.digest() == hashlib.sha256(data).digest()
    return {"result": "ok" if same else f"{count} of {len(data)} octets, or other ones"}


def marked(seed, size):
    """`size` octets that say which seed they are of; at least 4."""
    return struct.pack(">I", seed) + octets_of(seed, size - 4)


def send_only(request):
    """Datagrams to the other side's sink, which nobody answers."""
    with socket.socket(FAMILIES[request["family"]], socket.SOCK_DGRAM) as sock:
        for size in request["sizes"]:
            sock.sendto(marked(request["seed"], size), (request["to"], SINK_PORT))
    return {}


def sunk_so_far(request):
    """The sizes of the datagrams with this seed that the sink has had, unharmed."""
    seed = request["seed"]
    return {"sizes": sorted(len(data) for data in sunk.get(request["family"], [])
                            if len(data) >= 4 and data == marked(seed, len(data)))}


def echo_streams(listener):
    while True:
        child, _ = listener.accept()
        threading.Thread(target=echo_stream, args=(child,), daemon=True).start()


def echo_stream(child):
    child.settimeout(20)
    try:
        with child:
            while octets := child.recv(65536):
                child.sendall(octets)
    except OSError:
        pass


def echo_datagrams(sock):
    while True:
        try:
            octets, sender = sock.recvfrom(65536)
            sock.sendto(octets, sender)
        except OSError:
            pass  # too big for now, or the asker is gone: the asker tells


def sink_datagrams(sock, family):
    while True:
        sunk[family].append(sock.recv(65536))


def bound(family, kind, port):
    sock = socket.socket(FAMILIES[family], kind)
    if family == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("", port))
    return sock


def serve(_):
    """Opens the echoes and the sinks, once."""
    for family in FAMILIES:
        stream = bound(family, socket.SOCK_STREAM, ECHO_PORT)
        stream.listen(16)
        datagrams = bound(family, socket.SOCK_DGRAM, ECHO_PORT)
        sunk[family] = []
        for target, *arguments in (
                (echo_streams, stream), (echo_datagrams, datagrams),
                (sink_datagrams, bound(family, socket.SOCK_DGRAM, SINK_PORT), family)):
            threading.Thread(target=target, args=arguments, daemon=True).start()
    return {}


def ip(request):
    """`ip -force -batch -`: what each refused line said, by its number from 1."""
    ran = subprocess.run(["ip", *request.get("options", []), "-force", "-batch", "-"],
                         input=request["batch"], text=True, capture_output=True)
    return {"out": ran.stdout, "said": ran.stderr}


def counters(_):
    """The kernel's own IPsec counters, and the SAs with theirs."""
    with open("/proc/net/xfrm_stat", encoding="ascii") as file:
        told = dict(line.split() for line in file)
    shown = subprocess.run(["ip", "-s", "xfrm", "state"], text=True, capture_output=True)
    return {"xfrm": {name: int(value) for name, value in told.items() if value != "0"},
            "states": shown.stdout}


def xfrm(_):
    with open("/proc/net/xfrm_stat", encoding="ascii") as file:
        told = dict(line.split() for line in file)
    return {name: int(value) for name, value in told.items() if value != "0"}


def encapsulate(request):
    """The socket that makes the kernel take ESP out of UDP, as a key manager does."""
    for family in request["families"]:
        sock = bound(family, socket.SOCK_DGRAM, request["port"])
        sock.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, UDP_ENCAP_ESPINUDP)
        open_sockets.append(sock)
    return {}


def about(_):
    return {"kernel": os.uname().release, "uptime": time.monotonic()}


VERBS = {"about": about, "counters": counters, "encapsulate": encapsulate, "ip": ip,
         "ping": ping, "send_only": send_only, "serve": serve, "sunk": sunk_so_far,
         "tcp": tcp, "udp": udp, "xfrm": xfrm}


def main():
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        if not line.strip():
            continue
        request = json.loads(line)
        try:
            answer = VERBS[request.pop("verb")](request)
        except OSError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
