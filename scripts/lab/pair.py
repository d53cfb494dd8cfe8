# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces joined by a veth pair, and the tunnels between them.

    left   10.77.0.1 ── veth ── 10.77.0.2   right

Each tunnel has addresses of its own inside, so that all can stand at the same
time and be measured in turn. The namespaces live as long as this process: what
holds one open is a `cat` whose standard input is a pipe of ours.
"""

import contextlib
import os
import subprocess

import lab

OUTER = {"left": "10.77.0.1", "right": "10.77.0.2"}
# The most that kernel-libipsec's TUN device carries. The same for all tunnels, so
# that the same TCP segments pass them; protected, they fit the veth's 1,500
# octets in each.
INNER_MTU = 1400


class Side:
    """One of the two namespaces."""

    def __init__(self, name, two):
        self.name, self.two = name, two
        self.outer = OUTER[name]
        self.holder = subprocess.Popen(
            ["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        two.processes.append(self.holder)
        self.space = f"/proc/{self.holder.pid}/ns/net"
        ours = os.readlink("/proc/self/ns/net")
        lab.wait_until(lambda: os.readlink(self.space) != ours, f"the namespace {name}")

    def command(self, *command):
        return ["nsenter", f"--net={self.space}", "--", *(str(part) for part in command)]

    def run(self, *command, check=True, timeout=20):
        return run(self.command(*command), check, timeout)

    def ip(self, line):
        self.run("ip", *line.split())

    def spawn(self, *command, log=None, **more):
        return spawn(self.two, self.command(*command), log, **more)


def run(command, check=True, timeout=20):
    """Runs a program; raises LabError with its own words if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise lab.LabError(f"{' '.join(command)}: no end in {timeout} s") from None
    except FileNotFoundError as error:
        raise lab.LabError(str(error)) from None
    if check and done.returncode:
        raise lab.LabError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done


def spawn(two, command, log=None, **more):
    """Starts a program that ends with the lab; its words go to `log` if there is one."""
    more.setdefault("stdin", subprocess.DEVNULL)
    with open(log, "ab") if log else contextlib.nullcontext(subprocess.PIPE) as out:
        process = subprocess.Popen(command, text=True, stdout=out,
                                   stderr=subprocess.STDOUT if log else None, **more)
    two.processes.append(process)
    return process


class Pair:
    """Both sides and the cable. `two` is an entered lab.Lab."""

    def __init__(self, two):
        self.two = two
        self.left, self.right = Side("left", two), Side("right", two)
        self.sides = (self.left, self.right)
        run(["ip", "link", "add", "cable-l", "netns", str(self.left.holder.pid), "type", "veth",
             "peer", "name", "cable-r", "netns", str(self.right.holder.pid)])
        for side in self.sides:
            device = f"cable-{side.name[0]}"
            side.ip("link set lo up")
            side.ip(f"addr add {side.outer}/24 dev {device}")
            side.ip(f"link set {device} up")
            # A write that this kernel refuses shows in what is measured; no
            # tunnel but Postern's own `tun` wire needs it.
            side.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
            side.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65000")

    def other(self, side):
        return self.right if side is self.left else self.left
