# SPDX-License-Identifier: Apache-2.0
"""Postern against scapy: what Postern seals scapy opens, and the other way round.

      posternd "tun"  10.9.1.1 ── wire-tun ── forwarding ── peer0  10.9.2.1  scapy_peer.py

Datagrams of all sizes, each answered by scapy, in ESP transport, ESP tunnel and AH
transport mode. Not with what scapy 2.5 does wrong: ESN, AH over ESP, AH tunnels.
"""

import pathlib
import subprocess
import sys

import cases
import channel
import interop
import lab
import postern_side
import suites
import table
import trial

HERE = pathlib.Path(__file__).resolve().parent
FORGED = 9000  # its SAs have SPIs and keys of their own
PROTOCOLS = ("ESP transport", "ESP tunnel", "AH transport")


def all_cases():
    return [cases.Case(protocol, family, esp, ah, False)
            for protocol in PROTOCOLS for esp, ah in cases.suites_of(protocol)
            for family in cases.FAMILIES
            if all(a.scapy for suite in (esp, ah) if suite for a in suite.algorithms)]


def start_peer(two):
    process = subprocess.Popen(
        ["/usr/bin/python3", HERE / "scapy_peer.py", "peer0"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=open(two.directory / "scapy.log", "wb"))
    two.processes.append(process)
    peer = channel.Channel(process, "scapy", (two.directory / "scapy.log").read_text)
    peer.expect_ready(60)
    for line in ("link set peer0 up", "route add 10.9.2.1 dev peer0",
                 "-6 route add fd00:9:2::1 dev peer0"):
        subprocess.run(["ip", *line.split()], check=True)
    return peer


def for_scapy(sa):
    kinds = ["integrity" if postern_side.is_integrity(sa, a) else "encryption"
             for a in sa.algorithms]
    return {"protocol": sa.protocol, "mode": sa.mode, "spi": sa.spi, "source": sa.source,
            "destination": sa.destination,
            "algorithms": [(kind, a.scapy, key or "0x")
                           for kind, a, key in zip(kinds, sa.algorithms, sa.keys)]}


def wrong_with(case, number, host, peer):
    """What this case does not show; "" if all is well."""
    ends = host.address(case.family), trial.GUEST[case.family]
    (out,) = trial.sas_of(case, number, *ends, "forth")
    (back,) = trial.sas_of(case, number, *reversed(ends), "back")
    peer.ask("sas", **{"in": for_scapy(out), "out": for_scapy(back)})
    host.set_up([out, back], {postern_side.LEVEL_OF[layer[:2]] for layer in case.layers}, None)
    sizes = cases.small_sizes(case.family, host.mtu)
    lost = host.channel.ask("udp", family=case.family, to=ends[1], seed=number, sizes=sizes,
                            within=10)["lost"]
    told = peer.ask("told")
    if lost or told["wrong"]:
        return f"no answer of {lost} octets; scapy says {told['wrong'][:2]}; {host.drops()}"
    ours = [host.associations()[sa.name]["packets"] for sa in (out, back)]
    if not ours == [told["opened"], told["sent"]] == [len(sizes)] * 2:
        return f"packets: {ours} at Postern, {told} at scapy, {len(sizes)} asked for"
    return ""


def forgeries_pass(case, host, peer):
    """Whether anything comes through when scapy has other keys."""
    ends = host.address(case.family), trial.GUEST[case.family]
    (out,) = trial.sas_of(case, FORGED, *ends, "forth")
    (back,) = trial.sas_of(case, FORGED, *reversed(ends), "back")
    peer.ask("sas", **{"in": for_scapy(out.with_wrong_key()), "out": for_scapy(back)})
    host.set_up([out, back], {postern_side.LEVEL_OF[layer[:2]] for layer in case.layers}, None)
    lost = host.channel.ask("udp", family=case.family, to=ends[1], seed=1, sizes=[100],
                            within=0.5)["lost"]
    told = peer.ask("told")
    return lost != [100] or told["opened"] != 0 or len(told["wrong"]) != 1


def main():
    results = []
    with lab.Lab() as two:
        host = postern_side.InteropHost(two, "tun", interop.HOST_TUN, interop.TUN_WIRE)
        two.hosts = [host]
        host.start()
        peer = start_peer(two)
        for number, case in enumerate(all_cases()):
            protocol = "esp" if case.esp else "ah"
            refused = host.refusal(protocol, case.algorithms)
            why = refused or wrong_with(case, number, host, peer)
            if not refused and cases.is_basic(case) and forgeries_pass(case, host, peer):
                why = why or "what has another key passes"
            outcome = "not built" if refused else "FAILED" if why else "ok"
            results.append((case, outcome, why))
            if outcome == "FAILED":
                print(f"FAILED: {case.name}: {why}")
    print(table.markdown(results))
    absent = sorted({c.suite.name for c, outcome, _ in results if outcome == "not built"})
    print(f"Postern does not have: {', '.join(absent)}." if absent else "")
    outcomes = {outcome for _, outcome, _ in results}
    basic = all(o == "ok" for c, o, _ in results if cases.is_basic(c))
    return 0 if basic and "FAILED" not in outcomes else 1


if __name__ == "__main__":
    sys.exit(main())
