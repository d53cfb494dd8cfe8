# SPDX-License-Identifier: Apache-2.0
"""Postern's half of a case: two hosts, whose wires are `tun` and `udp`.

Each case is told to a running daemon by `postern`, as an administrator would.
"""

import json
import pathlib
import subprocess

import channel
import lab
import suites

HERE = pathlib.Path(__file__).resolve().parent
LEVEL_OF = {("esp", "transport"): "esp-transport", ("ah", "transport"): "ah",
            ("esp", "tunnel"): "esp-network", ("esp", "beet"): "esp-network"}


class InteropHost(lab.Host):
    """A posternd beside the guest's tap, and an agent in its namespace."""

    def __init__(self, two, name, addresses, wire, more=()):
        """more: addresses that its packets do not come from."""
        super().__init__(two, name)
        self.addresses, self.wire, self.more = addresses, wire, more
        self.channel, self.mtu, self.routes = None, None, []

    def address(self, family):
        return self.addresses[family]

    def configure(self):
        self._write("[crypto]\nlegacy = true")
        told = subprocess.run([self.lab.program("posternd"), "--config", self.config, "--check"],
                              capture_output=True, text=True)
        if "crypto.legacy" in told.stderr:
            self._write()  # a build without what RFC 8221 advises against

    def _write(self, more=""):
        addresses = [f"{self.addresses[4]}/24", f"{self.addresses[6]}/64", *self.more]
        self.config.write_text(f"""
[host]
name = "{self.name}"
state_directory = "{self.lab.directory}/state-{self.name}"
[tun]
addresses = {json.dumps(addresses)}
{self.wire}
{more}
""")

    def start(self):
        self.configure()
        super().start()
        agent = self.spawn("/usr/bin/python3", HERE / "agent.py", stdin=subprocess.PIPE)
        self.channel = channel.Channel(agent, self.name, self.log.read_text)
        self.channel.expect_ready(20)
        self.channel.ask("serve")
        self.mtu = self.json("status")["tun"]["mtu"]

    def protect(self, levels, gateway=None):
        """Demands these categories, and no other, of every packet.

        gateway: (address, the tunnel's far end for packets from and to there, its near end)"""
        words = []
        for category in sorted(set(LEVEL_OF.values())):
            words += [f"--{category}", "require" if category in levels else "none"]
        while self.routes:
            self.postern("route delete", self.routes.pop())
        if gateway:
            self.routes.append(gateway[0] + ("/128" if ":" in gateway[0] else "/32"))
            self.postern("route set", self.routes[0], *words, "--gateway", gateway[1],
                         "--gateway-source", gateway[2])
        else:
            self.postern("level set", *words)

    def set_up(self, sas, levels, gateway):
        self.postern("sa flush")
        self.protect(levels, gateway)
        for sa in sas:
            told = self.postern("sa add", *sa_arguments(sa), check=False)
            if told.returncode:
                raise lab.LabError(f"postern sa add: {told.stderr.strip()}")

    def associations(self):
        """{(protocol, spi): what `sa list` tells of it}"""
        return {(sa["protocol"], int(sa["spi"], 16)): sa
                for sa in self.json("sa list")["associations"]}

    def refusal(self, protocol, algorithms):
        """Why this build takes no SA with these algorithms; "" if it does."""
        probe = Probe(protocol, algorithms, self.addresses[4])
        told = self.postern("sa add", *sa_arguments(probe), check=False)
        self.postern("sa flush")
        return told.stderr.strip() if told.returncode else ""


class Probe:
    """An SA that nobody uses."""

    mode, spi, esn, inner = "transport", 0x7fff, False, None

    def __init__(self, protocol, algorithms, source):
        self.protocol, self.algorithms = protocol, algorithms
        self.source, self.destination = source, "10.9.2.1"
        self.keys = [suites.key_of(a.ours, a.key) for a in algorithms]


def sa_arguments(sa):
    words = [sa.protocol, sa.mode, f"{sa.spi:#x}", "--from", sa.source, "--to", sa.destination]
    if sa.inner:
        words += ["--selector-source", sa.inner[0], "--selector-destination", sa.inner[1]]
    for algorithm, key in zip(sa.algorithms, sa.keys):
        kind = "integrity" if is_integrity(sa, algorithm) else "encryption"
        words += [f"--{kind}", algorithm.ours]
        words += [f"--{kind}-key", key] if algorithm.key else []
    return words + ["--esn"] * sa.esn


def is_integrity(sa, algorithm):
    return sa.protocol == "ah" or algorithm.linux.startswith("auth")
