# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a daemon in the middle of a transfer: no clear byte on the wire.

The programs see timeouts or errors, never clear traffic. API-44
"""

import unittest

import lab
import wire

MARK = b"POSTERN-CLEAR-TEXT-MARK-"
SENDER = """
import socket, sys
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5)
data = b"POSTERN-CLEAR-TEXT-MARK-" * 4000
print("connected", flush=True)
try:
    while True:
        sock.sendall(data)
except OSError as error:
    print("ended:", error, flush=True)
"""
SINK = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
child, peer = server.accept()
while child.recv(65536):
    pass
"""


class Sigkill(unittest.TestCase):
    # DEF-31
    def test_no_clear_byte_when_the_sender_s_daemon_dies(self):
        self.transfer("alice")

    # DEF-31
    def test_no_clear_byte_when_the_receiver_s_daemon_dies(self):
        self.transfer("bob")

    def transfer(self, victim):
        levels = {"esp_transport": "require"}
        with lab.Lab() as two:
            sas = lab.all_sas(["esp_transport"])
            two.start(sas=sas)
            capture = two.capture(device="any", name=victim)
            two.bob.spawn("/usr/bin/python3", "-c", SINK, 7300, levels=levels)
            lab.wait_until(lambda: two.bob.listening(7300), "the sink listens")
            sender = two.alice.spawn("/usr/bin/python3", "-c", SENDER,
                                     two.bob.address(4), 7300, levels=levels)
            self.assertEqual(sender.stdout.readline(), "connected\n")
            lab.wait_until(lambda: capture.file.stat().st_size > 2_000_000, "data flows")
            {"alice": two.alice, "bob": two.bob}[victim].kill()
            # The other side goes on sending into the void for a while.
            survivor = two.bob if victim == "alice" else two.alice
            lab.wait_until(lambda: survivor.ready(), "the other daemon lives")
            lab.end_process(sender)
            octets = capture.stop().read_bytes()
            frames = wire.read(capture.file)
        self.assertGreater(len(frames), 100)
        self.assertEqual(octets.count(MARK), 0)
        self.assertEqual([f.shape for f in frames if f.tcp], [])


if __name__ == "__main__":
    unittest.main()
