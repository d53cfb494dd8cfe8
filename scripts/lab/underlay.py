# SPDX-License-Identifier: Apache-2.0
"""What the udp wires of a lab's two hosts go over: a veth pair.

       outer namespace of alice                 outer namespace of bob
      ┌─────────────────────────────┐          ┌─────────────────────────────┐
      │ posternd alice  under-alice │          │ under-bob      posternd bob │
      │                 192.0.2.1   ├───veth───┤ 192.0.2.2                   │
      │             2001:db8:1::1   │          │ 2001:db8:1::2               │
      └─────────────────────────────┘          └─────────────────────────────┘

Both namespaces go away with the processes that hold them.
"""

import subprocess

PORT = 4500
ENDS = {
    "alice": {4: "192.0.2.1", 6: "2001:db8:1::1"},
    "bob": {4: "192.0.2.2", 6: "2001:db8:1::2"},
}
OTHER = {"alice": "bob", "bob": "alice"}


def endpoint(name, family, port=PORT):
    address = ENDS[name][family]
    return f"[{address}]:{port}" if family == 6 else f"{address}:{port}"


def device(name):
    return f"under-{name}"


def wire_toml(name, peer_hosts):
    """[wire] of one host; peer_hosts: the other's IPsec addresses by family."""
    listen = ", ".join(f'"{endpoint(name, family)}"' for family in (4, 6))
    text = f'[wire]\nkind = "udp"\nlisten = [{listen}]\n'
    for family, host in peer_hosts.items():
        text += (f'[[wire.peer]]\nhost = "{host}"\n'
                 f'at = "{endpoint(OTHER[name], family)}"\n')
    return text


class Seen:
    """An SA as tshark meets it here: its ends are those of the underlay."""

    def __init__(self, sa):
        self.sa = sa

    def wireshark(self):
        row = self.sa.wireshark()
        for end in (self.sa.source, self.sa.destination):
            row = row.replace(f'"{end}"', '"*"')
        return row


class Underlay:
    def __init__(self):
        self.holders = {}
        try:
            for name in ENDS:
                self.holders[name] = self._held_namespace()
            self._join()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _held_namespace():
        holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo ready; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if holder.stdout.readline() != "ready\n":
            raise OSError("unshare --net: no namespace for a lab's underlay")
        return holder

    def _join(self):
        alice, bob = (device(name) for name in ENDS)
        self._ip("link", "add", alice, "type", "veth", "peer", "name", bob)
        for name in ENDS:
            self._ip("link", "set", device(name), "netns", self.holders[name].pid)
            self.run(name, "ip", "link", "set", "lo", "up")
            for family, length in ((4, 24), (6, 64)):
                at = f"{ENDS[name][family]}/{length}"
                nodad = ["nodad"] if family == 6 else []
                self.run(name, "ip", "address", "add", at, "dev", device(name), *nodad)
            self.run(name, "ip", "link", "set", device(name), "up")

    @staticmethod
    def _ip(*arguments):
        subprocess.run(["ip", *(str(a) for a in arguments)], check=True)

    def prefix(self, name):
        """What to write before a command so that it runs in this namespace."""
        return ["nsenter", f"--net=/proc/{self.holders[name].pid}/ns/net", "--"]

    def run(self, name, *command, **more):
        more.setdefault("check", True)
        return subprocess.run(self.prefix(name) + [str(c) for c in command], **more)

    def cut_up_before_captures(self):
        """Trains are cut up before a capture sees them, as other devices do."""
        for name in ENDS:
            self.run(name, "ip", "link", "set", device(name), "gso_max_segs", "1")

    def close(self):
        for holder in self.holders.values():
            holder.stdin.close()
            holder.wait()
            holder.stdout.close()
        self.holders = {}
