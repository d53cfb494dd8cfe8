# SPDX-License-Identifier: Apache-2.0
"""Sockets that share a port: each receives only what its own levels let in.

Bob has a secret socket, at REQUIRE, and a public one without levels at the same
port: in a SO_REUSEPORT group, at an address and at all of them, in IPv4 and in
both families. Alice's messages say whether they were sent in clear. Judged by
which of bob's sockets the kernel gave them to: the secret one must never receive
what is clear, and nothing that was protected may be lost. API-27 API-28 API-30
"""

import json
import subprocess
import unittest

import lab

PORT = 7300
MESSAGES = 100
TURN = 25
PATIENCE = 0.4  # seconds

# Opens the sockets of its arguments and tells, when a line comes in, what each
# of them received.
RECEIVER = f"""
import json, select, socket, sys
ESP_TRANSPORT, REQUIRE = 0x49500002, 3
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
names, received = {{}}, {{}}
for spec in sys.argv[2:]:
    name, address = spec.split("@")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, kind)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if name == "secret":
        sock.setsockopt(socket.IPPROTO_IPV6 if family == socket.AF_INET6 else socket.IPPROTO_IP,
                        ESP_TRANSPORT, REQUIRE)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((address, {PORT}))
    if sys.argv[1] == "tcp":
        sock.listen(1024)
    names[sock], received[name] = name, {{"clear": 0, "protected": 0}}
print("ready", flush=True)
while True:
    for ready in select.select([sys.stdin, *names], [], [])[0]:
        if ready is sys.stdin:
            sys.stdin.readline()
            print(json.dumps(received), flush=True)
            continue
        if sys.argv[1] == "tcp":
            child, _ = ready.accept()
            child.settimeout(5)
            says = child.recv(100)
            child.sendall(says)
            child.close()
        else:
            says, peer = ready.recvfrom(100)
            ready.sendto(says, peer)
        received[names[ready]][says.decode()] += 1
"""

# Each message from a port of its own, in turns of some in clear and as many that
# are protected. What is clear may be answered in clear only; what nobody may hear
# is not waited for long, and for all of a turn at once: nor so long that a SYN is
# sent again, which would be dropped and counted a second time.
SENDER = f"""
import json, select, socket, sys, time
ESP_TRANSPORT, REQUIRE = 0x49500002, 3
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
answered = {{"clear": 0, "protected": 0}}
def clear(count):
    waiting, unsent = [], []
    for _ in range(count):
        sock = socket.socket(socket.AF_INET, kind)
        sock.setblocking(False)
        sock.connect_ex(("10.9.2.1", {PORT}))
        waiting.append(sock)
    unsent = list(waiting)
    end = time.monotonic() + {PATIENCE}
    while waiting and (left := end - time.monotonic()) > 0:
        readable, writable, _ = select.select(waiting, unsent, [], left)
        for sock in writable:
            unsent.remove(sock)
            try:
                sock.sendall(b"clear")
            except OSError:
                pass
        for sock in readable:
            waiting.remove(sock)
            if sock in unsent:
                unsent.remove(sock)
            try:
                answered["clear"] += sock.recv(100) == b"clear"
            except OSError:
                pass
            sock.close()
    for sock in waiting:
        sock.close()
def protected():
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.setsockopt(socket.IPPROTO_IP, ESP_TRANSPORT, REQUIRE)
        sock.settimeout(5)
        try:
            sock.connect(("10.9.2.1", {PORT}))
            sock.sendall(b"protected")
            answered["protected"] += sock.recv(100) == b"protected"
        except OSError:
            pass
for _ in range({MESSAGES} // {TURN}):
    clear({TURN})
    for _ in range({TURN}):
        protected()
print(json.dumps(answered))
"""


class SharedPorts(unittest.TestCase):
    def receive(self, protocol, *sockets):
        """What each of bob's sockets received, and what alice got back."""
        with lab.Lab() as two:
            received, answered, dropped = self.talk(two, protocol, sockets)
        print(protocol, *sockets, received, "answered:", answered, "dropped:", dropped)
        self.assertEqual(received["secret"]["clear"], 0)
        self.assertEqual(answered["protected"], MESSAGES)
        self.assertEqual(sum(r["protected"] for r in received.values()), MESSAGES)
        self.assertEqual(answered["clear"], received["public"]["clear"])
        return received, dropped

    def talk(self, two, protocol, sockets):
        two.alice.configure(sas=lab.all_sas(["esp_transport"]))
        # So that every answer to a protected message is protected.
        two.bob.configure(sas=lab.all_sas(["esp_transport"]),
                          levels={"esp_transport": "avail"})
        for host in two.hosts:
            host.start()
        receiver = two.bob.spawn("/usr/bin/python3", "-c", RECEIVER, protocol, *sockets,
                                 levels={}, stdin=subprocess.PIPE)
        self.assertEqual(receiver.stdout.readline(), "ready\n")
        sender = two.alice.run("/usr/bin/python3", "-c", SENDER, protocol, levels={}, timeout=120)
        self.assertEqual(sender.returncode, 0, sender.stderr)
        receiver.stdin.write("tell\n")
        receiver.stdin.flush()
        received, answered = json.loads(receiver.stdout.readline()), json.loads(sender.stdout)
        dropped = two.bob.drops().get("policy_requires_esp_transport", 0)
        return received, answered, dropped

    def group(self, protocol):
        received, dropped = self.receive(protocol, "secret@0.0.0.0", "public@0.0.0.0")
        # The kernel gives each about a half.
        for name in ("secret", "public"):
            self.assertGreater(received[name]["protected"], MESSAGES // 20)
        self.assertGreater(received["public"]["clear"], MESSAGES // 4)
        # Each that is not for the public one is one dropped packet.
        self.assertEqual(dropped, MESSAGES - received["public"]["clear"])

    def test_a_group_of_datagram_sockets(self):
        self.group("udp")

    def test_a_group_of_listeners(self):
        self.group("tcp")

    def test_an_address_goes_before_all_of_them(self):
        for protocol in ("udp", "tcp"):
            received, dropped = self.receive(protocol, "public@0.0.0.0", "secret@10.9.2.1")
            self.assertEqual(received["secret"]["protected"], MESSAGES)
            self.assertGreaterEqual(dropped, MESSAGES)
            received, _ = self.receive(protocol, "secret@0.0.0.0", "public@10.9.2.1")
            self.assertEqual(received["public"], {"clear": MESSAGES, "protected": MESSAGES})

    def test_ipv4_goes_before_both_families(self):
        for protocol in ("udp", "tcp"):
            received, _ = self.receive(protocol, "public@::", "secret@0.0.0.0")
            self.assertEqual(received["public"]["protected"], 0)
            received, _ = self.receive(protocol, "secret@::", "public@0.0.0.0")
            self.assertEqual(received["secret"]["protected"], 0)


if __name__ == "__main__":
    unittest.main()
