# SPDX-License-Identifier: Apache-2.0
"""What scripts/bench-peers compares: each a tunnel between the sides of a pair.

A tunnel that cannot run here raises lab.LabError in start(), with the reason.
"""

import os
import shutil
import subprocess

import lab
import pair


class Tunnel:
    """`inner`: the second octet of 10.N.1.1 and 10.N.2.1, its addresses inside."""

    name = label = ""
    inner = 0

    def __init__(self, both):
        self.pair, self.two = both, both.two

    def address(self, side):
        return f"10.{self.inner}.{1 if side is self.pair.left else 2}.1"

    def command(self, side, *command):
        """The command line that runs a program at one end."""
        return side.command(*command)

    def start(self):
        raise NotImplementedError

    def daemons(self):
        """Process ids of what carries the packets, both ends."""
        return []

    def version(self):
        return ""

    def log(self, side):
        return self.two.directory / f"{self.name}-{side.name}.log"

    def need(self, *programs):
        for program in programs:
            if not shutil.which(program):
                raise lab.LabError(f"there is no {program} on this machine")

    def wait_for_answer(self):
        """Until a ping comes back: handshakes are over, routes are there."""
        far = self.address(self.pair.right)
        command = self.command(self.pair.left, "ping", "-c", "1", "-W", "1", far)
        lab.wait_until(lambda: pair.run(command, check=False).returncode == 0,
                       f"{self.name} answers a ping", 20)

    def give_address(self, side, device):
        side.ip(f"addr add {self.address(side)}/32 dev {device}")
        side.ip(f"link set {device} mtu {pair.INNER_MTU} up")
        far = self.address(self.pair.other(side))
        side.ip(f"route add {far}/32 dev {device} src {self.address(side)}")


class NoTunnel(Tunnel):
    name, label = "plain", "no tunnel (veth)"

    def address(self, side):
        return side.outer

    def start(self):
        self.wait_for_answer()


class NullForwarder(Tunnel):
    name, label, inner = "null", "null forwarder", 83

    def start(self):
        program = self.two.build / "bench" / "traffic" / "postern_null_forwarder"
        self.process = pair.spawn(
            self.two, [str(program), self.pair.left.space, self.pair.right.space, "null0"])
        if self.process.stdout.readline() != "ready\n":
            raise lab.LabError("postern_null_forwarder got no TUN devices")
        for side in self.pair.sides:
            self.give_address(side, "null0")
        self.wait_for_answer()

    def daemons(self):
        return [self.process.pid]


class WireGuard(Tunnel):
    """Debian's wireguard-go, which is of March 2022: without offload on the TUN
    and on UDP. What its authors ship today is about six times as fast with TCP."""

    name, label, inner = "wireguard", "wireguard-go", 81
    PORT = 51820

    def start(self):
        self.need("wireguard-go", "wg")
        keys = {side: pair.run(["wg", "genkey"]).stdout.strip() for side in self.pair.sides}
        self.processes = []
        for side in self.pair.sides:
            device = f"wg-{side.name}"
            self.processes.append(side.spawn("wireguard-go", "-f", device, log=self.log(side)))
            lab.wait_until(lambda: side.run("wg", "show", device, check=False).returncode == 0,
                           "wireguard-go listens")
            self.configure(side, device, keys)
            self.give_address(side, device)
        self.wait_for_answer()

    def configure(self, side, device, keys):
        other = self.pair.other(side)
        file = self.two.directory / f"{device}.key"
        file.write_text(keys[side])
        public = subprocess.run(["wg", "pubkey"], input=keys[other], text=True, check=True,
                                capture_output=True).stdout.strip()
        side.run("wg", "set", device, "listen-port", self.PORT, "private-key", file,
                 "peer", public, "allowed-ips", f"{self.address(other)}/32",
                 "endpoint", f"{other.outer}:{self.PORT}")

    def daemons(self):
        return [process.pid for process in self.processes]

    def version(self):
        return debian_version("wireguard-go")


class Libipsec(Tunnel):
    """strongSwan's charon with its ESP in user space: AES-128-GCM in UDP."""

    name, label, inner = "libipsec", "strongSwan kernel-libipsec", 82
    SETTINGS = """
charon-systemd {{
  load_modular = no
  load = random nonce drbg aesni openssl aes sha1 sha2 hmac kdf gcm kernel-libipsec kernel-netlink socket-default vici
  plugins {{
    vici {{ socket = {vici} }}
  }}
  filelog {{
    file {{ path = {log}
      default = 0 }}
  }}
}}
"""
    CONNECTION = """
connections {{
  bench {{
    version = 2
    local_addrs = {here}
    remote_addrs = {there}
    proposals = aes128-sha256-modp2048
    encap = yes
    local {{ auth = psk }}
    remote {{ auth = psk }}
    children {{
      net {{
        local_ts = {inside}/32
        remote_ts = {far}/32
        esp_proposals = aes128gcm16
        start_action = trap
      }}
    }}
  }}
}}
secrets {{ ike {{ secret = "bench" }} }}
"""

    def start(self):
        self.need("charon-systemd", "swanctl")
        self.processes = [self.start_charon(side) for side in self.pair.sides]
        self.swanctl(self.pair.left, "--initiate", "--child", "net")
        for side in self.pair.sides:
            side.ip(f"link set ipsec0 mtu {pair.INNER_MTU}")
        self.wait_for_answer()

    def vici(self, side):
        return f"unix://{self.two.directory}/{side.name}.vici"

    def swanctl(self, side, *arguments):
        side.run("swanctl", *arguments, "--uri", self.vici(side))

    def start_charon(self, side):
        other = self.pair.other(side)
        settings = self.two.directory / f"strongswan-{side.name}.conf"
        settings.write_text(self.SETTINGS.format(vici=self.vici(side), log=self.log(side)))
        connection = self.two.directory / f"swanctl-{side.name}.conf"
        connection.write_text(self.CONNECTION.format(
            here=side.outer, there=other.outer, inside=self.address(side),
            far=self.address(other)))
        # The route that charon adds sends from the protected address.
        side.ip(f"addr add {self.address(side)}/32 dev lo")
        process = side.spawn(shutil.which("charon-systemd"), log=self.log(side),
                             env=dict(os.environ, STRONGSWAN_CONF=str(settings)))

        def ready():
            if process.poll() is not None:
                raise lab.LabError(f"charon ended: {self.log(side).read_text()[-500:]}")
            return side.run("swanctl", "--stats", "--uri", self.vici(side),
                            check=False).returncode == 0
        lab.wait_until(ready, "charon listens")
        self.swanctl(side, "--load-all", "--file", connection)
        return process

    def daemons(self):
        return [process.pid for process in self.processes]

    def version(self):
        return debian_version("charon-systemd")


def debian_version(package):
    return pair.run(["dpkg-query", "-W", "-f", "${Version}", package], check=False).stdout


class PosternHost(lab.Host):
    """A posternd whose wire is in one side's namespace."""

    def __init__(self, tunnel, side, name):
        super().__init__(tunnel.two, name)
        self.tunnel, self.side = tunnel, side

    def start(self):
        self.process = self.side.spawn(
            self.lab.program("posternd"), "--config", self.config, log=self.log,
            env=self.lab.environment)
        lab.wait_until(self.ready, f"posternd {self.name} is ready")

    def configure(self, **_):
        peer = lab.PEER[self.name]
        sas = [lab.Sa("esp_transport", 4, sender) for sender in ("alice", "bob")]
        self.config.write_text(f"""
[host]
name = "{self.name}"
state_directory = "{self.lab.directory}/state-{self.name}"
ownership = "{self.lab.ownership}"
threads = {self.tunnel.threads}
busy_poll_us = {self.tunnel.busy_poll_us}

[tun]
addresses = ["{self.address(4)}/24"]
mtu = {pair.INNER_MTU}

{self.wire(lab.ADDRESSES[peer][4])}

[levels]
esp_transport = "require"
""" + "\n".join(sa.toml() for sa in sas))

    def wire(self, far):
        other = self.tunnel.pair.other(self.side)
        if self.tunnel.wire == "udp":
            port = self.tunnel.PORT
            return (f'[wire]\nkind = "udp"\nlisten = "{self.side.outer}:{port}"\n'
                    f'[[wire.peer]]\nhost = "{far}"\nat = "{other.outer}:{port}"\n')
        return f'[wire]\nkind = "tun"\nname = "wire-{self.name}"\n'


class Postern(Tunnel):
    """ESP transport, AES-128-GCM: 10.9.1.1 is alice, at the left."""

    name, label, inner = "postern", "Postern", 9
    # strongSwan's charon has 4500 on every address of its side.
    PORT = 4700

    def __init__(self, both, options):
        super().__init__(both)
        self.wire = options.wire
        self.threads, self.busy_poll_us = options.threads, options.busy_poll_us
        if self.wire != "udp":
            self.name, self.label = f"postern-{self.wire}", f"Postern, {self.wire} wire"
        if self.threads != 2:
            self.label += f", threads = {self.threads}"
        if self.busy_poll_us:
            self.label += f", busy_poll_us = {self.busy_poll_us}"
        self.hosts = {side: PosternHost(self, side, name)
                      for side, name in zip(both.sides, ("alice", "bob"))}

    def start(self):
        for side, host in self.hosts.items():
            host.configure()
            host.start()
            if self.wire == "tun":
                other = self.pair.other(side)
                side.ip(f"route add {self.address(other)}/32 via {other.outer}")
        self.wait_for_answer()

    def command(self, side, *command):
        directory = self.two.environment["POSTERN_RUN_DIR"]
        return ["env", f"POSTERN_RUN_DIR={directory}", *self.hosts[side].command(*command)]

    def daemons(self):
        return [host.process.pid for host in self.hosts.values()]

    def version(self):
        return pair.run([self.two.program("posternd"), "--version"], check=False).stdout.strip()


KINDS = (Postern, WireGuard, Libipsec, NullForwarder, NoTunnel)
