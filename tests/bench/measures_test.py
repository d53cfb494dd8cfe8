#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/lab/measures.py: the search for the highest rate, through tunnels made
up here."""

import pathlib
import sys
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lab"))
import measures  # noqa: E402

FASTEST = 200_000  # what the sender can


class Probe(measures.Probe):
    """Carries `able` datagrams a second and drops what is beyond; every flood
    that `hiccups` names, counted from 0, loses a tenth more."""

    def __init__(self, able, hiccups=()):
        self.options = types.SimpleNamespace(flood_seconds=1.0, bisections=8)
        self.able, self.hiccups, self.floods = able, hiccups, 0

    def flood(self, octets, per_second, seconds, per_flow=0, ports=1):
        sent = min(per_second or FASTEST, FASTEST)
        came = min(sent, self.able)
        if self.floods in self.hiccups:
            came *= 0.9
        self.floods += 1
        return {"sent": sent, "came": came, "lost": 1 - came / sent, "reordered": 1}


class FindsTheHighestRate(unittest.TestCase):
    def test_within_what_the_bisections_allow(self):
        rate = Probe(50_000).highest_rate(64)["kpps"]
        self.assertAlmostEqual(rate, 50, delta=FASTEST / 1000 / 2 ** 8 + 0.3)

    def test_at_once_where_nothing_is_lost(self):
        probe = Probe(FASTEST)
        self.assertEqual(probe.highest_rate(64)["kpps"], 200)
        self.assertEqual(probe.floods, 1)

    def test_in_spite_of_a_hiccup(self):
        rate = Probe(150_000, hiccups=(1,)).highest_rate(64)["kpps"]
        self.assertAlmostEqual(rate, 150, delta=2)

    def test_never_above_what_arrives(self):
        self.assertEqual(Probe(0).highest_rate(64)["kpps"], 0)

    def test_tells_what_a_flood_gets_through(self):
        told = Probe(50_000).highest_rate(64)
        self.assertEqual((told["offered_kpps"], told["flood_kpps"]), (200, 50))

    def test_counts_what_came_out_of_order_in_every_flood(self):
        probe = Probe(50_000)
        self.assertEqual(probe.highest_rate(64)["reordered"], probe.floods)


if __name__ == "__main__":
    unittest.main()
