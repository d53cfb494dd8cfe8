# SPDX-License-Identifier: Apache-2.0
"""Dummy packets leave alice's SAs and vanish in bob's (RFC 4303 2.6).

scapy opens what was on the wire: right ICV, next header 59. ESP-14 ESP-15 ESP-16 AUD-11
"""

import logging
import sys
import unittest
import warnings

import lab

warnings.filterwarnings("ignore")
logging.getLogger("scapy").setLevel(logging.ERROR)
try:
    from scapy.layers.ipsec import ESP, SecurityAssociation
    from scapy.utils import rdpcap
except ImportError as error:
    print(f"skipped: scapy is not there (python3-scapy): {error}")
    sys.exit(77)

WISH = "dummy_interval_ms = 20\n"


class Wishing(lab.Sa):
    def toml(self):
        return super().toml() + WISH + ("tfc_pad_to = 600\n" if self.category == "esp_network" else "")


class Dummies(unittest.TestCase):
    def setUp(self):
        self.two = lab.Lab().__enter__()
        self.addCleanup(self.two.__exit__)

    def test_they_are_right_and_consumed_in_silence(self):
        kinds = [(category, family) for category in ("esp_transport", "esp_network")
                 for family in (4, 6)]
        alice, bob = self.two.alice, self.two.bob
        bob.configure(sas=[lab.Sa(*kind, "alice") for kind in kinds])
        bob.start()
        alice.configure(sas=[Wishing(*kind, "alice") for kind in kinds])
        capture = self.two.capture()
        alice.start()
        lab.wait_until(lambda: bob.drops().get("dummy_packet", 0) >= 60, "dummies arrive")
        sent = alice.json("stats")["counts"]["dummies_sent"]
        alice.stop()
        frames = rdpcap(str(capture.stop()))
        self.assertEqual(set(bob.drops()), {"dummy_packet"})
        self.assertGreaterEqual(bob.drops()["dummy_packet"], sent)
        self.assertNotIn("packet_refused", bob.log.read_text())
        self.assertGreaterEqual(sent, 60)
        for kind in kinds:
            sa = lab.Sa(*kind, "alice")
            with self.subTest(category=sa.category, family=sa.family):
                self.judge(sa, [f for f in frames if f.haslayer(ESP) and f[ESP].spi == int(sa.spi, 0)])

    def judge(self, sa, frames):
        self.assertGreaterEqual(len(frames), 5)
        scapy = SecurityAssociation(ESP, spi=int(sa.spi, 0), crypt_algo="AES-GCM",
                                    crypt_key=bytes.fromhex(sa.encryption_key[2:]))
        numbers, sizes = [], set()
        for frame in frames:
            esp = frame[ESP]
            plain = scapy.crypt_algo.decrypt(scapy, esp, scapy.crypt_key)
            self.assertEqual(plain.nh, 59)
            numbers.append(esp.seq)
            sizes.add(len(plain.data))
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        if sa.category == "esp_network":
            self.assertEqual(sizes, {600})
        else:
            self.assertGreater(len(sizes), 2)


if __name__ == "__main__":
    unittest.main()
