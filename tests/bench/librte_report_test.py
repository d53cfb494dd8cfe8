#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/lab/bench_librte.py: the table beside DPDK's librte_ipsec."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lab"))
import bench_librte  # noqa: E402
import page  # noqa: E402


def round_of(factor=1.0):
    """Bare 20, librte_ipsec 70 or 75 of them 10 fill, Postern 90 of them 15 fill;
    out and in twice as much, and 1408 octets 100 more."""
    rows = lambda times: {f"{name}/{size}": factor * (time + (100 if size == "1408" else 0))
                          for name, time in times.items() for size in ("64", "1408")}
    theirs = rows({"fill": 10, "out_cpu": 70, "out_in_cpu": 140, "out_lookaside": 75,
                   "out_in_lookaside": 150})
    return {"librte": {"version": "DPDK 1", "replayed": 128, "taken": 64, **theirs},
            "postern": rows({"fill": 15, "out": 90, "out_in": 180}),
            "bare": rows({"out": 20, "out_in": 40})}


def results(*factors):
    return {"machine": {"processor": "a CPU", "cores": 2, "kernel": "6", "date": "2026-01-01"},
            "rounds": [round_of(factor) for factor in factors or (1.0,)]}


def lines(kept):
    return {first: rest for first, *rest in bench_librte.table(kept)[1:]}


class Tables(unittest.TestCase):
    def test_have_a_row_for_each_operation_size_and_way(self):
        self.assertEqual(len(lines(results())), 8)

    def test_divide_and_take_the_fill_of_each_from_its_own(self):
        self.assertEqual(lines(results())["out, 64, cpu"],
                         ["20.0", "70.0", "90.0", "3.50", "4.50", "1.29", "60.0", "75.0", "1.25"])

    def test_have_the_way_of_librte_ipsec_that_they_name(self):
        self.assertEqual(lines(results())["out and in, 64, lookaside"][:3],
                         ["40.0", "150.0", "180.0"])

    def test_take_the_median_of_the_rounds(self):
        self.assertEqual(lines(results(1.0, 9.0, 1.0))["out, 1408, cpu"],
                         lines(results())["out, 1408, cpu"])

    def test_have_no_number_for_a_row_that_was_not_measured(self):
        kept = results()
        del kept["rounds"][0]["bare"]["out/64"]
        with self.assertRaises(KeyError):
            bench_librte.table(kept)

    def test_read_postern_bench_by_report_py(self):
        medians = {(operation, size): {bench_librte.report.OURS: (7.0, 0),
                                       bench_librte.report.BARE: (3.0, 0)}
                   for operation in (*bench_librte.PIPELINES.values(), "esp_seal_aes_128_gcm_mb",
                                     "esp_seal_open_aes_128_gcm_mb")
                   for size in bench_librte.SIZES}
        rows = bench_librte.rows_of(medians)
        self.assertEqual(rows["postern"]["out_in/1408"], 7.0)
        self.assertEqual(rows["bare"]["out/64"], 3.0)
        self.assertNotIn("fill/64", rows["bare"])

    def test_stand_between_the_markers_with_the_replays(self):
        with tempfile.NamedTemporaryFile("w+", suffix=".md") as out:
            out.write("<!-- bench-librte: begin -->\nold\n<!-- bench-librte: end -->\n")
            out.flush()
            page.write("bench-librte", bench_librte.markdown(results()), pathlib.Path(out.name))
            text = pathlib.Path(out.name).read_text()
        self.assertIn("a CPU, 2 cores, Linux 6, 2026-01-01; DPDK 1;", text)
        self.assertIn("| out, 64, cpu | 20.0 | 70.0 |", text)
        self.assertIn("Of 128 replayed packets librte_ipsec took 64", text)
        self.assertNotIn("old", text)


class Script(unittest.TestCase):
    def test_is_one_that_bash_can_read(self):
        subprocess.run(["bash", "-n", ROOT / "scripts" / "bench-librte"], check=True)

    def test_prints_kept_results_without_installing_or_building(self):
        with tempfile.TemporaryDirectory() as folder:
            kept = pathlib.Path(folder, "kept.json")
            kept.write_text(json.dumps(results()))
            told = subprocess.run([ROOT / "scripts" / "bench-librte", "--from", kept], check=True,
                                  capture_output=True, text=True)
        self.assertIn("out and in, 1408, lookaside", told.stdout)
        self.assertEqual(told.stderr, "")


if __name__ == "__main__":
    unittest.main()
