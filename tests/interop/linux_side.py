# SPDX-License-Identifier: Apache-2.0
"""The guest's half of a case: `ip xfrm` and the kernel's counters."""

import re

import lab
import suites

# With ESN the guest's numbers begin here: the traffic of a case carries them over
# 2^32, where the high half, which no packet shows, changes. A receiver with a window of
# 64 that has seen nothing takes what is below 0xffffffc1 for a number of the first
# 2^32 (RFC 4303 A2.1), and it takes several packets at a time.
FIRST_ESN = 0xFFFFFF80
ENCAP_PORT = 4500


def probe_line(algorithms, number):
    """Adds an SA with these algorithms, if Linux has them."""
    protocol = "ah" if all(a.linux.startswith("auth") for a in algorithms) else "esp"
    return (f"xfrm state add src 192.0.2.1 dst 192.0.2.2 proto {protocol} spi {number} "
            "mode transport replay-window 64 "
            + _algorithms(algorithms, [suites.key_of(a.ours, a.key) for a in algorithms]))


def _algorithms(algorithms, keys):
    return " ".join(a.linux.replace("{key}", key) for a, key in zip(algorithms, keys))


def _any_source(address):
    return "::" if ":" in address else "0.0.0.0"


def state_line(sa, sender):
    """One SA; sender: the guest sends with it."""
    words = [f"xfrm state add src {sa.source} dst {sa.destination} proto {sa.protocol}",
             f"spi {sa.spi} reqid {sa.layer + 1} mode {sa.mode} replay-window 64"]
    flags = ["esn"] * sa.esn + ["af-unspec"] * (sa.mode == "tunnel")
    if sa.protocol == "ah" and ":" not in sa.source:
        # Else Linux pads IPv4's AH to 8 octets, against RFC 4302 3.3.3.2.1.
        flags.append("align4")
    words += [f"flag {' '.join(flags)}"] if flags else []
    words += [f"replay-oseq {FIRST_ESN:#x}"] if sa.esn and sender else []
    words += ["sel src {} dst {}".format(*sa.inner)] if sa.inner else []
    if sa.in_udp:
        words.append(f"encap espinudp {ENCAP_PORT} {ENCAP_PORT} {_any_source(sa.source)}")
    return " ".join([*words, _algorithms(sa.algorithms, sa.keys)])


def policy_lines(direction, source, destination, sas):
    """What must protect packets from source to destination: SAs, innermost first."""
    templates = " ".join(
        f"tmpl src {sa.source} dst {sa.destination} proto {sa.protocol} reqid {sa.layer + 1} "
        f"mode {sa.mode} level required" for sa in sas)
    lines = [f"xfrm policy add src {source} dst {destination} dir {direction} priority 10 {templates}"]
    if sas[0].in_udp:
        # The datagrams around ESP are judged by policies, too.
        lines.append(f"xfrm policy add src {source} dst {destination} proto udp sport {ENCAP_PORT} "
                     f"dport {ENCAP_PORT} dir {direction} priority 1 action allow")
    return lines


def configure(guest, ends, incoming, outgoing):
    """ends: Postern's and the guest's address, as packets have them that are protected."""
    lines = ["xfrm policy flush", "xfrm state flush"]
    lines += [state_line(sa, sender=False) for sa in incoming]
    lines += [state_line(sa, sender=True) for sa in outgoing]
    lines += policy_lines("in", *ends, incoming) if incoming else []
    lines += policy_lines("out", *reversed(ends), outgoing)
    said = guest.ip(*lines)
    if said:
        raise lab.LabError(f"ip xfrm: {said}\n" + "\n".join(lines))


_STATE = re.compile(r"^src \S+ dst \S+\n\s+proto (\w+) spi 0x(\w+)\(", re.M)
_PACKETS = re.compile(r"lifetime current:\n\s+\d+\(bytes\), (\d+)\(packets\)")
_HIGH = re.compile(r"oseq-hi 0x(\w+)")


def read(guest):
    """({(protocol, spi): packets}, {(protocol, spi): high half sent}, xfrm's errors)"""
    told = guest.channel.ask("counters")
    packets, high = {}, {}
    for part in re.split(r"^(?=src )", told["states"], flags=re.M):
        head = _STATE.search(part)
        if head:
            name = (head[1], int(head[2], 16))
            packets[name] = int(_PACKETS.search(part)[1])
            found = _HIGH.search(part)
            high[name] = int(found[1], 16) if found else 0
    return packets, high, told["xfrm"]
