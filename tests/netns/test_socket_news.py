# SPDX-License-Identifier: Apache-2.0
"""The kernel is asked to tell of sockets that go while one has levels, and only then.

Judged by the kernel's list of netlink sockets: who is in a multicast group of
NETLINK_SOCK_DIAG. A socket that gets its levels while the daemon rests is missed
when it goes, as any other.
"""

import os
import signal
import struct
import subprocess
import unittest

import lab

SOCK_DIAG = 4
HOLD = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 0))
print("open", flush=True)
sys.stdin.readline()
"""

# Asks for a socket's level and closes it at once.
HAND_OVER = """
import array, socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
api = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
print("open", flush=True)
sys.stdin.readline()
api.connect(sys.argv[1])
rights = array.array("i", [sock.fileno()])
api.sendmsg([bytes.fromhex(sys.argv[2])], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
sock.close()
print("closed", flush=True)
print(int.from_bytes(api.recv(4096)[16:20], "big"), flush=True)
"""
# SetLevel: AH, IPv4, REQUIRE (control/api_protocol.h).
SET_LEVEL = struct.pack("!4sHHII4B", b"PSTN", 1, 2, 1, 20, 2, 4, 5, 0).hex()


def listens(host):
    """Whether anybody in the host hears of sockets that go."""
    table = host.run("cat", "/proc/net/netlink", check=True).stdout
    rows = [line.split() for line in table.splitlines()[1:]]
    return any(int(row[1]) == SOCK_DIAG and int(row[3], 16) for row in rows)


def living(host):
    status = host.json("status")
    return status["sockets"] - status["lingering_sockets"]


class SocketNews(unittest.TestCase):
    def test_who_rests_misses_nothing(self):
        two = self.enterContext(lab.Lab())
        two.start(sas=lab.all_sas())
        for host in two.hosts:
            lab.wait_until(lambda host=host: not listens(host), "nobody has levels")
        program = two.alice.spawn("/usr/bin/python3", "-c", HOLD, stdin=subprocess.PIPE,
                                  levels={"ah": "avail"})
        self.assertEqual(program.stdout.readline(), "open\n")
        self.assertEqual(living(two.alice), 1)
        self.assertTrue(listens(two.alice))
        self.assertFalse(listens(two.bob))
        program.stdin.write("\n")
        program.stdin.close()
        lab.wait_until(lambda: living(two.alice) == 0, "the socket's end is told")

    def test_a_socket_that_is_gone_before_its_entry_is_made(self):
        two = self.enterContext(lab.Lab())
        two.start(sas=lab.all_sas())
        lab.wait_until(lambda: not listens(two.alice), "nobody has levels")
        program = two.alice.spawn("/usr/bin/python3", "-c", HAND_OVER,
                                  two.directory / "run" / "alice" / "api.sock", SET_LEVEL,
                                  stdin=subprocess.PIPE)
        self.assertEqual(program.stdout.readline(), "open\n")
        os.kill(two.alice.process.pid, signal.SIGSTOP)
        try:
            program.stdin.write("\n")
            program.stdin.flush()
            self.assertEqual(program.stdout.readline(), "closed\n")
        finally:
            os.kill(two.alice.process.pid, signal.SIGCONT)
        self.assertEqual(program.stdout.readline(), "0\n")
        self.assertEqual(two.alice.json("status")["sockets"], 1)
        lab.wait_until(lambda: living(two.alice) == 0, "the socket's end is told")


if __name__ == "__main__":
    unittest.main()
