# SPDX-License-Identifier: Apache-2.0
"""What tshark, which shares code with neither side, says of the packets on the tap.

It gets the keys of every SA whose algorithms it knows and must find each packet's
ICV good, and something that it can name inside. It does not know ESN's ICV, nor AH's.
"""

import collections
import os
import pathlib
import signal
import subprocess
import time

import lab
import tap

# Octets of a frame: pings, datagrams, acknowledgements; not the bulk.
LARGEST = 400
FIELDS = ("frame.number", "frame.protocols", "esp.spi", "esp.icv_good", "esp.icv_bad", "esp.protocol")
# Next headers: hop-by-hop (in BEET), ICMP, IP in IP, TCP, UDP, IPv6 in IP, fragment,
# ESP, AH, ICMPv6, destination options.
SENSIBLE = {"0x00", "0x01", "0x04", "0x06", "0x11", "0x29", "0x2c", "0x32", "0x33", "0x3a", "0x3c"}


class Recorder:
    """The small frames on the tap, in a file."""

    def __init__(self, directory):
        self.file = directory / "tap.pcap"
        self.log = directory / "tap.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["dumpcap", "-q", "-P", "-B", "32", "-i", tap.NAME, "-f", f"less {LARGEST}",
                 "-w", self.file], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            lab.wait_until(lambda: "File:" in self.log.read_text(), "dumpcap captures")
        except lab.LabError:
            self.close()
            raise

    def close(self):
        lab.end_process(self.process)

    def stop(self):
        """Ends the capture when it has nothing more to write."""
        size, since = -1, time.monotonic()
        while time.monotonic() - since < 1:
            now = self.file.stat().st_size
            if now != size:
                size, since = now, time.monotonic()
            time.sleep(0.05)
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


def _row(sa):
    """A line of tshark's table of SAs."""
    names = {"encryption": ("NULL", ""), "integrity": ("NULL", "")}
    for algorithm, key in zip(sa.algorithms, sa.keys):
        kind = "integrity" if algorithm.linux.startswith("auth") else "encryption"
        names[kind] = (algorithm.tshark, key)
    family = "IPv6" if ":" in sa.source else "IPv4"
    words = (family, sa.source, sa.destination, f"{sa.spi:#010x}", *names["encryption"],
             *names["integrity"])
    return ",".join(f'"{word}"' for word in words)


def known(sa):
    return sa.protocol == "esp" and not sa.esn and all(a.tshark for a in sa.algorithms)


def _dissected(file, sas):
    """FIELDS of every frame with ESP in it, those of several headers with commas."""
    home = pathlib.Path(file).with_suffix(".wireshark")
    (home / "wireshark").mkdir(parents=True)
    (home / "wireshark" / "esp_sa").write_text("".join(_row(sa) + "\n" for sa in sas))
    command = ["tshark", "-n", "-r", str(file), "-T", "fields", "-E", "separator=;",
               "-o", "esp.enable_encryption_decode:TRUE",
               "-o", "esp.enable_authentication_check:TRUE",
               "-d", "udp.port==9,data", "-Y", "esp"]
    for field in FIELDS:
        command += ["-e", field]
    told = subprocess.run(command, text=True, capture_output=True, timeout=600,
                          env=dict(os.environ, XDG_CONFIG_HOME=str(home)))
    if told.returncode:
        raise lab.LabError(f"tshark: {told.stderr.strip()}")
    return [line.split(";") for line in told.stdout.splitlines()]


def ask(file, sas):
    """(a sentence, [what is wrong]) about the SAs that tshark knows."""
    wanted = {sa.spi: sa for sa in sas if known(sa)}
    good, bad = collections.Counter(), {}
    for row in _dissected(file, wanted.values()):
        spis, goods, bads, protocols = row[2:]
        spis = [int(spi, 16) for spi in spis.split(",")]
        fine = "0" not in goods.split(",") and "1" not in bads.split(",")
        inside = protocols.split(",")
        for place, spi in enumerate(spis):
            if spi not in wanted:
                continue
            named = place < len(inside) and inside[place] in SENSIBLE
            if fine and goods and named:
                good[spi] += 1
            else:
                bad.setdefault(spi, []).append(row)
    wrong = [f"tshark: ESP {spi:#x}: {len(rows)} packets with a bad ICV or no sense in them: {rows[0]}"
             for spi, rows in bad.items()]
    wrong += [f"tshark: ESP {spi:#x}: no packet" for spi in wanted if not good[spi] and not bad[spi]]
    return (f"tshark found the ICVs of {sum(good.values())} packets of {len(good)} SAs good, "
            "and decrypted them."), wrong
