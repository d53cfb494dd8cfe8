#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/cache_lines.py: which line is whose, from a trace as lackey writes it."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import cache_lines  # noqa: E402

PLACES = {"packet": (0x5200000, 1428), "stack": 0x1FFF000450, "marker": 0x17F070}


class FakeSymbols:
    """Seal is at 1000, Find at 2000; a library from 4900000 on."""

    @staticmethod
    def at(address):
        if address >= cache_lines.PROGRAM_END:
            return None
        return "Find" if address >= 0x2000 else "Seal"


def told(*trace):
    return cache_lines.Lines(trace, PLACES, FakeSymbols).told()


class TellsLines(unittest.TestCase):
    def test_counts_a_line_once(self):
        counts = told("I  00001000,4", " L 05100000,8", " S 05100038,8", " L 05100000,1")
        self.assertEqual(counts["data"]["heap"], 1)

    def test_counts_both_lines_of_an_access_that_straddles(self):
        self.assertEqual(told("I  00001000,4", " L 0510003c,8")["data"]["heap"], 2)

    def test_names_who_touched_a_line_first(self):
        counts = told("I  00001000,4", " L 05100000,8", "I  00002000,4", " L 05100008,8",
                      " L 05100040,8")
        self.assertEqual(counts["heap"], {"Seal": 1, "Find": 1})

    def test_knows_packet_stack_and_program(self):
        counts = told("I  00001000,4", " L 05200010,8", " S 1fff000300,8", " L 00180000,8")
        self.assertEqual(counts["data"],
                         {"packet": 1, "stack": 1, "program": 1, "libraries": 0, "heap": 0})

    def test_leaves_a_librarys_own_lines_to_it(self):
        counts = told("I  04900000,4", " L 05100000,8", " L 05100040,8", "I  00001000,4",
                      " L 05100040,8")
        self.assertEqual((counts["data"]["libraries"], counts["heap"]), (1, {"Seal": 1}))

    def test_counts_what_is_written(self):
        counts = told("I  00001000,4", " L 05100000,8", " S 05100040,8", " M 05100080,8")
        self.assertEqual(counts["heap_written"], 2)

    def test_counts_the_lines_of_instructions(self):
        counts = told("I  00001000,4", "I  00001004,4", "I  0000103e,4", "I  04900000,4")
        self.assertEqual(counts["code"], {"own": 2, "libraries": 1})


if __name__ == "__main__":
    unittest.main()
