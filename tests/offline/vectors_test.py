# SPDX-License-Identifier: Apache-2.0
"""The packets of tests/vectors/open as captures: two builders that are not ours made them."""

import collections
import ipaddress
import json
import pathlib
import unittest

import offline

OPEN = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "open"
WITH_ICV_IN_NAME = ("aes-gcm", "aes-ccm")


def ends_of(packet):
    if packet[0] >> 4 == 4:
        return tuple(str(ipaddress.ip_address(packet[at:at + 4])) for at in (12, 16))
    return tuple(str(ipaddress.ip_address(packet[at:at + 16])) for at in (8, 24))


def encryption_of(enc):
    name = enc["alg"]
    if name in WITH_ICV_IN_NAME:
        name += f"-{enc.get('icv_len', 16)}"
    return name + ("-iiv" if enc.get("implicit_iv") else "")


def settings_of(described, ends):
    tunnel = described.get("tunnel")
    source, destination = (tunnel["src"], tunnel["dst"]) if tunnel else ends
    more = {"protocol": described["proto"], "mode": described["mode"],
            "spi": described["spi"], "source": source, "destination": destination,
            "esn": described.get("esn", False)}
    if enc := described.get("enc"):
        more["encryption"] = encryption_of(enc)
        if material := enc["key"] + enc.get("salt", ""):
            more["encryption_key"] = "0x" + material
    auth = described.get("auth")
    if auth and auth["alg"] != "none":
        bits = 4 * len(auth["key"])
        more["integrity"] = f"aes-{bits}-gmac" if auth["alg"] == "aes-gmac" else auth["alg"]
        more["integrity_key"] = "0x" + auth["key"] + auth.get("salt", "")
    if encap := described.get("udp_encap"):
        more["udp"] = {"source_port": encap["sport"], "destination_port": encap["dport"]}
    return "[crypto]\nlegacy = true\n" + offline.sa(**more)


def number_of(described):
    return described["seq"] + (described.get("seq_hi", 0) << 32 if described.get("esn") else 0)


def cases_of(pattern):
    for path in sorted(OPEN.glob(pattern)):
        yield from json.loads(path.read_text())["cases"]


WHOLE = [case for case in cases_of("pkt_*.json") if "protected" in case]


class Vectors(offline.OfflineTest):
    def test_opens_every_packet_that_may_be_received(self):
        tried = 0
        for case in (case for case in WHOLE if "in" in case["directions"]):
            wire = bytes.fromhex(case["protected"])
            with self.subTest(case["id"]):
                tried += 1
                sas = settings_of(case["sa"], ends_of(wire))
                self.assertEqual(self.opened(sas, [wire], "--first", max(1, number_of(case["sa"]))),
                                 [bytes.fromhex(case["plain"])])
        self.assertGreater(tried, 100)

    def test_judges_received_packets_as_the_rfcs_do(self):
        judged = [case for case in cases_of("pkt_inbound_edge.json") if "selectors" not in case]
        # The SA's ends are those that most packets of one origin have: some were mutilated.
        ends = collections.defaultdict(collections.Counter)
        for case in judged:
            if len(case["packet"]) >= 80:
                ends[case["base"]][ends_of(bytes.fromhex(case["packet"]))] += 1
        tried = 0
        for case in judged:
            with self.subTest(case["id"]):
                tried += 1
                sas = settings_of(case["sa"], ends[case["base"]].most_common(1)[0][0])
                status, text, left = self.pcap("open", sas, [bytes.fromhex(case["packet"])],
                                               "--first", max(1, number_of(case["sa"])))
                expect = case["expect"]
                accepted = expect["verdict"] == "accept"
                self.assertEqual(left, [bytes.fromhex(expect["plain"])] if accepted else [], text)
                self.assertEqual(status, 1 if expect["verdict"] in ("drop", "not-as-is") else 0, text)
        self.assertGreater(tried, 100)


if __name__ == "__main__":
    unittest.main()
