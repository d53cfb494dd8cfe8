# SPDX-License-Identifier: Apache-2.0
"""A lab is two virtual IPsec hosts in a network namespace of its own.

       outer namespace (this process lives in it; it forwards)
      ┌───────────────────────────────────────────────────────────┐
      │ posternd alice ── wire-alice    wire-bob ── posternd bob  │
      └──────┼───────────────────────────────────────────┼────────┘
      ┌──────┴──────────┐                       ┌────────┴────────┐
      │ tun0  10.9.1.1  │                       │ tun0  10.9.2.1  │
      │  fd00:9:1::1    │                       │  fd00:9:2::1    │
      │ alice's programs│                       │ bob's programs  │
      └─────────────────┘                       └─────────────────┘

Run it under `unshare --net` (scripts/in-namespace does): the namespaces go away
with the processes, also when those are killed. Every wait has a condition and a
bound; every process that was started is ended by its pid.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import underlay

ROOT = pathlib.Path(__file__).resolve().parents[2]
CATEGORIES = ("esp_transport", "ah", "esp_network")
ADDRESSES = {
    "alice": {4: "10.9.1.1", 6: "fd00:9:1::1"},
    "bob": {4: "10.9.2.1", 6: "fd00:9:2::1"},
}
PEER = {"alice": "bob", "bob": "alice"}
ETHERNET = ("packet", "tap")  # wires by which a host is a station of an Ethernet
BRIDGE = "lab0"  # of tap wires


class LabError(Exception):
    """Something in the lab did not do what it must."""


def wait_until(condition, what, seconds=15.0):
    """Polls `condition` until it is true; raises LabError after the bound."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise LabError(f"waited {seconds:g} s in vain: {what}")


def end_process(process, seconds=5.0):
    """Ends a process that we started: politely, then for sure."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def key_of(text, octets):
    """A fixed key for the lab, different for each purpose."""
    out = b""
    while len(out) < octets:
        out += f"{text}/{len(out)};".encode()
    return "0x" + out[:octets].hex()


class Sa:
    """One manually keyed SA between the two hosts."""

    ALGORITHMS = {
        "aes-gcm-16": (20, "none", 0),
        "aes-cbc": (16, "hmac-sha2-256-128", 32),
        "aes-ctr": (20, "hmac-sha2-512-256", 64),
        "chacha20-poly1305": (36, "none", 0),
        "3des-cbc": (24, "aes-xcbc-96", 16),
        "null": (0, "hmac-sha2-256-128", 32),
    }

    def __init__(self, category, family, sender, algorithm="aes-gcm-16"):
        number = 0x1000 + 0x100 * CATEGORIES.index(category)
        number += (16 if family == 6 else 0) + (1 if sender == "alice" else 2)
        self.spi = f"0x{number:08x}"
        self.family = family
        self.category = category
        self.source = ADDRESSES[sender][family]
        self.destination = ADDRESSES[PEER[sender]][family]
        name = f"{category}{family}{sender}"
        if category == "ah":
            self.encryption, self.encryption_key = None, None
            self.integrity = "hmac-sha2-256-128"
            self.integrity_key = key_of(name + "auth", 32)
        else:
            key, self.integrity, auth = self.ALGORITHMS[algorithm]
            self.encryption = algorithm
            self.encryption_key = key_of(name, key) if key else None
            self.integrity_key = key_of(name + "auth", auth) if auth else None

    def toml(self):
        lines = [
            "[[sa]]",
            f'protocol = "{"ah" if self.category == "ah" else "esp"}"',
            f'mode = "{"tunnel" if self.category == "esp_network" else "transport"}"',
            f'spi = "{self.spi}"',
            f'source = "{self.source}"',
            f'destination = "{self.destination}"',
        ]
        for key in ("encryption", "encryption_key", "integrity", "integrity_key"):
            value = getattr(self, key)
            if value and value != "none":
                lines.append(f'{key} = "{value}"')
        return "\n".join(lines) + "\n"

    def wireshark(self):
        """The row of tshark's esp_sa table that decrypts this SA; None for AH."""
        if self.category == "ah":
            return None
        cipher = {
            "aes-gcm-16": "AES-GCM with 16 octet ICV [RFC4106]",
            "aes-cbc": "AES-CBC [RFC3602]",
            "null": "NULL",
        }[self.encryption]
        auth, auth_key = "NULL", ""
        if self.integrity_key:
            auth, auth_key = "HMAC-SHA-256-128 [RFC4868]", self.integrity_key
        row = (f"IPv{self.family}", self.source, self.destination, self.spi,
               cipher, self.encryption_key or "", auth, auth_key)
        return ",".join(f'"{field}"' for field in row)


def all_sas(categories=CATEGORIES, algorithm="aes-gcm-16", families=(4, 6)):
    return [Sa(c, f, s, algorithm)
            for c in categories for f in families for s in ("alice", "bob")]


class Host:
    """One posternd and the programs that run in its namespace."""

    def __init__(self, lab, name):
        self.lab, self.name, self.process = lab, name, None
        self.config = lab.directory / f"{name}.toml"
        self.log = lab.directory / f"{name}.log"

    def address(self, family):
        return ADDRESSES[self.name][family]

    def configure(self, sas=(), levels=None, routes="", extra="", namespace=None, also=()):
        """also: further addresses of this host."""
        levels = levels or {}
        v4, v6 = self.address(4), self.address(6)
        # On an Ethernet both are in one prefix.
        lengths = (16, 32) if self.lab.wire in ETHERNET else (24, 64)
        addresses = ", ".join(
            f'"{a}"' for a in (f"{v4}/{lengths[0]}", f"{v6}/{lengths[1]}", *also))
        wire = self.lab.wire_toml(self.name)
        text = f"""
[host]
name = "{self.name}"
state_directory = "{self.lab.directory}/state-{self.name}"
ownership = "{self.lab.ownership}"
pairs = {self.lab.pairs}
threads = {self.lab.threads}
{f'namespace = "{namespace}"' if namespace else ""}

[tun]
name = "tun0"
addresses = [{addresses}]
offload = {self.lab.offload}

{wire}
[levels]
"""
        for category in CATEGORIES:
            text += f'{category} = "{levels.get(category, "none")}"\n'
        text += routes + extra
        text += "\n".join(sa.toml() for sa in sas)
        self.config.write_text(text)

    def start(self):
        log = open(self.log, "ab")
        with log:
            self.process = subprocess.Popen(
                [*self.lab.outside(self.name), self.lab.program("posternd"),
                 "--config", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.lab.environment)
        wait_until(self.ready, f"posternd {self.name} is ready")

    def ready(self):
        if self.process.poll() is not None:
            raise LabError(f"posternd {self.name} ended with status "
                           f"{self.process.returncode}:\n{self.log.read_text()}")
        return self.postern("status", check=False).returncode == 0

    def kill(self):
        """SIGKILL, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process is not None:
            end_process(self.process)

    def postern(self, verb, *arguments, check=True, **more):
        command = [self.lab.program("postern")]
        command += verb.split() + [self.name] + list(arguments)
        return subprocess.run(
            command, check=check, text=True, capture_output=True, timeout=20,
            stdin=subprocess.DEVNULL, env=self.lab.environment, **more)

    def json(self, verb, *arguments):
        return json.loads(self.postern(verb, "--json", *arguments).stdout)

    def drops(self):
        """{name: count} of the packets this host refused."""
        return {k: v for k, v in self.json("stats")["drops"].items() if v}

    def command(self, *command, levels=None, cgroup=None):
        line = [self.lab.program("postern"), "exec"]
        if cgroup:
            line += ["--cgroup", cgroup]
        for category, level in (levels or {}).items():
            line += [f"--{category.replace('_', '-')}", level]
        return line + [self.name, "--"] + [str(part) for part in command]

    def run(self, *command, levels=None, cgroup=None, timeout=20, check=False, **more):
        """Runs a program in this host's namespace and waits for it."""
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(
            self.command(*command, levels=levels, cgroup=cgroup), text=True, timeout=timeout,
            capture_output=True, check=check, env=self.lab.environment, **more)

    def spawn(self, *command, levels=None, cgroup=None, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        process = subprocess.Popen(
            self.command(*command, levels=levels, cgroup=cgroup), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=self.lab.environment, **more)
        self.lab.processes.append(process)
        return process

    def listening(self, port, protocol="tcp"):
        """True once a socket of this host listens at the port."""
        flag = "-tln" if protocol == "tcp" else "-uln"
        shown = self.run("ss", "-H", flag, "sport", "=", f":{port}")
        return bool(shown.stdout.strip())


def capture_command(device, file, direction):
    """The program to capture with, and what it says when it has begun.

    `direction`: "in" or "inout"."""
    if pathlib.Path("/proc/self/setgroups").read_text().strip() == "allow":
        # Each packet takes a snapshot length's room of the buffer.
        return (["tcpdump", "-i", device, "-Q", direction, "-B", "32768", "-n",
                 "-s", "9300", "-U", "-w", str(file), "--immediate-mode"], "listening on")
    # In an ordinary user's namespace tcpdump, which wants to be another user
    # than root, cannot; Wireshark's own program does not care.
    if direction == "inout":
        return (["dumpcap", "-q", "-P", "-B", "32", "-i", device, "-w", str(file)], "File:")
    return (["/usr/bin/python3", str(ROOT / "scripts" / "lab" / "capture.py"),
             device, str(file)], "listening on")


class Capture:
    """What passes a device of the outer namespace, written to a pcap file."""

    def __init__(self, lab, device, file, direction="inout", prefix=()):
        self.file = pathlib.Path(file)
        self.log = lab.directory / f"capture-{self.file.stem}.log"
        command, begun = capture_command(device, self.file, direction)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*prefix, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        lab.processes.append(self.process)
        wait_until(lambda: begun in self.log.read_text(),
                   f"{command[0]} captures")

    def stop(self):
        """Ends the capture once it has written what it saw; returns the file.

        tcpdump told to end leaves behind what still waits in its buffer."""
        seen, since = -1, time.monotonic()

        def quiet():
            nonlocal seen, since
            size = self.file.stat().st_size
            if size != seen:
                seen, since = size, time.monotonic()
            return time.monotonic() - since > 0.5
        wait_until(quiet, "the capture is quiet", 30)
        return self.cut()

    def cut(self):
        """Ends the capture at once, in the midst of traffic; returns the file."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        return self.file


class Lab:
    """Two hosts, alice and bob, and everything that must end with them."""

    def __init__(self, build=None, keep=None, wire=None):
        # "tun", as above; "tap", ports of a bridge; "udp" or "packet" over an
        # underlay.Underlay
        self.wire = wire or os.environ.get("POSTERN_WIRE", "tun")
        self.underlay = None
        self.build = pathlib.Path(build or os.environ.get(
            "POSTERN_BUILD", ROOT / "build" / "release"))
        self.directory = pathlib.Path(keep or tempfile.mkdtemp(prefix="postern-"))
        self.keep = keep is not None
        # "sock_diag" tries what hosts do to which the kernel refuses BPF.
        self.ownership = os.environ.get("POSTERN_OWNERSHIP", "auto")
        # "false" tries what hosts do whose kernel grants no offload.
        self.offload = os.environ.get("POSTERN_TUN_OFFLOAD", "true")
        # "2" tries what hosts do with several pairs of workers, "1" and one thread each.
        self.pairs = os.environ.get("POSTERN_PAIRS", "1")
        self.threads = os.environ.get("POSTERN_THREADS", "2")
        self.processes = []
        self.environment = dict(os.environ, POSTERN_RUN_DIR=str(self.directory / "run"))
        self.alice = Host(self, "alice")
        self.bob = Host(self, "bob")
        self.hosts = (self.alice, self.bob)

    def __enter__(self):
        self._require_own_namespace()
        self.directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            path = pathlib.Path("/proc/sys") / key.replace(".", "/")
            path.write_text("1")
        if self.wire in ("udp", "packet"):
            self.underlay = underlay.Underlay()
        if self.wire == "tap":
            for command in (("add", BRIDGE, "type", "bridge"), ("set", BRIDGE, "up")):
                subprocess.run(["ip", "link", *command], check=True)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            end_process(process)
            for pipe in filter(None, (process.stdin, process.stdout)):
                pipe.close()
        for host in self.hosts:
            host.stop()
        if self.underlay:
            self.underlay.close()
        if self.wire == "tap":
            subprocess.run(["ip", "link", "delete", BRIDGE], check=False)
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def wire_toml(self, name):
        """[wire] of one host."""
        if self.wire == "udp":
            return underlay.wire_toml(name, ADDRESSES[PEER[name]])
        if self.wire == "packet":
            return f'[wire]\nkind = "packet"\ninterface = "{underlay.device(name)}"\n'
        bridge = f'bridge = "{BRIDGE}"\n' if self.wire == "tap" else ""
        return f'[wire]\nkind = "{self.wire}"\nname = "wire-{name}"\n{bridge}'

    @staticmethod
    def _require_own_namespace():
        strangers = [n for n in _links() if n != "lo" and _is_real(n)]
        if strangers:
            raise LabError(
                f"this network namespace has {', '.join(strangers)}: run me "
                "under scripts/in-namespace, so that nothing else sees our packets")

    def outside(self, name):
        """What to write before a command of the host's outer namespace."""
        return self.underlay.prefix(name) if self.underlay else []

    def program(self, name):
        folder = {"posternd": "daemon", "postern": "cli"}.get(name, "examples")
        return str(self.build / folder / name)

    def start(self, **configuration):
        """Configures both hosts alike and starts them."""
        for host in self.hosts:
            host.configure(**configuration)
            host.start()

    def capture(self, name="wire", device=None, direction="inout"):
        """What passes bob's wire. Seen from the kernel: "in" is what he sends."""
        on_veth = self.wire == "packet"
        device = device or (underlay.device("bob") if on_veth else "wire-bob")
        return Capture(self, device, self.directory / f"{name}.pcap", direction,
                       self.outside("bob") if on_veth else ())


def _links():
    # Not /sys/class/net: sysfs shows the namespace it was mounted in.
    shown = subprocess.run(["ip", "-j", "link"], check=True, capture_output=True)
    return [link["ifname"] for link in json.loads(shown.stdout)]


def _is_real(name):
    # Kernels with these modules put unused devices into every new namespace.
    return not name.startswith(("sit", "tunl", "gre", "erspan", "ip6tnl",
                                "ip6gre", "ip_vti", "ip6_vti", "teql", "bond", "dummy"))


class Agent:
    """scripts/lab/agent.py in one host: sockets on request."""

    def __init__(self, host, levels=None):
        self.process = host.spawn(
            "/usr/bin/python3", ROOT / "scripts" / "lab" / "agent.py",
            levels=levels, stdin=subprocess.PIPE)

    def ask(self, verb, **request):
        """Sends one request; returns the answer or raises on an error."""
        answer = self.try_(verb, **request)
        if "error" in answer:
            raise LabError(f"{verb} {request}: {answer['error']}")
        return answer

    def try_(self, verb, **request):
        request["verb"] = verb
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line.startswith("{"):
            raise LabError(f"the agent died: {line}{self.process.stdout.read()}")
        return json.loads(line)
