# SPDX-License-Identifier: Apache-2.0
"""Medians, ratios and tables of what scripts/bench-peers measured."""

import statistics

from page import as_markdown, machine_line

OURS = ("postern", "postern-tun")
# (measure, number): how it is called, its unit, which way is better.
ROWS = {
    ("tcp_there", "gbit_per_s"): ("TCP there", "Gbit/s", "more"),
    ("tcp_back", "gbit_per_s"): ("TCP back", "Gbit/s", "more"),
    ("tcp_there", "retransmits"): ("TCP retransmits there", "", None),
    ("tcp_back", "retransmits"): ("TCP retransmits back", "", None),
    ("tcp_there", "cpu_s_per_gigabyte"): ("CPU there", "s/GB", "less"),
    ("tcp_back", "cpu_s_per_gigabyte"): ("CPU back", "s/GB", "less"),
    ("udp_64", "kpps"): ("UDP 64 octets, loss <= 0.5 %", "kpps", "more"),
    ("udp_64", "flood_kpps"): ("UDP 64 octets, flooded", "kpps", "more"),
    ("udp_64", "reordered"): ("UDP 64 octets, reordered", "", None),
    ("udp_1400", "kpps"): ("UDP packets of 1,400, loss <= 0.5 %", "kpps", "more"),
    ("udp_1400", "flood_kpps"): ("UDP packets of 1,400, flooded", "kpps", "more"),
    ("udp_1400", "reordered"): ("UDP packets of 1,400, reordered", "", None),
    ("ping", "p50_ms"): ("ping p50", "ms", "less"),
    ("ping", "p99_ms"): ("ping p99", "ms", "less"),
    ("ask", "p50_us"): ("UDP question and answer p50", "us", "less"),
    ("ask", "p99_us"): ("UDP question and answer p99", "us", "less"),
    ("flood", "memory_mib"): ("memory under a flood", "MiB", "less"),
}
# What we want to be: (row, peer, at least so many times better).
AIMS = [
    (("tcp_there", "gbit_per_s"), "wireguard", 12),
    (("tcp_back", "gbit_per_s"), "wireguard", 12),
    (("tcp_there", "gbit_per_s"), "libipsec", 10),
    (("tcp_back", "gbit_per_s"), "libipsec", 10),
    (("udp_64", "kpps"), "wireguard", 2),
    (("udp_1400", "kpps"), "wireguard", 2),
    (("ping", "p50_ms"), "wireguard", 2),
    (("tcp_there", "cpu_s_per_gigabyte"), "wireguard", 3),
    (("tcp_back", "cpu_s_per_gigabyte"), "wireguard", 3),
]
# At most so much, whatever the peers do.
LIMITS = [
    (("flood", "memory_mib"), 30),
    (("udp_64", "reordered"), 0),
    (("udp_1400", "reordered"), 0),
]
# Retransmits of TCP: of the order of what the bare veth pair has, or a handful.
HANDFUL = 10
WIRE_PACKET = 1348  # TCP payload of a packet of 1,400 octets, with timestamps


def median(results, name, row):
    measure, number = row
    values = [r[measure][number] for r in results["tunnels"][name]["rounds"] if measure in r]
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def ours(results):
    return next((n for n in OURS if n in results["tunnels"]), None)


def times_better(results, row, peer):
    """How many times better we are than the peer; None if that cannot be said."""
    mine = ours(results)
    better = ROWS[row][2]
    if mine is None or peer not in results["tunnels"] or better is None:
        return None
    here, there = median(results, mine, row), median(results, peer, row)
    if not here or not there:
        return None
    return here / there if better == "more" else there / here


def shown(value):
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def medians_table(results):
    names = list(results["tunnels"])
    table = [["", *(results["tunnels"][n]["label"] for n in names)]]
    for row, (title, unit, _) in measured(results):
        table.append([f"{title}, {unit}" if unit else title,
                      *(shown(median(results, n, row)) for n in names)])
    return table


def measured(results):
    """The rows of which any tunnel has a number."""
    return [(row, what) for row, what in ROWS.items()
            if any(median(results, n, row) is not None for n in results["tunnels"])]


def ratios_table(results):
    mine = ours(results)
    peers = [n for n in results["tunnels"] if n != mine]
    table = [["times better than", *(results["tunnels"][n]["label"] for n in peers)]]
    for row, (title, _, better) in measured(results):
        if better and mine:
            ratios = [times_better(results, row, n) for n in peers]
            table.append([title, *(shown(r) for r in ratios)])
    return table


def aims_table(results):
    table = [["aim", "against", "times better, or is", "asked for", ""]]
    for row, peer, least in AIMS:
        ratio = times_better(results, row, peer)
        if ratio is not None:
            table.append([ROWS[row][0], results["tunnels"][peer]["label"], shown(ratio),
                          f"at least {least}", verdict(ratio >= least)])
    for row, most, against in limits(results):
        value = median(results, ours(results), row)
        if value is not None:
            title, unit, _ = ROWS[row]
            table.append([f"{title}, {unit}" if unit else title, against, shown(value),
                          f"at most {shown(most)}", verdict(value <= most)])
    return table


def verdict(reached):
    return "reached" if reached else "not reached"


def limits(results):
    """(row, the most it may be, against what) of ours."""
    if ours(results) is None:
        return []
    bounds = [(row, most, "-") for row, most in LIMITS]
    if "plain" in results["tunnels"]:
        for row in (("tcp_there", "retransmits"), ("tcp_back", "retransmits")):
            bounds.append((row, 10 * (median(results, "plain", row) or 0) + HANDFUL,
                           results["tunnels"]["plain"]["label"]))
    return bounds


def costs(results):
    """{category: nanoseconds of a wire packet}, both ends; None without a profile."""
    profile = results.get("profile") or {}
    if "shares" not in profile:
        return None
    each = profile["cpu_s_per_gigabyte"] / 1e9 * WIRE_PACKET * 1e9
    return {name: share * each for name, share in profile["shares"].items()}


def costs_table(results):
    """The costs of a packet, and what they allow a core and more of them."""
    cost = costs(results)
    if cost is None:
        return None
    table = [["of a packet, both ends", "ns", "of all"]]
    total = sum(cost.values())
    for name, title in (("kernel", "system calls: the kernel's stack, TUN, sockets"),
                        ("copies", "copies between user and kernel memory"),
                        ("crypto", "crypto"), ("own", "our own instructions")):
        table.append([title, shown(cost[name]), f"{100 * cost[name] / total:.0f} %"])
    return table + [["together", shown(total), "100 %"]]


# The cores of one host. A worker pair takes two: it sends and it receives.
MODEL_CORES = (1, 2, 4, 8, 16, 32)


def model_table(results):
    """Gbit/s of one host with so many cores for its workers, if nothing is shared
    but what a packet's costs say. Half of a packet's costs are one end's."""
    cost = costs(results)
    if cost is None:
        return None
    end = sum(cost.values()) / 2
    bare = (cost["crypto"]) / 2
    table = [["cores of one host", "Gbit/s", "if the kernel cost nothing", "crypto alone"]]
    for cores in MODEL_CORES:
        rate = lambda nanoseconds: cores * WIRE_PACKET * 8 / nanoseconds if nanoseconds else None
        table.append([str(cores), shown(rate(end)),
                      shown(rate((cost["crypto"] + cost["own"]) / 2)), shown(rate(bare))])
    return table


def plain(table):
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = []
    for line in table:
        first, *rest = line
        lines.append("  ".join([first.ljust(widths[0]),
                                *(c.rjust(w) for c, w in zip(rest, widths[1:]))]).rstrip())
    return "\n".join(lines)


def heading(results):
    count = len(next(iter(results["tunnels"].values()))["rounds"]) if results["tunnels"] else 0
    return machine_line(results["machine"], count)


def sections(results):
    """(title, table or sentence) of everything there is to say."""
    parts = [("Medians", medians_table(results))] if results["tunnels"] else []
    if ours(results) and len(results["tunnels"]) > 1:
        parts.append(("Ratios", ratios_table(results)))
        if len(aims_table(results)) > 1:
            parts.append(("Aims", aims_table(results)))
    for title, table in (("What a packet of bulk TCP costs", costs_table(results)),
                         ("More cores, computed", model_table(results))):
        if table:
            parts.append((title, table))
    return parts


def notes(results):
    lines = [f"{t['label']}: {t['version']}" for t in results["tunnels"].values() if t["version"]]
    if "wireguard" in results["tunnels"]:
        lines.append("wireguard-go is Debian's of 2022, without offload; today's, which is not "
                     "to be had from Debian, is about six times as fast with TCP")
    lines += [f"not measured: {reason}" for reason in results["absent"].values()]
    lines += [f"a round that failed: {reason}" for reason in results.get("failed", [])]
    absent = (results.get("profile") or {}).get("absent")
    return lines + ([f"no costs by kind: {absent}"] if absent else [])


def text(results):
    lines = [heading(results)]
    for title, table in sections(results):
        lines += ["", title, plain(table)]
    return "\n".join(lines + [""] + notes(results))


def markdown(results):
    lines = [heading(results) + "."]
    for title, table in sections(results):
        lines += ["", f"### {title}", "", as_markdown(table)]
    return "\n".join(lines + [""] + [f" - {note}" for note in notes(results)])
