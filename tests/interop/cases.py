# SPDX-License-Identifier: Apache-2.0
"""What is tried: every protocol, family, suite and kind of sequence number."""

import dataclasses
import itertools

import suites

# In tables' order. AH over ESP: ESP transport inside, AH outside, as Postern's
# bundles are. "three": that in ESP tunnel mode.
PROTOCOLS = ("ESP transport", "ESP tunnel", "AH transport", "AH tunnel", "AH over ESP",
             "all three", "ESP tunnel, other family", "ESP transport in UDP", "ESP tunnel in UDP",
             "ESP BEET", "ESP BEET, other family")
# Outside of the tunnel is the other family: 4in6, 6in4.
OTHER_FAMILY = ("ESP tunnel, other family", "ESP BEET, other family")
FAMILIES = (4, 6)

# Groups of cases that need more than the suite's algorithms, and whether Postern can
# do that yet. What is not tried is named at the end.
CAPABILITIES = {
    "fragments": True,        # packets larger than the wire takes: large_cases()
    "mixed families": True,   # OTHER_FAMILY: gateways of the other family
}

IPV4, IPV6 = 20, 40


@dataclasses.dataclass(frozen=True)
class Case:
    protocol: str
    family: int
    esp: suites.Suite | None
    ah: suites.Suite | None
    esn: bool
    wrong_key: str = ""  # the side that has another key than its peer
    large: bool = False  # sizes that only fit in fragments
    dressed: bool = False  # datagrams with IP options or extension headers

    @property
    def suite(self):
        """The one that this case is about."""
        if self.esp and self.ah and self.ah.integrity != suites.SHA256:
            return self.ah
        return self.esp or self.ah

    @property
    def name(self):
        words = [self.protocol, f"v{self.family}",
                 " / ".join(s.name for s in (self.ah, self.esp) if s)]
        words += ["ESN"] * self.esn + ["large"] * self.large + ["options"] * self.dressed
        words += [f"wrong key of {self.wrong_key}"] * bool(self.wrong_key)
        return ", ".join(words)

    @property
    def outer(self):
        """The family outside of the tunnel, or of all."""
        return 10 - self.family if self.protocol in OTHER_FAMILY else self.family

    @property
    def beet(self):
        return self.protocol.startswith("ESP BEET")

    @property
    def in_udp(self):
        return self.protocol.endswith("in UDP")

    @property
    def layers(self):
        """(protocol, mode, suite), innermost first."""
        layers = []
        if self.protocol in ("ESP transport", "AH over ESP", "all three", "ESP transport in UDP"):
            layers.append(("esp", "transport", self.esp))
        if self.ah:
            layers.append(("ah", "tunnel" if self.protocol == "AH tunnel" else "transport", self.ah))
        if self.protocol.startswith("ESP tunnel") or self.protocol == "all three":
            layers.append(("esp", "tunnel", self.esp))
        if self.beet:
            layers.append(("esp", "beet", self.esp))
        return layers

    @property
    def algorithms(self):
        return [a for s in (self.esp, self.ah) if s for a in s.algorithms]


def tried_protocols():
    return [p for p in PROTOCOLS if p not in OTHER_FAMILY or CAPABILITIES["mixed families"]]


def suites_of(protocol):
    """(ESP's suite, AH's suite) of each thing that is tried with it."""
    basic_ah = suites.Suite(None, suites.SHA256)
    if protocol.startswith("AH t"):
        return [(None, suite) for suite in suites.AH]
    if protocol in ("AH over ESP", "all three"):
        basic_esp = suites.Suite(suites.COMBINED[0], None)
        return ([(suite, basic_ah) for suite in suites.ESP]
                + [(basic_esp, suite) for suite in suites.AH if suite != basic_ah])
    # Of BEET it is the headers that are tried.
    return [(suite, None) for suite in suites.ESP
            if not protocol.startswith("ESP BEET") or is_basic_suite(suite)]


# DEF-08b, DEF-21, DEF-22, DEF-24, DEF-27
def all_cases():
    cases = [Case(protocol, family, esp, ah, esn)
             for protocol in tried_protocols()
             for esp, ah in suites_of(protocol)
             for family, esn in itertools.product(FAMILIES, (False, True))]
    wrong = [one for case in cases if case.family == 4 and not case.esn
             for one in with_wrong_keys(case, case)]
    return cases + large_cases() + dressed_cases() + wrong


def basic_cases(protocols, **more):
    cases = [Case(protocol, family, esp, ah, False, **more)
             for protocol in protocols for esp, ah in suites_of(protocol) for family in FAMILIES]
    return [case for case in cases if is_basic(case)]


def large_cases():
    if not CAPABILITIES["fragments"]:
        return []
    # Datagrams of a udp wire are never fragmented (docs/wires.md).
    return basic_cases([protocol for protocol in tried_protocols()
                        if protocol not in ("AH tunnel", "ESP transport in UDP")], large=True)


def dressed_cases():
    """A udp wire carries no options in front of ESP (docs/wires.md)."""
    return basic_cases(["ESP transport", "ESP tunnel", "AH transport", "AH over ESP", "all three",
                        "ESP BEET", "ESP BEET, other family"], dressed=True)


def with_wrong_keys(for_postern, for_linux):
    """What must not pass. Postern sends no AH in tunnel mode, so Linux gets none."""
    wrong = [dataclasses.replace(for_postern, wrong_key="postern")]
    if for_linux.protocol != "AH tunnel":
        wrong.append(dataclasses.replace(for_linux, wrong_key="linux"))
    return wrong


def is_basic(case):
    return all(is_basic_suite(s) for s in (case.esp, case.ah) if s)


def is_basic_suite(suite):
    return all(a in suites.BASIC for a in suite.algorithms)


def subset():
    """What runs with every change: all variants of the basic suites; of the others one
    variant with plain ESP and AH, another each time, and a third with the rest."""
    chosen, turn, variant = [], itertools.count(), itertools.count()
    for protocol in tried_protocols():
        for esp, ah in suites_of(protocol):
            variants = [Case(protocol, family, esp, ah, esn)
                        for family, esn in itertools.product(FAMILIES, (False, True))]
            if variants[0].beet:
                chosen += [one for one in variants if not one.esn]
            elif is_basic(variants[0]):
                chosen += variants
                chosen += with_wrong_keys(variants[0], variants[3])
            elif protocol.startswith(("ESP t", "AH t")) and not variants[0].in_udp:
                chosen.append(variants[next(variant) % 4])
            elif next(turn) % 3 == 0:
                chosen.append(variants[next(variant) % 4])
    return chosen + large_cases() + dressed_cases()


# Octets of data. Every residue of a cipher's block, twice; what stands in one IP
# packet of the virtual host's MTU; in between powers of two and their neighbours.
def small_sizes(family, mtu):
    most = mtu - (IPV4 if family == 4 else IPV6) - 8
    return sorted({*range(0, 34), 63, 64, 65, 127, 128, 129, 255, 256, 257, 500, 511, 512, 513,
                   1000, 1023, 1024, 1025, most - 1, most})


# What only fits in fragments.
LARGE_SIZES = [1400, 1472, 1473, 2000, 2960, 4000, 8000]

DRESSED_SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 100, 1000]


def sizes_of(case, mtu):
    if case.large:
        return LARGE_SIZES
    if case.dressed:
        return DRESSED_SIZES
    sizes = small_sizes(case.family, mtu)
    if case.protocol == "ESP transport in UDP" and case.family == 6:
        # Linux takes ESP in UDP over IPv6 of less than 40 octets for too short (6.1,
        # xfrm6_udp_encap_rcv). Of these suites only the shortest send such.
        short = case.esp.encryption == suites.NULL or case.esp.encryption.ours.endswith("-8")
        return [size for size in sizes if size >= 16 or not short]
    return sizes
