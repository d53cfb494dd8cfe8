#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Key management for virtual hosts of one machine: answers every acquire.

    key_manager.py [--postern PROGRAM] HOST HOST ...

follows `postern monitor --json` of each host. When a packet in one of them needs
a security association, it makes a random key, gives it to the receiver first, so
that the answer can be read, and then to the sender, whose packets have waited.
Prints a line for each acquire.

It trusts the machine that it runs on, and nobody else: a real key manager proves
to each end who the other one is, and never sees both ends' keys in one place.
"""

import argparse
import ipaddress
import json
import secrets
import subprocess
import threading

# Without a wish for a longer one.
LEAST_KEY_BITS = 128


class Host:
    def __init__(self, program, name):
        self.program = program
        self.name = name
        tun = json.loads(self.postern("status", "--json").stdout)["tun"]
        self.addresses = {ipaddress.ip_interface(text).ip for text in tun["addresses"]}

    def postern(self, verb, *arguments, key=None):
        """Keys go through a pipe: a command line is for everybody to read."""
        command = [self.program, *verb.split(), self.name, *arguments]
        return subprocess.run(command, input=key, text=True, capture_output=True, check=True)

    def events(self):
        command = [self.program, "monitor", self.name, "--json"]
        with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as monitor:
            for line in monitor.stdout:
                yield json.loads(line)


def algorithm(acquire):
    """(options, how many octets of key they need) for what the sender wishes."""
    bits = acquire.get("least_key_bits", LEAST_KEY_BITS)
    if acquire["protocol"] == "ah":
        return ["--integrity", "hmac-sha2-256-128", "--integrity-key"], 32
    octets = min(size for size in (16, 24, 32) if size * 8 >= bits)
    return ["--encryption", "aes-gcm-16", "--encryption-key"], octets + 4


def identities(acquire, mine, peer):
    """What the sender wishes, as one of the two ends sees it."""
    options = []
    if mine in acquire:
        options += ["--local-identity", acquire[mine]]
    if peer in acquire:
        options += ["--peer-identity", acquire[peer]]
    return options


def answer(sender, receiver, acquire):
    """Makes the SA at both ends, or at none; returns its SPI."""
    spi = hex(secrets.randbelow(2**32 - 2**16) + 2**16)
    options, octets = algorithm(acquire)
    options.append("file:/dev/stdin")
    key = "0x" + secrets.token_hex(octets)
    receiver.postern(
        "sa add", acquire["protocol"], acquire["mode"], spi,
        "--from", acquire["source"], "--to", acquire["destination"],
        *identities(acquire, "peer_identity", "local_identity"), *options, key=key)
    try:
        sender.postern("sa add", spi, "--acquire", str(acquire["id"]), *options, key=key)
    except subprocess.CalledProcessError:
        receiver.postern("sa delete", acquire["protocol"], spi, acquire["destination"])
        raise
    return spi


def acquires(host):
    """Every acquire of the host, also if the events come faster than we read."""
    for event in host.events():
        if event["event"] == "acquire":
            yield event
        elif event["event"] == "lost":
            listed = json.loads(host.postern("acquire list", "--json").stdout)["acquires"]
            yield from (one for one in listed if one["state"] == "waiting")


def serve(host, hosts):
    for acquire in acquires(host):
        name = f"{host.name}: acquire {acquire['id']} for {acquire['category']}"
        end = ipaddress.ip_address(acquire["destination"])
        receivers = [other for other in hosts if end in other.addresses]
        try:
            if receivers:
                print(f"{name}: {answer(host, receivers[0], acquire)}", flush=True)
            else:
                host.postern("acquire refuse", str(acquire["id"]))
                print(f"{name}: refused, {end} is no host of ours", flush=True)
        except (subprocess.CalledProcessError, ValueError) as error:
            told = getattr(error, "stderr", None) or str(error)
            print(f"{name}: {told.strip()}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postern", default="postern", metavar="PROGRAM")
    parser.add_argument("hosts", nargs="+", metavar="HOST")
    arguments = parser.parse_args()
    hosts = [Host(arguments.postern, name) for name in arguments.hosts]
    threads = [threading.Thread(target=serve, args=(host, hosts)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
