# SPDX-License-Identifier: Apache-2.0
"""The kernel is asked to tell of sockets that go while one has levels, and only then.

Judged by the kernel's list of netlink sockets: who is in a multicast group of
NETLINK_SOCK_DIAG. A socket that gets its levels while the daemon rests is missed
when it goes, as any other.
"""

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


if __name__ == "__main__":
    unittest.main()
