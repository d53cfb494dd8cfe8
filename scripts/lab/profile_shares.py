# SPDX-License-Identifier: Apache-2.0
"""Where the tunnel's processes spend their time under TCP: perf's samples by what
they were in.

    copies   the kernel moving octets between user and kernel memory
    kernel   everything else below the system calls: the stack, TUN, sockets
    crypto   libcrypto and ipsec-mb
    own      the rest: the daemon and its C library
"""

import re
import shutil
import subprocess

import lab
import pair

COPY = re.compile(r"copy|rep_movs|memcpy|csum_partial|iov_iter|clear_page")
CRYPTO = re.compile(r"libcrypto|libIPSec|ipsec-mb", re.IGNORECASE)
LINE = re.compile(r"^\s*([\d.]+)%\s+(\S+)\s+\[[k.]\]\s+(.*)$")


def category(where, symbol):
    if where.startswith("[kernel"):
        return "copies" if COPY.search(symbol) else "kernel"
    return "crypto" if CRYPTO.search(where) else "own"


def of(probe, options):
    """{"shares": {category: of 1}, ...} or {"absent": why}."""
    if not shutil.which("perf"):
        return {"absent": "there is no perf (Debian: linux-perf)"}
    file = probe.two.directory / "perf.data"
    pids = ",".join(str(pid) for pid in probe.tunnel.daemons())
    recorder = pair.spawn(probe.two, ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999",
                                      "-o", str(file), "-p", pids],
                          log=probe.two.directory / "perf.log")
    try:
        lab.wait_until(lambda: file.exists() or recorder.poll() is not None, "perf records")
        took = probe.tcp("there")
    finally:
        # Its own way to end: it then writes what it has.
        if recorder.poll() is None:
            recorder.send_signal(subprocess.signal.SIGINT)
            recorder.wait(20)
    shown = pair.run(["perf", "report", "-i", str(file), "--stdio", "--sort", "dso,symbol"],
                     check=False, timeout=60)
    shares = {"copies": 0.0, "kernel": 0.0, "crypto": 0.0, "own": 0.0}
    for line in shown.stdout.splitlines():
        if match := LINE.match(line):
            shares[category(match[2], match[3])] += float(match[1])
    total = sum(shares.values())
    if total < 50:
        return {"absent": f"perf recorded nothing: {shown.stderr.strip()[-200:]}"}
    return {"shares": {name: round(share / total, 4) for name, share in shares.items()},
            "cpu_s_per_gigabyte": took["cpu_s_per_gigabyte"],
            "gbit_per_s": took["gbit_per_s"]}
