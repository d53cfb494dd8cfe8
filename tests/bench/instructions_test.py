#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench/instructions.py: what it reads of a profile, and whom it complains of.

The profile is written by hand after callgrind's manual (its file format).
"""

import copy
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import instructions  # noqa: E402

PROFILE = """\
# callgrind format
version: 1
desc: Trigger: Client Request: seal/64

positions: line
events: Ir
summary: 1500

ob=/usr/lib/x86_64-linux-gnu/libcrypto.so.3
fl=???
fn=EVP_EncryptUpdate
0 700

ob=/somewhere/postern_count
fl=???
fn=postern::esp::Sealer::Seal(postern::Packet&, unsigned long)
0 300
cob=/usr/lib/x86_64-linux-gnu/libcrypto.so.3
cfi=???
cfn=EVP_EncryptUpdate
calls=20 0
0 700
cfi=???
cfn=postern::Packet::bytes()
calls=10 0
0 50
0 100
cob=/usr/lib/x86_64-linux-gnu/libstdc++.so.6
cfi=???
cfn=operator new(unsigned long)
calls=5 0
0 90
0

fn=postern::Packet::bytes()
0 50
"""


def costs(own=400.0, calls=2.0, allocations=0.0, crypto=700, functions=None):
    return {"own": own, "calls": calls, "allocations": allocations, "crypto": crypto,
            "libraries": 0, "functions": functions or {}}


class ReadsProfiles(unittest.TestCase):
    def setUp(self):
        self.profile = instructions.Profile(PROFILE)

    def test_knows_the_step_by_its_name(self):
        self.assertEqual(self.profile.step, "seal/64")

    def test_tells_our_instructions_from_libcryptos(self):
        self.assertEqual(self.profile.instructions, {"own": 450, "crypto": 700})

    def test_counts_what_a_callee_cost_once(self):
        self.assertEqual(self.profile.functions,
                         {"postern::esp::Sealer::Seal": 400, "postern::Packet::bytes": 50})

    def test_counts_calls_out_of_our_code_only(self):
        self.assertEqual(self.profile.calls, 25)

    def test_counts_allocations(self):
        self.assertEqual(self.profile.allocations, 5)

    def test_divides_by_the_packets(self):
        told = self.profile.of_a_packet(10)
        self.assertEqual((told["own"], told["calls"], told["allocations"], told["crypto"]),
                         (45, 2.5, 0.5, 70))

    def test_names_functions_without_their_arguments(self):
        for full, name in (("postern::A::b(int, c<d>)", "postern::A::b"),
                           ("void postern::(anonymous namespace)::F(x)", "postern::(anonymous)::F"),
                           ("postern::Hash::operator()(k const&)", "postern::Hash::operator()")):
            self.assertEqual(instructions.short(full), name)


class Compares(unittest.TestCase):
    def differences(self, before, now, tolerance=3.0):
        return instructions.differences({"seal/64": before}, {"seal/64": now}, tolerance)

    def test_is_silent_within_the_tolerance(self):
        self.assertEqual(self.differences(costs(400), costs(411)), ([], []))

    def test_tells_which_step_and_which_function_grew(self):
        (sentence,), cheaper = self.differences(
            costs(400, functions={"f": 100.0, "g": 200.0}),
            costs(480, functions={"f": 100.0, "g": 270.0, "h": 10.0}))
        self.assertEqual(sentence, "seal/64: a packet costs 480 own instructions instead of 400 "
                                   "(+20.0 %); most of it in g +70, h +10")
        self.assertEqual(cheaper, [])

    def test_asks_for_the_file_when_a_step_got_cheaper(self):
        dearer, (sentence,) = self.differences(costs(400), costs(300))
        self.assertIn("300 own instructions instead of 400 (-25.0 %)", sentence)
        self.assertEqual(dearer, [])

    def test_does_not_mind_another_libcrypto(self):
        self.assertEqual(self.differences(costs(crypto=700), costs(crypto=1400)), ([], []))

    def test_complains_of_the_first_allocation(self):
        (sentence,), _ = self.differences(costs(allocations=0.0), costs(allocations=1.0))
        self.assertEqual(sentence, "seal/64: a packet costs 1 allocations instead of 0")

    def test_complains_of_a_call_more(self):
        dearer, _ = self.differences(costs(calls=2.0), costs(calls=3.0))
        self.assertEqual(len(dearer), 1)

    def test_complains_of_a_step_that_is_gone(self):
        _, (sentence,) = instructions.differences({"seal/64": costs()}, {}, 3.0)
        self.assertIn("a step that only the file knows", sentence)

    def test_fails_on_what_got_dearer_and_on_what_got_cheaper(self):
        kept = {"compiler": "GCC", "steps": {"seal/64": costs(400)}}
        now = copy.deepcopy(kept["steps"])
        self.assertEqual(instructions.compare(kept, now, "GCC", 3.0), 0)
        for own in (300, 500):
            now["seal/64"]["own"] = own
            self.assertEqual(instructions.compare(kept, now, "GCC", 3.0), 1)

    def test_does_not_compare_another_compilers_code(self):
        kept = {"compiler": "GCC 12", "steps": {"seal/64": costs(400)}}
        now = {"seal/64": costs(900)}
        self.assertEqual(instructions.compare(kept, now, "GCC 13", 3.0), instructions.SKIPPED)


if __name__ == "__main__":
    unittest.main()
