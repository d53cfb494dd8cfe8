# SPDX-License-Identifier: Apache-2.0
"""scapy opens what was protected here, and what scapy made is opened here.

Every suite that scapy 2.5 has right, in both families. Not AH over ESP, AH tunnels and
ESN, which it has wrong.
"""

import itertools
import logging
import sys
import unittest
import warnings

import offline
import suites_of_interop as suites

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
try:
    from scapy.layers.inet import IP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.ipsec import AH, ESP, SecurityAssociation
    from scapy.packet import Raw
except ImportError as error:
    print(f"skipped: scapy is not there (python3-scapy): {error}")
    sys.exit(77)

ENDS = {4: ("10.9.0.1", "10.9.0.2"), 6: ("fd09::1", "fd09::2")}
SPI = 0x1001
DATA = bytes(range(200))


def header(family):
    source, destination = ENDS[family]
    return (IP if family == 4 else IPv6)(src=source, dst=destination)


def parsed(octets):
    return (IP if octets[0] >> 4 == 4 else IPv6)(octets)


def association(suite, protocol, mode, family):
    more = {}
    for algorithm in suite.algorithms:
        prefix = "auth" if algorithm is suite.integrity else "crypt"
        more[f"{prefix}_algo"] = algorithm.scapy
        more[f"{prefix}_key"] = bytes.fromhex((suites.key_of(algorithm) or "0x")[2:])
    if mode == "tunnel":
        more["tunnel_header"] = header(family)
    return SecurityAssociation(ESP if protocol == "esp" else AH, spi=SPI, **more)


def cases():
    for protocol, mode, all_suites in (("esp", "transport", suites.ESP), ("esp", "tunnel", suites.ESP),
                                       ("ah", "transport", suites.AH)):
        for suite in all_suites:
            if all(algorithm.scapy for algorithm in suite.algorithms):
                for family in ENDS:
                    yield suite, protocol, mode, family


class Scapy(offline.OfflineTest):
    def each(self, check):
        tried = 0
        for suite, protocol, mode, family in cases():
            with self.subTest(f"{protocol} {mode} {suite.name} IPv{family}"):
                tried += 1
                source, destination = ENDS[family]
                sas = suites.LEGACY + suites.sa_of(suite, protocol=protocol, mode=mode, spi=SPI,
                                                   source=source, destination=destination)
                clear = [bytes(header(family) / UDP(sport=9, dport=9) / DATA[:size])
                         for size in (0, 1, 15, 16, 200)]
                check(sas, association(suite, protocol, mode, family), clear)
        self.assertGreater(tried, 60)

    def test_opens_what_was_protected_here(self):
        def check(sas, theirs, clear):
            packets = self.protected(sas, clear)
            self.assertNotEqual(packets, clear)
            self.assertEqual([bytes(theirs.decrypt(parsed(packet))) for packet in packets], clear)
        self.each(check)

    def test_opens_nothing_of_another_key(self):
        suite = next(iter(suites.ESP))
        source, destination = ENDS[4]
        sas = suites.sa_of(suite, spi=SPI, source=source, destination=destination)
        packet, = self.protected(sas, [bytes(header(4) / UDP() / DATA)])
        theirs = association(suite, "esp", "transport", 4)
        theirs.crypt_key = bytes(len(theirs.crypt_key))
        with self.assertRaises(Exception):
            theirs.decrypt(parsed(packet))

    def test_makes_what_is_opened_here(self):
        def check(sas, theirs, clear):
            packets = [bytes(theirs.encrypt(parsed(packet), seq_num=number))
                       for number, packet in enumerate(clear, 1)]
            self.assertEqual(self.opened(sas, packets), clear)
        self.each(check)

    def test_agrees_on_beet(self):
        """To scapy it is transport mode between the outer ends (RFC 7402 appendix B)."""
        ends = {4: ("10.0.0.1", "10.0.0.2"), 6: ("2001:10::1", "2001:10::2")}
        suite = next(suite for suite in suites.ESP if all(a.scapy for a in suite.algorithms))
        for inner, outer in itertools.product(ends, ENDS):
            with self.subTest(inner=inner, outer=outer):
                source, destination = ENDS[outer]
                sas = suites.sa_of(suite, mode="beet", spi=SPI, source=source, destination=destination,
                                   selector=dict(zip(("source", "destination"), ends[inner])))
                theirs = association(suite, "esp", "transport", outer)
                within = {"id": 0, "flags": "DF"} if (inner, outer) == (4, 6) else {}
                clear = bytes((IP if inner == 4 else IPv6)(
                    src=ends[inner][0], dst=ends[inner][1], **within) / UDP(sport=9, dport=9) / DATA)
                datagram = clear[20 if inner == 4 else 40:]
                around = header(outer)
                around.setfieldval("proto" if outer == 4 else "nh", 17)
                sealed = bytes(theirs.encrypt(parsed(bytes(around / Raw(datagram))), seq_num=1))
                self.assertEqual(self.opened(sas, [sealed]), [clear])
                packet, = self.protected(sas, [clear])
                opened = theirs.decrypt(parsed(packet))
                self.assertEqual((opened.src, opened.dst), ENDS[outer])
                self.assertEqual(bytes(opened)[20 if outer == 4 else 40:], datagram)


if __name__ == "__main__":
    unittest.main()
