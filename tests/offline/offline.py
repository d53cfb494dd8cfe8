# SPDX-License-Identifier: Apache-2.0
"""What the tests of `postern pcap` share: running it, its SA files, captures.

Captures are written here after the format's definition and not by what is tested.
"""

import hashlib
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

POSTERN = os.environ["POSTERN"]
RAW = 101
BASE = 1_700_000_000_123_456_789  # nanoseconds


def key_of(purpose, octets):
    return "0x" + hashlib.shake_256(purpose.encode()).hexdigest(octets)


def sa(**settings):
    """A [[sa]] of ESP in transport mode from 10.9.0.1 to 10.9.0.2, but for `settings`."""
    table = {"protocol": "esp", "mode": "transport", "spi": 0x1001,
             "source": "10.9.0.1", "destination": "10.9.0.2", **settings}

    def value(of):
        if isinstance(of, bool):
            return str(of).lower()
        if isinstance(of, dict):
            return "{ " + ", ".join(f"{k} = {value(v)}" for k, v in of.items()) + " }"
        return str(of) if isinstance(of, int) else f'"{of}"'
    return "[[sa]]\n" + "".join(f"{k} = {value(v)}\n" for k, v in table.items() if v is not None)


def gcm(**settings):
    return sa(encryption="aes-gcm-16", encryption_key=key_of("gcm", 20), **settings)


def write_pcap(path, packets, link=RAW, order="<", magic=0xA1B23C4D):
    unit = 1 if magic == 0xA1B23C4D else 1000
    data = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 262144, link)
    for number, packet in enumerate(packets):
        seconds, rest = divmod(BASE + number * 1_000_000_000, 1_000_000_000)
        data += struct.pack(order + "IIII", seconds, rest // unit, len(packet), len(packet)) + packet
    pathlib.Path(path).write_bytes(data)


def read_pcap(path):
    """[(nanoseconds, octets)] of a file that `postern pcap` made."""
    data = pathlib.Path(path).read_bytes()
    magic, _, _, _, _, _, link = struct.unpack_from("=IHHIIII", data)
    if (magic, link) != (0xA1B23C4D, RAW):
        raise ValueError(f"not nanoseconds and RAW: {magic:#x}, {link}")
    at, records = 24, []
    while at < len(data):
        seconds, rest, captured, length = struct.unpack_from("=IIII", data, at)
        if captured != length:
            raise ValueError("cut off")
        records.append((seconds * 1_000_000_000 + rest, data[at + 16:at + 16 + captured]))
        at += 16 + captured
    return records


def ipv4_checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(data=b"hello", source="10.9.0.1", destination="10.9.0.2", ports=(9, 9)):
    """An IPv4 packet with a datagram without a checksum."""
    def octets(address):
        return bytes(int(part) for part in address.split("."))
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 1, 0, 64, 17, 0,
                         octets(source), octets(destination))
    header = header[:10] + struct.pack("!H", ipv4_checksum(header)) + header[12:]
    return header + struct.pack("!HHHH", *ports, 8 + len(data), 0) + data


class OfflineTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="postern-offline.")
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def file(self, name, content):
        path = self.directory / name
        path.write_text(content)
        return path

    def postern(self, *words):
        return subprocess.run([POSTERN, *map(str, words)], text=True, capture_output=True, timeout=60)

    def pcap(self, verb, sas, packets, *options, link=RAW):
        """(exit status, output, [octets of the new capture])."""
        write_pcap(self.directory / "in.pcap", packets, link)
        out = self.directory / "out.pcap"
        out.unlink(missing_ok=True)
        ran = self.postern("pcap", verb, "--sa", self.file("sas.toml", sas), *options,
                           self.directory / "in.pcap", out)
        records = [packet for _, packet in read_pcap(out)] if out.exists() else None
        return ran.returncode, ran.stdout + ran.stderr, records

    def protected(self, sas, packets, *options):
        status, text, records = self.pcap("protect", sas, packets, *options)
        self.assertEqual(status, 0, text)
        return records

    def opened(self, sas, packets, *options):
        status, text, records = self.pcap("open", sas, packets, *options)
        self.assertEqual(status, 0, text)
        return records
