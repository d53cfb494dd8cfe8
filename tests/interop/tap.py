# SPDX-License-Identifier: Apache-2.0
"""The cable: a tap device, and a watcher that sees what passes it in clear."""

import ctypes
import socket
import struct
import subprocess

import guest
import lab

NAME = "tap0"
HERE = {4: "10.9.2.254", 6: "fd00:9:2::fe"}
# Further addresses of both ends that no program uses: the outer ones of BEET. IPv6 has
# better ones for the way (RFC 6724 5, rule 8).
BEYOND_HOST = {4: "10.9.1.11", 6: "fc00:9:1::1"}
BEYOND_GUEST = {4: "10.9.2.11", 6: "fc00:9:2::1"}
SO_ATTACH_FILTER = 26
# In clear is what is between the hosts and is neither ESP nor AH nor ESP in UDP. Of
# fragments the first tells. Neighbours are told to both ends and not asked for. The
# kernel cannot walk along IPv6's extension headers: _is_protected() does.
FILTER = """
(net 10.9.0.0/16 and not ip proto 50 and not ip proto 51 and not udp port 4500
  and ip[6:2] & 0x1fff = 0)
or (ip6 net fd00:9::/32 and not dst net ff00::/8
  and not ip6 proto 50 and not ip6 proto 51 and not udp port 4500)
"""
ETHERNET, IPV6 = 14, 40
HOP_BY_HOP, UDP, ROUTING, FRAGMENT, ESP, AH, DESTINATION = 0, 17, 43, 44, 50, 51, 60


def _is_protected(frame):
    """Whether there is ESP, AH or ESP in UDP behind IPv6's extension headers, or a
    fragment that is not the first."""
    if frame[12:14] != b"\x86\xdd":
        return False
    header, at = frame[ETHERNET + 6], ETHERNET + IPV6
    while header in (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION):
        if header == FRAGMENT and int.from_bytes(frame[at + 2:at + 4], "big") & 0xFFF8:
            return True
        length = 8 if header == FRAGMENT else 8 * (frame[at + 1] + 1)
        header, at = frame[at], at + length
    return header in (ESP, AH) or (header == UDP and frame[at + 2:at + 4] == b"\x11\x94")


def make():
    """The tap of this namespace; returns its MAC."""
    for line in (f"tuntap add {NAME} mode tap", f"link set {NAME} up",
                 f"address add {HERE[4]}/24 dev {NAME}",
                 f"address add {HERE[6]}/64 dev {NAME} nodad",
                 f"route add {BEYOND_GUEST[6]} dev {NAME}",
                 *(f"neighbour add {end} lladdr {guest.MAC} dev {NAME}"
                   for end in ("10.9.2.1", "fd00:9:2::1", *BEYOND_GUEST.values()))):
        subprocess.run(["ip", *line.split()], check=True)
    shown = subprocess.run(["ip", "-br", "link", "show", NAME], check=True, text=True,
                           capture_output=True).stdout
    return shown.split()[2]


def guest_lines(mac):
    """`ip` lines for the guest's end."""
    return ("link set eth0 up", "address add 10.9.2.1/24 dev eth0",
            "address add fd00:9:2::1/64 dev eth0 nodad",
            f"address add {BEYOND_GUEST[4]}/32 dev eth0",
            f"address add {BEYOND_GUEST[6]}/128 dev eth0 nodad",
            f"neighbour add {HERE[4]} lladdr {mac} dev eth0",
            f"neighbour add {HERE[6]} lladdr {mac} dev eth0",
            f"route add default via {HERE[4]}", f"route add default via {HERE[6]}")


class ClearWatcher:
    """Everything between the hosts that is neither ESP nor AH."""

    def __init__(self):
        told = subprocess.run(["tcpdump", "-ddd", "-y", "EN10MB", " ".join(FILTER.split())], text=True,
                              capture_output=True)
        if told.returncode:
            raise lab.LabError(f"tcpdump -ddd: {told.stderr.strip()}")
        lines = told.stdout.splitlines()[1:]
        program = b"".join(struct.pack("=HBBI", *map(int, line.split())) for line in lines)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        octets = ctypes.create_string_buffer(program)  # struct sock_fprog points to it
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                               struct.pack("HL", len(lines), ctypes.addressof(octets)))
        self.socket.bind((NAME, 3))  # ETH_P_ALL
        self.socket.setblocking(False)

    def seen(self):
        """What has passed since the last call, in hexadecimal digits."""
        frames = []
        while True:
            try:
                frame = self.socket.recv(256)
            except BlockingIOError:
                return frames
            if not _is_protected(frame):
                frames.append(frame.hex())

    def close(self):
        self.socket.close()
