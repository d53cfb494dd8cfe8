# SPDX-License-Identifier: Apache-2.0
"""What tshark, a judge that is not ours, sees in a capture file."""

import subprocess

from lab import LabError

FIELDS = ("frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst",
          "tcp.flags", "tcp.len", "esp.spi", "ah.spi", "esp.sequence",
          "ah.sequence", "esp.icv_good", "esp.icv_bad", "tcp.srcport",
          "tcp.dstport", "udp.srcport", "udp.dstport",
          "udp.length", "ip.dsfield.ecn", "ipv6.tclass.ecn")
FLAGS = ((0x02, "syn"), (0x10, "ack"), (0x01, "fin"), (0x04, "rst"))


def tshark_options(sas):
    """The options that let tshark decrypt and check these SAs."""
    options = ["-o", "esp.enable_encryption_decode:TRUE",
               "-o", "esp.enable_authentication_check:TRUE",
               "-o", "tcp.relative_sequence_numbers:FALSE"]
    for sa in sas:
        row = sa.wireshark()
        if row:
            options += ["-o", f"uat:esp_sa:{row}"]
    return options


class Frame:
    """One captured packet: where it went and what it was made of."""

    def __init__(self, values):
        field = dict(zip(FIELDS, values))
        self.field = field
        first = lambda name: field[name].split(",")[0]
        self.layers = [p for p in field["frame.protocols"].split(":")
                       if p not in ("raw", "eth", "ethertype", "data", "frame")]
        # Outermost addresses: a 4in6 tunnel does not occur in the lab.
        outer_v6 = self.layers[:1] == ["ipv6"]
        self.source = first("ipv6.src" if outer_v6 else "ip.src")
        self.destination = first("ipv6.dst" if outer_v6 else "ip.dst")

    @property
    def tcp(self):
        """"syn", "syn/ack", "data", ...; None when there is no TCP to see."""
        if not self.field["tcp.flags"]:
            return None
        flags = int(self.field["tcp.flags"].split(",")[-1], 0)
        names = [name for bit, name in FLAGS if flags & bit]
        length = int(self.field["tcp.len"].split(",")[-1] or 0)
        if length and "fin" not in names:
            return "data"
        return "/".join(names)

    @property
    def shape(self):
        """The draft's notation: IPv6+AH+TCP(syn), IPv6+ESP(IPv6+AH+ESP(TCP))."""
        return self._shape(self.layers)

    def _shape(self, layers):
        if not layers:
            return "..."
        head, rest = layers[0], layers[1:]
        name = {"ip": "IPv4", "ipv6": "IPv6", "ah": "AH", "esp": "ESP",
                "tcp": "TCP", "udp": "UDP", "icmp": "ICMP",
                "icmpv6": "ICMPv6"}.get(head, head)
        if head == "esp":
            return f"ESP({self._shape(rest)})"
        if head == "tcp":
            return f"TCP({self.tcp})" if self.tcp else "TCP"
        if not rest or head in ("udp", "icmp", "icmpv6"):
            return name
        return f"{name}+{self._shape(rest)}"

    def has(self, layer):
        return layer in self.layers


def read(file, sas=(), display_filter=None):
    """The frames of a capture file, as tshark dissects them."""
    command = ["tshark", "-n", "-r", str(file), "-T", "fields", "-E",
               "separator=\t", "-E", "occurrence=a"]
    for name in FIELDS:
        command += ["-e", name]
    command += tshark_options(sas)
    if display_filter:
        command += ["-Y", display_filter]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if result.returncode:
        raise LabError(f"tshark: {result.stderr.strip()}")
    return [Frame(line.split("\t")) for line in result.stdout.splitlines()]


def command_line(file, sas):
    """The line that a person types to look at the file."""
    words = ["tshark", "-n", "-r", str(file)] + tshark_options(sas)
    return " ".join(_quoted(word) for word in words)


def _quoted(word):
    return "'" + word + "'" if any(c in word for c in ' "|&;()[]<>') else word


def ladder(frames, left, right, left_name, right_name):
    """The draft's diagrams, drawn from captured frames.

    `left` and `right` are sets of addresses."""
    lines = [f"    {left_name:<12}{'':48}{right_name}", ""]
    for frame in frames:
        label = f" {frame.shape} "
        if frame.source in left and frame.destination in right:
            lines.append(f"    {'':12}{label:-^46}->")
        elif frame.source in right and frame.destination in left:
            lines.append(f"    {'':12}<-{label:-^46}")
    return "\n".join(lines)
