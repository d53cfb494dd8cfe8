# SPDX-License-Identifier: Apache-2.0
"""kill -9 in the middle of sending, again and again, with a manual AES-GCM key:
no sequence number, and so no IV, occurs twice on the wire. GCM-01 RPL-17
"""

import collections
import os
import subprocess
import unittest

import lab
import wire
from scapy.utils import RawPcapReader

ROUNDS = int(os.environ.get("POSTERN_KILLS", "100"))
FLOOD = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.connect((sys.argv[1], 9))
print("sending", flush=True)
while True:
    try:
        sock.send(b"x" * 64)
    except ConnectionRefusedError:  # nobody listens there; that is all right
        pass
"""


def sealed(file):
    """How many packets of the capture are ESP over IPv4."""
    packets = RawPcapReader(str(file))
    try:
        return sum(octets[0] >> 4 == 4 and octets[9] == 50 for octets, _ in packets)
    finally:
        packets.close()


class SequenceNumbers(unittest.TestCase):
    # DEF-40
    def test_never_twice_across_a_hundred_crashes(self):
        with lab.Lab() as two:
            sas = lab.all_sas(["esp_transport"], families=(4,))
            for host in two.hosts:
                host.configure(sas=sas, levels={"esp_transport": "require"})
            two.bob.start()
            files = [self.round(two, number) for number in range(ROUNDS)]
            sent = [sealed(file) for file in files]
            # One tshark for all rounds: to start it takes longer than a round.
            everything = two.directory / "everything.pcap"
            subprocess.run(["mergecap", "-a", "-F", "pcap", "-w", everything, *files],
                           check=True, capture_output=True)
            frames = [f for f in wire.read(everything) if f.field["esp.spi"]]
        self.assertTrue(all(count > 0 for count in sent), sent)
        self.assertEqual(len(frames), sum(sent))
        seen = collections.Counter(
            (f.field["esp.spi"], f.field["esp.sequence"]) for f in frames)
        twice = [key for key, count in seen.items() if count > 1]
        self.assertEqual(twice[:10], [])
        print(f"{ROUNDS} kills, {sum(sent)} packets, 0 numbers twice")

    def round(self, two, number):
        """The capture of a daemon's life."""
        two.alice.start()
        capture = two.capture(name=f"round-{number}", device="wire-alice")
        sender = two.alice.spawn("/usr/bin/python3", "-c", FLOOD, two.bob.address(4))
        lab.wait_until(lambda: capture.file.stat().st_size > 4000, "packets flow")
        two.alice.kill()
        lab.end_process(sender)
        return capture.cut()


if __name__ == "__main__":
    unittest.main()
