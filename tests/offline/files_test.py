# SPDX-License-Identifier: Apache-2.0
"""What `postern pcap` says and refuses, and what captures it takes."""

import os
import struct
import unittest

import offline
from offline import gcm, key_of, sa, udp

AH = sa(protocol="ah", spi=0x1002, integrity="hmac-sha2-256-128", integrity_key=key_of("ah", 32))


def changed(packet, at):
    return packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1:]


class Verdicts(offline.OfflineTest):
    def test_says_by_which_sas_a_packet_was_protected_and_opened(self):
        status, text, packets = self.pcap("protect", AH + gcm(), [udp()])
        self.assertEqual(status, 0, text)
        self.assertIn("1  udp 10.9.0.1:9 > 10.9.0.2:9, 33 octets -> protected (esp 0x00001001 to "
                      "10.9.0.2, seq 1; ah 0x00001002 to 10.9.0.2, seq 1)\n", text)
        status, text, _ = self.pcap("open", AH + gcm(), packets)
        self.assertEqual(status, 0, text)
        self.assertIn("1  ah 10.9.0.1 > 10.9.0.2, 96 octets -> opened (ah 0x00001002 to 10.9.0.2, "
                      "seq 1; esp 0x00001001 to 10.9.0.2, seq 1)\n", text)

    def test_copies_what_no_sa_is_for_and_says_so(self):
        other = udp(source="10.9.0.3")
        for verb, why in (("protect", "copied: no SA is for it"),
                          ("open", "copied: it carries neither AH nor ESP")):
            status, text, packets = self.pcap(verb, gcm(), [other])
            self.assertEqual((status, packets), (0, [other]), text)
            self.assertIn(why, text)

    def test_protects_only_what_a_selector_names(self):
        sas = gcm(selector={"protocol": "udp", "destination_port": 53})
        to_53 = udp(ports=(9, 53))
        packets = self.protected(sas, [udp(), to_53])
        self.assertEqual(packets[0], udp())
        self.assertEqual(packets[1][9], 50)

    def test_refuses_by_name_a_packet_whose_selector_is_another(self):
        packets = self.protected(gcm(), [udp()])
        status, text, left = self.pcap("open", gcm(selector={"protocol": "tcp"}), packets)
        self.assertEqual((status, left), (1, []))
        self.assertIn("refused, selector_mismatch after esp 0x00001001", text)

    def test_refuses_a_bad_icv_a_replay_and_an_unknown_spi_with_their_reasons(self):
        one, two = self.protected(gcm(), [udp(b"one"), udp(b"two")])
        unknown = changed(two, 23)
        status, text, left = self.pcap("open", gcm(), [one, changed(two, 40), one, unknown, two])
        self.assertEqual((status, left), (1, [udp(b"one"), udp(b"two")]), text)
        lines = text.splitlines()
        self.assertIn("refused, bad_icv: ", lines[1])
        self.assertIn("refused, replay_duplicate: ", lines[2])
        self.assertIn("refused, no_sa_for_spi: ", lines[3])
        self.assertEqual(lines[5], "2 opened, 0 copied, 0 left out, 3 refused")

    def test_refuses_a_fragment_of_a_protected_packet(self):
        packet = bytearray(self.protected(gcm(), [udp()])[0])
        packet[6] |= 0x20
        packet[10:12] = b"\0\0"
        packet[10:12] = struct.pack("!H", offline.ipv4_checksum(bytes(packet[:20])))
        status, text, left = self.pcap("open", gcm(), [bytes(packet)])
        self.assertEqual((status, left), (1, []))
        self.assertIn("refused, fragment: ", text)

    def test_begins_to_count_where_it_is_told(self):
        status, text, packets = self.pcap("protect", gcm(), [udp()], "--first", "4000000000")
        self.assertIn("seq 4000000000)", text)
        self.assertEqual((status, struct.unpack_from("!I", packets[0], 24)), (0, (4_000_000_000,)))
        status, text, _ = self.pcap("open", gcm(), packets, "--first", "4000000001")
        self.assertEqual(status, 1)
        self.assertIn("refused, replay_", text)

    def test_uses_every_sa_whatever_its_direction(self):
        for direction in ("outbound", "inbound"):
            sas = gcm(direction=direction)
            self.assertEqual(self.opened(sas, self.protected(sas, [udp()])), [udp()])

    def test_puts_esp_in_udp_and_takes_it_out(self):
        sas = gcm(udp={"source_port": 4500})
        packets = self.protected(sas, [udp()])
        self.assertEqual((packets[0][9], struct.unpack_from("!HH", packets[0], 20)),
                         (17, (4500, 4500)))
        keepalive, ike = udp(b"\xff", ports=(4500, 4500)), udp(b"\0" * 8, ports=(4500, 4500))
        status, text, left = self.pcap("open", sas, [*packets, keepalive, ike])
        self.assertEqual((status, left), (0, [udp(), ike]), text)
        self.assertIn("left out, nat_keepalive: ", text)


class Captures(offline.OfflineTest):
    def refused(self, *words):
        ran = self.postern(*words)
        self.assertEqual(ran.returncode, 2, ran.stdout)
        return ran.stderr

    def of_octets(self, octets):
        path = self.directory / "broken.pcap"
        path.write_bytes(octets)
        return self.refused("pcap", "open", "--sa", self.file("sas.toml", gcm()), path,
                            self.directory / "out.pcap")

    def test_keeps_times_of_both_units_and_both_byte_orders(self):
        path, out = self.directory / "in.pcap", self.directory / "out.pcap"
        for order in "<>":
            for magic, unit in ((0xA1B23C4D, 1), (0xA1B2C3D4, 1000)):
                offline.write_pcap(path, [udp(b"1"), udp(b"2")], order=order, magic=magic)
                ran = self.postern("pcap", "protect", "--sa", self.file("sas.toml", gcm()), path, out)
                self.assertEqual(ran.returncode, 0, ran.stderr)
                self.assertEqual([when for when, _ in offline.read_pcap(out)],
                                 [(offline.BASE + n * 10**9) // unit * unit for n in (0, 1)])

    def test_takes_ethernet_headers_and_link_padding_off_and_says_so(self):
        frame = bytes(12) + b"\x08\x00" + udp() + bytes(13)
        arp = bytes(12) + b"\x08\x06" + bytes(46)
        status, text, packets = self.pcap("open", gcm(), [frame, arp, b"\0"], link=1)
        self.assertEqual((status, packets), (0, [udp()]), text)
        self.assertIn("Ethernet headers are taken off", text)
        self.assertIn("2  a frame without an IP packet -> left out", text)

    def test_refuses_octets_that_are_no_ip_packet_by_name(self):
        status, text, left = self.pcap("open", gcm(), [b"", b"\x95" * 40, udp()[:-1], b"\x45"])
        self.assertEqual((status, left), (1, []))
        self.assertEqual(text.count("refused, truncated: "), 3, text)
        self.assertIn("refused, bad_ip_version: ", text)

    def test_makes_captures_that_are_their_owners_alone(self):
        old = os.umask(0)
        self.addCleanup(os.umask, old)
        self.opened(gcm(), [udp()])
        self.assertEqual((self.directory / "out.pcap").stat().st_mode & 0o777, 0o600)

    def test_refuses_what_is_no_capture(self):
        head = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
        for octets, sentence in (
                (b"", "is not a pcap file."),
                (b"text" * 20, "is not a pcap file."),
                (head[:23], "is not a pcap file."),
                (b"\x0a\x0d\x0d\x0a" + bytes(40), "is a pcapng file"),
                (head[:20] + struct.pack("<I", 105), "has frames of link type 105"),
                (head + bytes(15), "record 1 ends inside its head."),
                (head + struct.pack("<IIII", 0, 0, 5, 5) + b"1234", "record 1 ends before its 5 octets do."),
                (head + struct.pack("<IIII", 0, 0, 2**32 - 1, 5) + b"1234", "claims 4294967295 octets")):
            self.assertIn(sentence, self.of_octets(octets))

    def test_survives_captures_with_any_octet_changed_or_cut_off(self):
        path = self.directory / "whole.pcap"
        offline.write_pcap(path, self.protected(gcm(), [udp()]))
        whole = path.read_bytes()
        sas, out = self.file("sas.toml", gcm()), self.directory / "out.pcap"
        broken = [whole[:at] for at in range(len(whole))]
        broken += [changed(whole, at) for at in range(len(whole))]
        for octets in broken:
            path.write_bytes(octets)
            ran = self.postern("pcap", "open", "--sa", sas, path, out)
            self.assertIn(ran.returncode, (0, 1, 2), (ran.stderr, octets.hex()))
            self.assertTrue(ran.stderr if ran.returncode == 2 else ran.stdout)

    def test_refuses_files_that_are_missing_or_the_same(self):
        sas = self.file("sas.toml", gcm())
        path, missing = self.directory / "in.pcap", self.directory / "missing"
        offline.write_pcap(path, [udp()])
        before = path.read_bytes()
        self.assertIn("cannot be read", self.refused("pcap", "open", "--sa", sas, missing, path))
        self.assertIn("cannot be read", self.refused("pcap", "open", "--sa", missing, path, missing))
        self.assertIn("cannot be made", self.refused("pcap", "open", "--sa", sas, path, missing / "x"))
        self.assertIn("name another file", self.refused("pcap", "open", "--sa", sas, path, path))
        self.assertEqual(path.read_bytes(), before)


class SaFiles(offline.OfflineTest):
    def refusal(self, content):
        ran = self.postern("sa", "export", "--sa", self.file("sas.toml", content), "--wireshark")
        self.assertEqual((ran.returncode, ran.stdout), (2, ""))
        return ran.stderr

    def test_refuses_defects_with_their_places(self):
        self.assertIn("has no SA", self.refusal(""))
        self.assertIn("sas.toml:1:", self.refusal("[[sa]"))
        both = self.refusal(gcm(mode="tunel") + gcm(spid=1))
        self.assertRegex(both, r"sas.toml:3:\d+: sa\[1\].mode: ")
        self.assertIn("sa[2].spid", both)

    def test_reads_a_hosts_whole_configuration_and_key_files_beside_it(self):
        (self.directory / "gcm.key").write_text(key_of("gcm", 20))
        config = ('[host]\nname = "a"\n[wire]\nkind = "udp"\n' +
                  sa(encryption="aes-gcm-16", encryption_key="file:gcm.key"))
        self.assertEqual(self.opened(gcm(), self.protected(config, [udp()])), [udp()])

    def test_takes_legacy_algorithms_only_when_the_file_allows_them(self):
        old = sa(encryption="null", integrity="hmac-md5-96", integrity_key=key_of("md5", 16))
        self.assertIn("legacy", self.refusal(old))
        allowed = "[crypto]\nlegacy = true\n" + old
        self.assertEqual(self.opened(allowed, self.protected(allowed, [udp()])), [udp()])

    def test_refuses_two_sas_that_would_use_one_key_in_a_counter_mode(self):  # GCM-01
        status, text, left = self.pcap("protect", gcm() + gcm(spi=0x1003), [udp()])
        self.assertEqual((status, left), (2, None))
        self.assertIn("esp 0x00001003 to 10.9.0.2: ", text)

    def test_exports_from_a_file_alone_because_no_daemon_tells_keys(self):
        for words, sentence in ((("a", "--wireshark"), "no daemon tells the keys"),
                                (("--wireshark",), "needs a file and a format"),
                                (("--sa", "x"), "needs a file and a format"),
                                (("--sa", "x", "--wireshark", "--json"), "leave --json away")):
            ran = self.postern("sa", "export", *words)
            self.assertEqual((ran.returncode, ran.stdout), (2, ""))
            self.assertIn(sentence, ran.stderr)


if __name__ == "__main__":
    unittest.main()
