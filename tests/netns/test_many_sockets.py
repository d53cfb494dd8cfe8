# SPDX-License-Identifier: Apache-2.0
"""Thousands of sockets, each with levels of its own; none is left after all close.

socket_crowd takes TCP and UDP, IPv4 and IPv6 and every combination of NONE,
AVAIL, USE, REQUIRE and BYPASS in three categories, and exchanges words on each.
Judged by the daemons' own counts: every socket has its entry, and when all are
closed no entry of a living socket remains. Entries linger by design; that they go
then, too, is waited for if POSTERN_CROWD sets a number of sockets. API-30
"""

import json
import os
import subprocess
import unittest
from collections import Counter

import lab

PORT = 7300
SOCKETS = int(os.environ.get("POSTERN_CROWD", "2000"))


def living(host):
    """Entries of sockets that are open, as the daemon counts them."""
    status = host.json("status")
    return status["sockets"] - status["lingering_sockets"]


class ManySockets(unittest.TestCase):
    def test_no_entry_is_left(self):
        two = self.enterContext(lab.Lab())
        two.start(sas=lab.all_sas())
        program = two.build / "tests" / "netns" / "socket_crowd"
        server = two.bob.spawn(program, "serve", PORT,
                               levels={c: "avail" for c in lab.CATEGORIES})
        self.assertEqual(server.stdout.readline(), "ready\n")
        idle = living(two.bob)
        crowd = two.alice.spawn(program, "open", two.bob.address(4), two.bob.address(6), PORT,
                                SOCKETS, 1000, stdin=subprocess.PIPE)
        told = crowd.stdout.readline()
        self.assertTrue(told.startswith("{"), told)
        print(told.strip())
        self.every_socket_has_its_levels(two.alice)
        # Bob's children inherited theirs.
        self.assertEqual(living(two.bob), idle + SOCKETS // 2)
        crowd.stdin.write("close\n")
        crowd.stdin.flush()
        self.assertEqual(crowd.stdout.readline(), "closed\n")
        lab.wait_until(lambda: living(two.alice) == 0, "alice forgets the closed sockets")
        lab.wait_until(lambda: living(two.bob) == idle, "bob forgets the closed connections")
        self.assertEqual([host.drops() for host in two.hosts], [{}, {}])
        if "POSTERN_CROWD" in os.environ:
            lab.wait_until(lambda: two.alice.json("status")["sockets"] == 0
                           and two.alice.json("status")["flows"] == 0,
                           "no entry lingers", 140)

    def every_socket_has_its_levels(self, host):
        """The 125 combinations, as often as each was taken."""
        words = ("none", "avail", "use", "require", "bypass")
        expected = Counter()
        for i in range(SOCKETS):
            ah, transport, network = (words[i // 4 // 5 ** place % 5] for place in range(3))
            expected[transport, ah, network] += 1
        # A socket that sets nothing but NONE may have an entry or none.
        expected.pop(("none",) * 3)
        found = Counter(tuple(socket["levels"].get(c, "none") for c in lab.CATEGORIES)
                        for socket in host.json("socket list")["sockets"])
        found.pop(("none",) * 3, None)
        self.assertEqual(found, expected)


if __name__ == "__main__":
    unittest.main()
