#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/rfc-map.md: which requirement of the RFCs which test shows.

    scripts/rfc_map.py           says what is wrong with the map
    scripts/rfc_map.py --write   writes docs/rfc-map.md anew

The requirements are in tests/conformance/requirements.tsv. A test shows one by
citing it, as in `// RPL-05` or `# UDP-01, UDP-14`; what no test shows has its
reason in tests/conformance/not_done.tsv. Exit status 1: a requirement has
neither or both, something cites or excuses one that is not there, or the page
is not what this would write.
"""

import collections
import sys

import citations
from citations import row_of

AREAS = {
    "API": "Levels of sockets (the draft)", "SPD": "Policy database", "SEL": "Selectors",
    "SAD": "Security association database", "PAD": "Peer authorization database",
    "OUT": "Outbound processing", "TUN": "Tunnel headers", "BEET": "Bound End-to-End Tunnel mode",
    "ECN": "Congestion marks",
    "IN": "Inbound processing", "ICMP": "ICMP", "FRAG": "Fragments",
    "PMTU": "Path MTU", "AUD": "Auditing", "AH": "AH", "ESP": "ESP",
    "RPL": "Sequence numbers and replays", "ALG": "Which algorithms", "CBC": "CBC and NULL",
    "CTR": "AES-CTR", "GCM": "AES-GCM and GMAC", "CCM": "AES-CCM",
    "CHA": "ChaCha20-Poly1305", "AUT": "Integrity algorithms", "IIV": "Implicit IVs",
    "UDP": "ESP in UDP", "PFK": "PF_KEY", "PFX": "PF_KEY as daemons use it",
    "OPT": "Later or optional",
}
MOST_NAMES = 4


def cell(names):
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(f"`{name}`" for name in names[:MOST_NAMES]) + more


def page(requirements, shown, not_done):
    lines = ["# Requirements and the tests that show them", "",
             "Made by `scripts/rfc_map.py --write`; the lint test `lint.rfc_map` holds it to what is in `tests/`. A bare",
             "section is one of the area's main document: the draft for API, RFC 4302 for AH, RFC 4303 for ESP, RFC 2367 for",
             "PFK. *Not done* is what no test shows, with the reason.", "",
             "| Area | | done | not done |", "|---|---|---|---|"]
    of = collections.defaultdict(list)
    for requirement in requirements:
        of[requirement.split("-")[0]].append(requirement)
    for area, rows in of.items():
        done = sum(row in shown for row in rows)
        lines.append(f"| [{area}](#{area.lower()}) | {AREAS[area]} | {done} | {len(rows) - done} |")
    done = sum(row in shown for row in requirements)
    lines += [f"| **all** | | {done} | {len(requirements) - done} |", ""]
    for area, rows in of.items():
        lines += [f"## {area}", "", f"{AREAS[area]}.", "",
                  "| Id | Source | Level | Requirement | Shown by |", "|---|---|---|---|---|"]
        for row in rows:
            source, level, text = requirements[row]
            reason = (not_done.get(row) or ["?"])[0]
            by = cell(shown[row]) if row in shown else f"*not done*: {reason}"
            lines.append(row_of([row, source, level, text, by]))
        lines.append("")
    return "\n".join(lines)


def main():
    requirements = citations.table("requirements.tsv")
    not_done = citations.reasons(lambda one: not one.startswith("DEF-"))
    shown = citations.citations(AREAS)
    wrong = list(citations.complaints("requirement", requirements, shown, not_done))
    return citations.hold("rfc-map.md", page(requirements, shown, not_done), "rfc_map.py", wrong)


if __name__ == "__main__":
    sys.exit(main())
