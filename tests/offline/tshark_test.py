# SPDX-License-Identifier: Apache-2.0
"""tshark decrypts what was protected here, with the table that `sa export` prints."""

import os
import re
import shutil
import subprocess
import sys
import unittest

import offline
import suites_of_interop as suites

if not shutil.which("tshark"):
    print("skipped: tshark is not there")
    sys.exit(77)

DATA = bytes(range(100))
FIELDS = ("esp.spi", "esp.icv_good", "esp.icv_bad", "udp.dstport", "data.data")
# What it decrypts without looking at the proof.
UNCHECKED = {"aes-cmac-96", "aes-xcbc-96"}
UNKNOWN = {"aes-ccm-16", "aes-ccm-12", "aes-ccm-8", "chacha20-poly1305", "null-auth-aes-gmac",
           "camellia-cbc", "aes-gcm-16-iiv", "aes-ccm-8-iiv", "chacha20-poly1305-iiv"}


class Tshark(offline.OfflineTest):
    def table(self, sas):
        ran = self.postern("sa", "export", "--sa", self.file("sas.toml", sas), "--wireshark")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        return ran.stdout

    def dissected(self, table):
        """{SPI: [FIELDS of a packet]} of out.pcap."""
        home = self.directory / "home"
        (home / "wireshark").mkdir(parents=True)
        (home / "wireshark" / "esp_sa").write_text(table)
        command = ["tshark", "-n", "-r", self.directory / "out.pcap", "-T", "fields",
                   "-E", "separator=;", "-d", "udp.port==9,data",
                   "-o", "esp.enable_encryption_decode:TRUE",
                   "-o", "esp.enable_authentication_check:TRUE"]
        for field in FIELDS:
            command += ["-e", field]
        ran = subprocess.run(command, text=True, capture_output=True, timeout=120,
                             env=dict(os.environ, XDG_CONFIG_HOME=str(home)))
        self.assertEqual(ran.returncode, 0, ran.stderr)
        rows = [line.split(";") for line in ran.stdout.splitlines()]
        return {int(row[0], 16): row for row in rows if row[0]}

    def protect_all(self, all_suites, mode, family, **settings):
        """One SA and one packet for each suite, told apart by their ports."""
        sas, packets = suites.LEGACY, []
        for number, suite in enumerate(all_suites):
            more = {"source": "10.9.0.1", "destination": "10.9.0.2"}
            if family == 6:
                more = {"source": "fd09::1", "destination": "fd09::2"}
            sas += suites.sa_of(suite, more=str(number), mode=mode, spi=0x1000 + number,
                                selector={"protocol": "udp", "source_port": 1000 + number},
                                **more, **settings)
            packets.append(offline.udp(DATA, ports=(1000 + number, 9)) if family == 4 else
                           udp6(DATA, (1000 + number, 9)))
        self.protected(sas, packets)
        return self.table(sas)

    def test_decrypts_every_suite_of_the_table_and_finds_its_icvs_good(self):
        for mode in ("transport", "tunnel"):
            for family in (4, 6):
                self.check_all(mode, family)

    def check_all(self, mode, family):
        table = self.protect_all(suites.ESP, mode, family)
        rows = self.dissected(table)
        shutil.rmtree(self.directory / "home")
        known = 0
        for number, suite in enumerate(suites.ESP):
            spi = 0x1000 + number
            with self.subTest(f"{suite.name} {mode} IPv{family}"):
                row = rows[spi]
                comment = re.search(f"^# esp {spi:#010x} to .*$", table, re.MULTILINE)
                if suite.encryption.ours in UNKNOWN:
                    self.assertNotIn(f'"{spi:#010x}"', table)
                    self.assertIn("left out", comment[0])
                    self.assertNotIn(DATA.hex(), row[4])
                    continue
                known += 1
                unchecked = suite.integrity and suite.integrity.ours in UNCHECKED
                self.assertEqual(comment is not None, bool(unchecked), comment)
                self.assertEqual(row[3:], ["9", DATA.hex()], row)
                self.assertEqual(row[1:3], ["0", "0"] if unchecked else ["1", "0"], row)
        self.assertGreater(known, 12)

    def test_decrypts_nothing_without_the_table(self):
        self.protect_all(suites.ESP[:1], "transport", 4)
        self.assertEqual(self.dissected("")[0x1000][4], "")

    def test_decrypts_what_has_64_bit_numbers_as_the_comment_says(self):
        table = self.protect_all(suites.ESP[:1], "transport", 4, esn=True)
        self.assertIn("64-bit sequence numbers", table)
        self.assertEqual(self.dissected(table)[0x1000][1:], ["0", "1", "9", DATA.hex()])

    def test_gets_no_row_for_ah(self):
        table = self.table(offline.sa(protocol="ah", integrity="hmac-sha2-256-128",
                                      integrity_key=offline.key_of("ah", 32)))
        self.assertTrue(all(line.startswith("#") for line in table.splitlines()), table)
        self.assertIn("# ah 0x00001001 to 10.9.0.2, left out: ", table)


def udp6(data, ports):
    """An IPv6 packet with a datagram that has its checksum."""
    def octets(last):
        return bytes.fromhex("fd09" + "0" * 27 + str(last))
    length = 8 + len(data)
    def datagram(checksum):
        return b"".join(n.to_bytes(2, "big") for n in (*ports, length, checksum)) + data
    pseudo = octets(1) + octets(2) + length.to_bytes(4, "big") + b"\0\0\0\x11"
    return (b"\x60\0\0\0" + length.to_bytes(2, "big") + b"\x11\x40" + octets(1) + octets(2) +
            datagram(offline.ipv4_checksum(pseudo + datagram(0))))


if __name__ == "__main__":
    unittest.main()
