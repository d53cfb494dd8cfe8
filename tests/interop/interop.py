# SPDX-License-Identifier: Apache-2.0
"""Postern against the Linux kernel's own IPsec, which runs in User Mode Linux.

    interop.py [--all] [--only TEXT] [--list] [--write]

      posternd "tun"  10.9.1.1 ── wire ─┐ forwarding
                                        ├── tap0 ══ eth0  10.9.2.1  Linux, `ip xfrm`
      posternd "udp"  10.9.2.254:4500 ──┘

Both sides run all the time; for each case SAs and levels are changed by `postern` and
`ip xfrm`, and pings, datagrams and streams begin at either side. cases.py and suites.py
say what is tried, trial.py what must hold. Without --all a subset, in two minutes.
Exit status: 0 all that could be tried passed, 1 something failed, 77 there is no guest.
"""

import argparse
import subprocess
import sys
import time

import cases
import guest
import lab
import linux_side
import postern_side
import second_opinion
import suites
import table
import tap
import trial

DOCUMENT = lab.ROOT / "docs" / "interop.md"
HOST_TUN = {4: "10.9.1.1", 6: "fd00:9:1::1"}
UDP_WIRE = """
[wire]
kind = "udp"
listen = ["10.9.2.254:4500", "[fd00:9:2::fe]:4500"]
[[wire.peer]]
host = "10.9.2.1"
at = "10.9.2.1:4500"
[[wire.peer]]
host = "fd00:9:2::1"
at = "[fd00:9:2::1]:4500"
"""
TUN_WIRE = '[wire]\nkind = "tun"\nname = "wire-tun"\n'


class Bench:
    """Everything that runs: the tap, both daemons, the guest."""

    def __init__(self, two):
        mac = tap.make()
        beyond = [f"{tap.BEYOND_HOST[4]}/32", f"{tap.BEYOND_HOST[6]}/128"]
        self.hosts = [postern_side.InteropHost(two, "tun", HOST_TUN, TUN_WIRE, beyond),
                      postern_side.InteropHost(two, "udp", tap.HERE, UDP_WIRE)]
        two.hosts = self.hosts  # ends them
        self.clear = tap.ClearWatcher()
        self.recorder = second_opinion.Recorder(two.directory)
        self.guest = guest.Guest(two.directory, tap.NAME)
        try:
            said = self.guest.ip(*tap.guest_lines(mac))
            if said:
                raise lab.LabError(f"ip in the guest: {said}\n{self.guest.channel.explain()}")
            self.guest.channel.ask("serve")
            self.guest.channel.ask("encapsulate", families=cases.FAMILIES,
                                   port=linux_side.ENCAP_PORT)
            for host in self.hosts:
                host.start()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.guest.stop()
        self.recorder.close()
        self.clear.close()

    def host_of(self, case):
        return self.hosts[1 if case.in_udp else 0]


def ask_for_algorithms(bench):
    """({algorithm: why Postern has it not}, {algorithm: what Linux says})"""
    ours, theirs = {}, {}
    every = {a for suite in suites.ESP + suites.AH for a in suite.algorithms}
    for number, algorithm in enumerate(sorted(every, key=lambda a: a.name), 0x2000):
        group = [algorithm, suites.SHA256] if algorithm in suites.CIPHERS else [algorithm]
        protocol = "esp" if algorithm in suites.CIPHERS + suites.COMBINED else "ah"
        ours[algorithm] = bench.hosts[0].refusal(protocol, group)
        theirs[algorithm] = ("it has no name for it" if not algorithm.linux
                             else bench.guest.ip(linux_side.probe_line(group, number)))
    return ({a: why for a, why in ours.items() if why},
            {a: why for a, why in theirs.items() if why})


def judge(bench, case, number, missing):
    """("ok" or another word of table.ORDER, why, the SAs that carried traffic)"""
    ours, theirs = missing
    for algorithm in case.algorithms:
        if algorithm in ours:
            return "not built", ours[algorithm], []
        if algorithm in theirs:
            return "not in Linux", theirs[algorithm], []
    one = trial.Trial(case, number, bench.host_of(case), bench.guest, bench.clear)
    try:
        one.run()
    except (trial.Refused, lab.LabError) as error:
        return "FAILED", str(error), []
    except subprocess.CalledProcessError as error:
        return "FAILED", error.stderr.strip(), []
    return "ok", "", one.used


def watcher_sees(bench):
    """The watcher of clear packets is no use unless it sees some: without SAs."""
    host = bench.hosts[0]
    host.protect(())
    said = bench.guest.ip("xfrm policy flush", "xfrm state flush")
    lost = host.channel.ask("udp", family=4, to=trial.GUEST[4], seed=1, sizes=[0, 100], within=10)
    if said or lost["lost"] or len(bench.clear.seen()) < 4:
        raise lab.LabError(f"in clear, nothing passes, or nobody sees it: {said} {lost}")


def tell(results, about, seconds):
    count = {word: sum(o == word for _, o, _ in results) for word in table.ORDER}
    text = "\n".join([table.markdown(results), "", *about])
    print(f"\n{text}\n{len(results)} cases in {seconds:.0f} s: " + ", ".join(
        f"{number} {word}" for word, number in count.items() if number))
    for case, outcome, why in results:
        if outcome == "FAILED":
            print(f"FAILED: {case.name}: {why}")
    return text


def run(chosen):
    """Tries these; (exit status, the table and what belongs to it)"""
    results, used = [], []
    begun = time.monotonic()
    with lab.Lab() as two:
        bench = Bench(two)
        try:
            print(f"Linux {bench.guest.channel.ask('about')['kernel']} is up after "
                  f"{time.monotonic() - begun:.1f} s")
            watcher_sees(bench)
            missing = ask_for_algorithms(bench)
            for number, case in enumerate(chosen):
                at = time.monotonic()
                outcome, why, sas = judge(bench, case, number, missing)
                results.append((case, outcome, why))
                used += sas
                print(f"{number + 1:4} {outcome:9} {time.monotonic() - at:5.2f} s  {case.name}"
                      + (f": {why}" if outcome == "FAILED" else ""), flush=True)
            bench.recorder.stop()
            opinion, wrong = second_opinion.ask(bench.recorder.file, used)
        finally:
            bench.close()
    text = tell(results, [*table.missing(*missing), opinion], time.monotonic() - begun)
    print("".join(f"FAILED: {line}\n" for line in wrong), end="")
    lost = [a.name for a in missing[0] if a.must]
    if lost:
        print(f"FAILED: this build does not take {', '.join(lost)}")
    passed = any(outcome == "ok" for _, outcome, _ in results)
    failed = lost or wrong or any(outcome == "FAILED" for _, outcome, _ in results)
    return (0 if passed and not failed else 1), text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--all", action="store_true", help="every case, not a subset")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth of them")
    parser.add_argument("--list", action="store_true", help="print the cases' names")
    parser.add_argument("--write", action="store_true", help="put the table into docs/interop.md")
    told = parser.parse_args()
    chosen = [case for case in (cases.all_cases() if told.all else cases.subset())
              if told.only in case.name][::told.every]
    if told.list:
        print("\n".join(case.name for case in chosen))
        return 0
    if guest.missing():
        print(f"skipped: no Linux peer: install {guest.missing()} (scripts/deps)")
        return 77
    status, text = run(chosen)
    if told.write and status == 0:
        table.write(DOCUMENT, text)
    return status


if __name__ == "__main__":
    sys.exit(main())
