# SPDX-License-Identifier: Apache-2.0
"""One case: both sides are told their SAs, traffic goes both ways, counters judge."""

import dataclasses
import time

import cases
import lab
import linux_side
import postern_side
import suites
import tap

GUEST = {4: "10.9.2.1", 6: "fd00:9:2::1"}
STREAM_OCTETS = 120_000
FORGED = 5
# In clear from the kernels around: not ours, judged by the tap's own filter.
STRANGERS = {"policy_requires_esp_transport", "policy_requires_ah", "policy_requires_esp_network"}


class Refused(Exception):
    """What a case did not show."""


@dataclasses.dataclass
class Sa:
    """One SA as both sides are told it."""

    source: str
    destination: str
    spi: int
    layer: int
    protocol: str
    mode: str
    algorithms: list
    keys: list
    esn: bool
    in_udp: bool
    inner: tuple | None  # BEET: the ends of what it carries

    @property
    def name(self):
        return (self.protocol, self.spi)

    def with_wrong_key(self):
        """The same with another key for its proof: one bit of it."""
        last = max(i for i, a in enumerate(self.algorithms) if a.key)
        keys = list(self.keys)
        keys[last] = f"0x{int(keys[last][2:4], 16) ^ 0x10:02x}{keys[last][4:]}"
        return dataclasses.replace(self, keys=keys)


def sas_of(case, number, source, destination, direction, inner=None):
    made = []
    for layer, (protocol, mode, suite) in enumerate(case.layers):
        spi = 0x10000 + number * 16 + layer * 2 + (direction == "back")
        keys = [suites.key_of(f"{number}/{direction}/{layer}/{a.ours}", a.key) for a in suite.algorithms]
        made.append(Sa(source, destination, spi, layer, protocol, mode, suite.algorithms, keys,
                       case.esn, case.in_udp, inner if mode == "beet" else None))
    return made


def _more(now, before):
    """What counters have gained."""
    return {name: count - before.get(name, 0) for name, count in now.items()
            if count != before.get(name, 0)}


class Trial:
    def __init__(self, case, number, host, guest, clear):
        """clear: the tap's watcher, that sees what is not protected."""
        self.case, self.number, self.host, self.guest = case, number, host, guest
        self.clear = clear
        inside = host.address(case.family), GUEST[case.family]
        here, there = host.address(case.outer), GUEST[case.outer]
        if case.beet and case.outer == case.family:
            here, there = tap.BEYOND_HOST[case.outer], tap.BEYOND_GUEST[case.outer]
        self.outside = here, there
        self.out = sas_of(case, number, here, there, "forth", inside)
        self.back = sas_of(case, number, there, here, "back", inside[::-1])
        self.sizes = cases.sizes_of(case, host.mtu)
        self.told = 0  # packets that the host's kernel was told to make smaller

    @property
    def used(self):
        """The SAs that have carried traffic, when it passed."""
        if self.case.wrong_key:
            return []
        if self.case.beet and self.case.dressed and self.case.family == 4:
            return []  # tshark does not know protocol 94
        return self.back if self.case.protocol == "AH tunnel" else [*self.out, *self.back]

    def run(self):
        """Raises Refused, or LabError where a side could not even be told."""
        one_way = self.case.protocol == "AH tunnel"
        self._set_up([] if one_way else self.out)
        drops, errors = self.host.drops(), self.guest.channel.ask("xfrm")
        try:
            if self.case.wrong_key:
                self._forge(drops, errors)
            else:
                self._send_only() if one_way else self._talk()
                self._check_counters([] if one_way else self.out)
                self._check_refusals(drops, errors)
        except Refused as error:
            raise Refused(f"{error}; {self._state(drops, errors)}") from None
        seen = self.clear.seen()
        if seen:
            raise Refused(f"in clear on the wire: {seen[:3]}")

    def _state(self, drops, errors):
        """What both sides have counted, to find the cause of a failure by."""
        theirs, _, now = linux_side.read(self.guest)
        ours = self.host.associations()
        counts = [f"{name[0]} {name[1]:#x} {sa['direction']}: {sa['packets']} at Postern, "
                  f"{theirs.get(name)} at Linux" for name, sa in ours.items()]
        return (f"{'; '.join(counts)}; Postern dropped {_more(self.host.drops(), drops)}, "
                f"Linux {_more(now, errors)}")

    def _set_up(self, out):
        ours, theirs = [*out, *self.back], list(out)
        if self.case.wrong_key == "postern":
            ours[-1] = ours[-1].with_wrong_key()
        elif self.case.wrong_key == "linux":
            theirs[-1] = theirs[-1].with_wrong_key()
        family = self.case.family
        linux_side.configure(self.guest, (self.host.address(family), GUEST[family]), theirs, self.back)
        levels = {postern_side.LEVEL_OF[layer[:2]] for layer in self.case.layers} if out else ()
        here, there = self.outside
        gateway = (GUEST[family], there, here) if there != GUEST[family] else None
        self.host.set_up(ours, levels, gateway)

    def _ask(self, side, verb, to):
        """What no answer came to. The default MTU is for ICVs of up to 16 octets: the first
        packets beyond what larger ones leave are dropped, their sender is told, and knows
        better for ten minutes."""
        before = self.host.drops().get("too_big", 0)
        lost = self.sizes
        for _ in ("at first", "told"):
            lost = side.channel.ask(verb, family=self.case.family, to=to, seed=self.number,
                                    sizes=lost, within=10, dressed=self.case.dressed)["lost"]
            told = self.host.drops().get("too_big", 0) - before
            if not lost or side is not self.host or told != len(lost):
                break
            self.told += told
        return lost

    def _talk(self):
        family, dressed = self.case.family, self.case.dressed
        for side, to in ((self.host, GUEST[family]), (self.guest, self.host.address(family))):
            for verb in ("udp",) if dressed else ("ping", "udp"):
                lost = self._ask(side, verb, to)
                if lost:
                    raise Refused(f"{verb} from {side.channel.name}: no answer of {lost} octets")
            if dressed:
                continue
            told = side.channel.ask("tcp", family=family, to=to, seed=self.number,
                                    octets=STREAM_OCTETS, within=20)["result"]
            if told != "ok":
                raise Refused(f"tcp from {side.channel.name}: {told}")

    def _send_only(self):
        """So often that ESN's numbers pass 2^32."""
        sizes = [size for size in self.sizes if size >= 4]
        for seed in (self.number, self.number + 5000, self.number + 10000):
            self.guest.channel.ask("send_only", family=self.case.family, seed=seed,
                                   to=self.host.address(self.case.family), sizes=sizes)
            self._wait(lambda: self._sunk(self.host, seed) == sizes,
                       lambda: f"datagrams arrived: {self._sunk(self.host, seed)}")

    def _forge(self, drops, errors):
        """What is signed with another key must be refused, by name, and not arrive."""
        to_postern = self.case.wrong_key == "postern"
        sender, receiver = ((self.guest, self.host) if to_postern else (self.host, self.guest))
        family = self.case.family
        to = self.host.address(family) if to_postern else GUEST[family]
        sender.channel.ask("send_only", family=family, to=to, seed=self.number,
                           sizes=list(range(4, 4 + FORGED)))

        def refused():
            if to_postern:
                return self.host.drops().get("bad_icv", 0) - drops.get("bad_icv", 0)
            now = self.guest.channel.ask("xfrm")
            return now.get("XfrmInStateProtoError", 0) - errors.get("XfrmInStateProtoError", 0)
        self._wait(lambda: refused() == FORGED, lambda: f"{refused()} of {FORGED} refused")
        if self._sunk(receiver, self.number):
            raise Refused("what was signed with another key has arrived")

    def _sunk(self, side, seed):
        return side.channel.ask("sunk", family=self.case.family, seed=seed)["sizes"]

    @staticmethod
    def _wait(condition, what, seconds=10.0):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Refused(what())
            time.sleep(0.01)

    def _check_counters(self, out):
        """Each SA has carried as much as its other end has taken, and all of the traffic."""
        least = len(self.sizes)

        def wrong():
            theirs, high, _ = linux_side.read(self.guest)
            ours = self.host.associations()
            for sa in [*out, *self.back]:
                counts = ours[sa.name]["packets"], theirs[sa.name]
                if counts[0] != counts[1] or counts[0] < least:
                    return f"{sa.protocol} {sa.spi:#x}: packets at Postern, at Linux: {counts}"
                if sa.esn and sa in self.back and (
                        high[sa.name] != 1 or ours[sa.name]["sequence"] >> 32 != 1):
                    return f"{sa.protocol} {sa.spi:#x}: ESN did not pass 2^32: {ours[sa.name]}"
            return ""
        self._wait(lambda: not wrong(), wrong)

    def _check_refusals(self, drops, errors):
        more = _more(self.host.drops(), drops)
        ours = {name for name in more if name not in STRANGERS and
                (name, more[name]) != ("too_big", self.told)}
        if ours or _more(self.guest.channel.ask("xfrm"), errors):
            raise Refused("packets were refused")
