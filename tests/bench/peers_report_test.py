#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/lab/peers_report.py: the arithmetic behind the tables."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lab"))
import page  # noqa: E402
import peers_report  # noqa: E402


def round_of(gbit, cpu=1.0, retransmits=0, memory=10.0):
    tcp = {"gbit_per_s": gbit, "retransmits": retransmits, "cpu_s_per_gigabyte": cpu,
           "user_s_per_gigabyte": cpu / 2}
    udp = {"kpps": 100.0, "offered_kpps": 200.0, "flood_kpps": 90.0, "reordered": 0}
    return {"tcp_there": tcp, "tcp_back": tcp, "udp_64": udp, "udp_1400": udp,
            "ping": {"p50_ms": 0.1, "p99_ms": 0.2}, "ask": {"p50_us": 50.0, "p99_us": 90.0},
            "flood": {"memory_mib": memory}}


def results(**more):
    kept = {"machine": {"processor": "a CPU", "cores": 2, "kernel": "6", "date": "2026-01-01"},
            "absent": {},
            "tunnels": {
                "postern": {"label": "Postern", "version": "1",
                            "rounds": [round_of(g) for g in (6.0, 1.0, 5.0)]},
                "wireguard": {"label": "wireguard-go", "version": "2",
                              "rounds": [round_of(0.5, cpu=4.0)]}}}
    return kept | more


TCP, CPU = ("tcp_there", "gbit_per_s"), ("tcp_there", "cpu_s_per_gigabyte")


class Reports(unittest.TestCase):
    def test_takes_the_median_of_the_rounds(self):
        self.assertEqual(peers_report.median(results(), "postern", TCP), 5.0)

    def test_is_better_with_more_of_what_is_good(self):
        self.assertEqual(peers_report.times_better(results(), TCP, "wireguard"), 10.0)

    def test_is_better_with_less_of_what_is_bad(self):
        self.assertEqual(peers_report.times_better(results(), CPU, "wireguard"), 4.0)

    def test_has_no_ratio_to_a_peer_that_was_not_measured(self):
        self.assertIsNone(peers_report.times_better(results(), TCP, "libipsec"))

    def test_leaves_out_what_was_not_asked_for(self):
        kept = results()
        for tunnel in kept["tunnels"].values():
            tunnel["rounds"] = [{"ping": {"p50_ms": 0.1, "p99_ms": 0.2}}]
        titles = [line[0] for line in peers_report.medians_table(kept)[1:]]
        self.assertEqual(titles, ["ping p50, ms", "ping p99, ms"])
        self.assertEqual([line[0] for line in peers_report.aims_table(kept)[1:]], ["ping p50"])
        self.assertIn("ping p50", peers_report.markdown(kept))

    def test_says_which_aims_are_reached(self):
        verdicts = {(row[0], row[1]): row[4] for row in peers_report.aims_table(results())[1:]}
        self.assertEqual(verdicts["TCP there", "wireguard-go"], "not reached")
        self.assertEqual(verdicts["CPU there", "wireguard-go"], "reached")

    def test_holds_us_to_what_is_asked_whatever_the_peers_do(self):
        kept = results()
        kept["tunnels"]["postern"]["rounds"] = [round_of(5.0, memory=31.0, retransmits=500)]
        kept["tunnels"]["plain"] = {"label": "no tunnel", "version": "",
                                    "rounds": [round_of(9.0, retransmits=48)]}
        verdicts = {row[0]: row[2:] for row in peers_report.aims_table(kept)[1:]}
        self.assertEqual(verdicts["memory under a flood, MiB"],
                         ["31", "at most 30", "not reached"])
        self.assertEqual(verdicts["UDP 64 octets, reordered"], ["0", "at most 0", "reached"])
        # Ten times those of the bare veth pair, and ten.
        self.assertEqual(verdicts["TCP retransmits there"],
                         ["500", "at most 490", "not reached"])

    def test_names_a_peer_that_could_not_be_measured(self):
        text = peers_report.text(results(absent={"libipsec": "strongSwan: there is no charon"}))
        self.assertIn("not measured: strongSwan: there is no charon", text)

    def test_splits_the_costs_of_a_packet_by_the_profile(self):
        profile = {"shares": {"kernel": 0.5, "copies": 0.1, "crypto": 0.3, "own": 0.1},
                   "cpu_s_per_gigabyte": 1.0, "gbit_per_s": 5.0}
        cost = peers_report.costs(results(profile=profile))
        # 1 s for 10^9 octets is 1 ns for an octet.
        self.assertAlmostEqual(sum(cost.values()), peers_report.WIRE_PACKET)
        self.assertAlmostEqual(cost["crypto"], 0.3 * peers_report.WIRE_PACKET)

    def test_computes_no_cores_without_a_profile(self):
        self.assertIsNone(peers_report.model_table(results()))

    def test_writes_between_the_markers_only(self):
        with tempfile.NamedTemporaryFile("w+", suffix=".md") as out:
            out.write("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
            out.flush()
            page.write("x", peers_report.markdown(results()), pathlib.Path(out.name))
            text = pathlib.Path(out.name).read_text()
        self.assertTrue(text.startswith("before\n<!-- x: begin -->\n"))
        self.assertTrue(text.endswith("<!-- x: end -->\nafter\n"))
        self.assertNotIn("old", text)
        self.assertIn("| TCP there, Gbit/s | 5 | 0.5 |", text)


if __name__ == "__main__":
    unittest.main()
