# SPDX-License-Identifier: Apache-2.0
"""Rules by port and ICMP type, with real sockets: SPD-01 SPD-02 SPD-03 SPD-08
SPD-09 SPD-20 SEL-04 SEL-07 ICMP-01 ICMP-02 IN-04

The programs and ping judge what passes, tshark what is on the wire.
"""

import re
import unittest

import lab
import wire


def rule(host, name, verdict, **conditions):
    options = [f"--{key.replace('_', '-')}={value}" for key, value in conditions.items()]
    host.postern("policy set", name, verdict, *options)


def discard_by_default(host):
    """Instead of [levels], which name everything."""
    text = re.sub(r"\[levels\]\n(\w+ = .*\n)*", "", host.config.read_text())
    host.config.write_text(text.replace("[host]\n", '[host]\ndefault = "discard"\n'))


CONNECT = """
import errno, socket, sys
with socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET) as sock:
    sock.settimeout(float(sys.argv[2]))
    try:
        sock.connect((sys.argv[1], 7001))
    except TimeoutError:
        print("timeout")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""


class Policy(unittest.TestCase):
    def both(self, **configuration):
        two = self.enterContext(lab.Lab())
        for host in two.hosts:
            host.configure(**configuration)
        return two

    def serve(self, *ports):
        """In both families."""
        for port in ports:
            self.bob.ask("serve", family=6, protocol="udp", port=port)

    def talk(self, two, port, family=4, wait=5.0):
        return self.alice.ask("talk", family=family, protocol="udp", port=port,
                              to=two.bob.address(family), timeout=wait)["result"]

    def ping(self, sender, receiver, family=4):
        return sender.run("ping", f"-{family}", "-c1", "-W1",
                          receiver.address(family)).returncode == 0

    def start(self, two):
        for host in two.hosts:
            host.start()
        self.alice, self.bob = lab.Agent(two.alice), lab.Agent(two.bob)

    # OUT-06 OUT-08: Linux makes errno of what it is told.
    def test_programs_are_told_of_discards_where_that_is_wished(self):
        two = self.both()
        text = two.alice.config.read_text()
        two.alice.config.write_text(text.replace("[host]\n", "[host]\ntell_discards = true\n"))
        self.start(two)
        for host, answers, patience in ((two.alice, ("EHOSTUNREACH", "EACCES"), 10),
                                        (two.bob, ("timeout", "timeout"), 0.5)):
            rule(host, "none", "discard", protocol="tcp", remote_port=7001)
            far = two.bob if host is two.alice else two.alice
            for family, answer in zip((4, 6), answers):
                with self.subTest(host=host.name, family=family):
                    said = host.run("/usr/bin/python3", "-c", CONNECT, far.address(family), patience)
                    self.assertEqual(said.stdout, answer + "\n", said.stderr)
        self.assertGreaterEqual(two.alice.json("stats")["counts"]["discards_told"], 2)
        self.assertEqual(two.bob.json("stats")["counts"]["discards_told"], 0)

    # DEF-23, DEF-30
    def test_what_no_rule_names_is_discarded(self):
        two = self.both()
        for host in two.hosts:
            discard_by_default(host)
        self.start(two)
        self.serve(7001, 7002)
        for family in (4, 6):
            icmp, request, reply = (("icmp", 8, 0) if family == 4 else ("icmpv6", 128, 129))
            self.assertEqual(self.talk(two, 7001, family, 0.3), "timeout")
            self.assertFalse(self.ping(two.alice, two.bob, family))

            rule(two.alice, "web", "bypass", protocol="udp", remote_port="7001")
            self.assertEqual(self.talk(two, 7001, family, 0.3), "timeout")
            rule(two.bob, "web", "bypass", protocol="udp", local_port="7000-7001")
            self.assertEqual(self.talk(two, 7001, family), "ok")
            self.assertEqual(self.talk(two, 7002, family, 0.3), "timeout")
            # Before it, a rule that says otherwise; and without it.
            rule(two.alice, "no", "discard", before="web", protocol="udp")
            self.assertEqual(self.talk(two, 7001, family, 0.3), "timeout")
            two.alice.postern("policy delete", "no")
            self.assertEqual(self.talk(two, 7001, family), "ok")

            # Alice may ask, and bob may answer; not the other way round.
            rule(two.bob, "pings", "bypass", protocol=icmp)
            rule(two.alice, "ask", "bypass", protocol=icmp, icmp=request, direction="outbound")
            self.assertFalse(self.ping(two.alice, two.bob, family))
            rule(two.alice, "heard", "bypass", protocol=icmp, icmp=f"{reply}/0",
                 direction="inbound")
            self.assertTrue(self.ping(two.alice, two.bob, family))
            self.assertFalse(self.ping(two.bob, two.alice, family))
            for host in two.hosts:
                for each in host.json("policy list")["rules"]:
                    host.postern("policy delete", each["name"])
        drops = two.alice.drops()
        self.assertGreater(drops.pop("discard_default"), 0)
        self.assertGreater(drops.pop("discard_rule"), 0)
        self.assertEqual(drops, {})
        refused = [line for line in two.alice.log.read_text().splitlines()
                   if "packet_refused" in line and "reason=discard_default" in line]
        self.assertTrue([line for line in refused if "message=8/0" in line], refused)

    def test_key_management_bypasses_what_protects_the_rest(self):
        sas = lab.all_sas(["ah"])
        two = self.both(sas=sas, extra="""
[[policy]]
name = "ike"
verdict = "bypass"
protocol = "udp"
remote_port = [500, 4500]
local_port = "any"
direction = "both"
[[policy]]
name = "ike-served"
verdict = "bypass"
protocol = "udp"
local_port = [500, 4500]
[[policy]]
name = "rest"
verdict = "protect"
ah = "require"
""")
        self.start(two)
        capture = two.capture()
        self.serve(500, 4500, 7001)
        for family in (4, 6):
            for port in (500, 4500, 7001):
                self.assertEqual(self.talk(two, port, family), "ok")
            self.assertTrue(self.ping(two.alice, two.bob, family))
        # In clear, what a rule protects is dropped.
        two.bob.postern("policy delete", "rest")
        self.assertEqual(self.bob.ask("talk", family=4, protocol="udp", port=7001,
                                      to=two.alice.address(4), timeout=0.3)["result"],
                         "timeout")
        self.assertGreater(two.alice.drops()["policy_requires_ah"], 0)
        hosts = {h.address(f) for h in two.hosts for f in (4, 6)}
        seen = {}
        for frame in wire.read(capture.stop(), sas):
            if frame.source in hosts and frame.field["udp.dstport"]:
                ports = {frame.field["udp.srcport"], frame.field["udp.dstport"]}
                known = ports & {"500", "4500", "7001"}
                if known and frame.source != two.bob.address(4):
                    seen.setdefault(known.pop(), set()).add(frame.has("ah"))
        self.assertEqual(seen, {"500": {False}, "4500": {False}, "7001": {True}})


if __name__ == "__main__":
    unittest.main()
