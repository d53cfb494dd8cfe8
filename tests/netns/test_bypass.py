# SPDX-License-Identifier: Apache-2.0
"""BYPASS between hosts that demand everything, and who may set it.

No SA exists on either host: what arrives has bypassed. The agents begin as root
and become users where the test says so.
API-22 API-23 API-24 API-25 API-26 API-42
"""

import os
import unittest

import lab
import wire

USER = 54321
GROUP = 54322
EVERYTHING = {c: "require" for c in lab.CATEGORIES}
CLEAR = {c: "bypass" for c in lab.CATEGORIES}


def can_become_another_user():
    with open("/proc/self/uid_map", encoding="ascii") as mapped:
        return os.geteuid() == 0 and any(
            int(line.split()[2]) > USER for line in mapped)


class Bypass(unittest.TestCase):
    def test_all_three_are_clear_and_two_are_not(self):
        with lab.Lab() as two:
            two.start(levels=EVERYTHING)
            capture = two.capture()
            alice, bob = lab.Agent(two.alice), lab.Agent(two.bob)
            for family in (4, 6):
                for protocol in ("udp", "tcp"):
                    for levels, expected in ((CLEAR, "ok"), ({}, "timeout"),
                                             (dict(CLEAR, ah="none"), "timeout")):
                        with self.subTest(family=family, protocol=protocol, levels=levels):
                            port = bob.ask("serve", family=family, protocol=protocol,
                                           levels=CLEAR)["port"]
                            answer = alice.ask(
                                "talk", family=family, protocol=protocol, levels=levels,
                                to=two.bob.address(family), port=port,
                                timeout=5.0 if expected == "ok" else 0.25)
                            self.assertEqual(answer["result"], expected)
            # A server without it drops what comes in clear.
            port = bob.ask("serve", family=4, protocol="udp", levels={})["port"]
            answer = alice.ask("talk", family=4, protocol="udp", levels=CLEAR, port=port,
                               to=two.bob.address(4), timeout=0.25)
            self.assertEqual(answer["result"], "timeout")
            frames = wire.read(capture.stop(), [])
            self.assertTrue([f for f in frames if f.tcp == "data"])
            self.assertFalse([f for f in frames if f.has("ah") or f.has("esp")])

    def test_one_category_bypasses_that_one_alone(self):
        with lab.Lab() as two:
            sas = lab.all_sas(["esp_transport"])
            two.start(sas=sas, levels={"esp_transport": "require", "ah": "require"})
            capture = two.capture()
            alice, bob = lab.Agent(two.alice), lab.Agent(two.bob)
            levels = {"ah": "bypass"}
            port = bob.ask("serve", family=4, protocol="udp", levels=levels)["port"]
            answer = alice.ask("talk", family=4, protocol="udp", levels=levels, port=port,
                               to=two.bob.address(4))
            self.assertEqual(answer["result"], "ok")
            hosts = {h.address(4) for h in two.hosts}
            frames = [f for f in wire.read(capture.stop(), sas) if f.source in hosts]
            self.assertEqual({f.shape for f in frames}, {"IPv4+ESP(UDP)"})

    @unittest.skipUnless(can_become_another_user(), "needs a second user")
    def test_users_may_not_and_members_of_the_group_may(self):
        with lab.Lab() as two:
            two.directory.chmod(0o755)
            two.start(extra=f'[api]\nbypass_group = "{GROUP}"\n'
                            'user_levels = "strengthen"\n')
            served = {"family": 4, "protocol": "udp", "port": 7300}
            user = lab.Agent(two.bob)
            user.ask("become", user=USER)
            self.assertEqual(user.try_("serve", levels={"ah": "bypass"}, **served),
                             {"error": "EACCES"})
            # API-42: the level it has is the least that it can have.
            user.ask("serve", levels={"ah": "use"}, **served)
            for level, answer in (("none", {"error": "EACCES"}), ("require", {}),
                                  ("use", {"error": "EACCES"})):
                self.assertEqual(user.try_("change", port=7300, family=4,
                                           levels={"ah": level}), answer, level)
            self.assertEqual(user.ask("levels", port=7300, family=4)["ah"], 3)
            member = lab.Agent(two.bob)
            member.ask("become", user=USER, groups=[GROUP])
            served["port"] = 7301
            member.ask("serve", levels=CLEAR, **served)
            self.assertEqual(set(member.ask("levels", port=7301, family=4).values()), {-1})


if __name__ == "__main__":
    unittest.main()
