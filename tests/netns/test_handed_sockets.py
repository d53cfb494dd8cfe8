# SPDX-License-Identifier: Apache-2.0
"""Sockets in other hands: fork, exec, dup, descriptors passed; levels go with them.

A secret socket is at REQUIRE, a public one has no levels; each is handed on and
then used by whoever has it. What is sent says which socket it was meant for, so
that the capture alone judges: "secret" in clear is a leak, "public" must be there
to be read. API-27 API-30
"""

import subprocess
import unittest

import lab
import pcap

PORT = 7300
ROUNDS = 50
PRELUDE = f"""
import os, socket, sys
ESP_TRANSPORT, REQUIRE = 0x49500002, 3
THERE = ("10.9.2.1", {PORT})

def opened(kind):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if kind == "secret":
        sock.setsockopt(socket.IPPROTO_IP, ESP_TRANSPORT, REQUIRE)
    sock.connect(THERE)
    return sock

def say(sock, kind):
    for i in range({ROUNDS}):
        sock.send(f"{{kind}} {{i}}".encode())

def wait(child):
    if os.waitpid(child, 0)[1] != 0:
        sys.exit("the child failed")

KINDS = "secret", "public"
"""

# The parent's copies are closed before the child speaks.
FORK = PRELUDE + """
socks = {kind: opened(kind) for kind in KINDS}
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.read(read, 1)
    for kind in KINDS:
        say(socks[kind], kind)
    os._exit(0)
for sock in socks.values():
    sock.close()
os.write(write, b"x")
wait(child)
"""

# The new program does not have the library.
EXEC = PRELUDE + f"""
for kind in KINDS:
    sock = opened(kind)
    child = os.fork()
    if child == 0:
        os.dup2(sock.fileno(), 1)
        os.environ.pop("LD_PRELOAD")
        os.execv("/bin/sh", ["sh", "-c",
                 'i=0; while [ $i -lt {ROUNDS} ]; do echo "$0 $i"; i=$((i + 1)); done', kind])
    sock.close()
    wait(child)
"""

DUP = PRELUDE + """
for kind in KINDS:
    first = opened(kind)
    second = first.dup()
    first.close()
    say(second, kind)
"""

# To a process that was there before the socket, over a Unix socket.
PASSED = PRELUDE + """
for kind in KINDS:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    child = os.fork()
    if child == 0:
        _, (descriptor,), _, _ = socket.recv_fds(there, 10, 1)
        say(socket.socket(fileno=descriptor), kind)
        os._exit(0)
    sock = opened(kind)
    socket.send_fds(here, [b"take it"], [sock.fileno()])
    sock.close()
    wait(child)
"""

# The level is set through a copy, and by somebody who got it passed.
SET_BY_ANOTHER = PRELUDE + """
socks = {kind: opened("public") for kind in KINDS}
child = os.fork()
if child == 0:
    copy = socks["secret"].dup()
    copy.setsockopt(socket.IPPROTO_IP, ESP_TRANSPORT, REQUIRE)
    os._exit(0)
wait(child)
for kind in KINDS:
    say(socks[kind], kind)
"""

# An accepted connection answers in a process that did not accept it.
SERVER = f"""
import os, socket
ESP_TRANSPORT, REQUIRE = 0x49500002, 3
listener = socket.socket()
listener.setsockopt(socket.IPPROTO_IP, ESP_TRANSPORT, REQUIRE)
listener.bind(("", {PORT}))
listener.listen()
child, _ = listener.accept()
listener.setsockopt(socket.IPPROTO_IP, ESP_TRANSPORT, 0)
listener.close()
if os.fork() == 0:
    os.dup2(child.fileno(), 0)
    os.dup2(child.fileno(), 1)
    os.environ.pop("LD_PRELOAD")
    os.execv("/bin/cat", ["cat"])
"""


class HandedSockets(unittest.TestCase):
    def lab(self):
        two = self.enterContext(lab.Lab())
        for host in two.hosts:
            host.configure(sas=lab.all_sas(["esp_transport"]))
        two.alice.start()
        return two

    def judge(self, program):
        two = self.lab()
        # Bob is a hole: nobody answers that nobody listens.
        subprocess.run(["ip", "route", "replace", "blackhole", "10.9.2.0/24"], check=True)
        capture = two.capture(device="wire-alice")
        done = two.alice.run("/usr/bin/python3", "-c", program, levels={}, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        packets = list(pcap.packets(capture.stop()))
        clear = [p.payload.split()[0] for p in packets if p.destination_port == PORT]
        protected = sum("esp" in p.layers for p in packets)
        self.assertEqual(two.alice.drops(), {})
        self.assertEqual(len(clear) + protected, 2 * ROUNDS)
        self.assertLessEqual(set(clear), {b"public"})
        # Without stamps, what a socket leaves behind obeys the strictest levels.
        if two.alice.json("status")["ownership"] == "bpf":
            self.assertEqual(protected, ROUNDS)

    def test_fork(self):
        self.judge(FORK)

    def test_exec_of_a_program_without_the_library(self):
        self.judge(EXEC)

    def test_dup(self):
        self.judge(DUP)

    def test_descriptors_passed_to_another_process(self):
        self.judge(PASSED)

    def test_a_level_that_another_process_sets(self):
        self.judge(SET_BY_ANOTHER)

    def test_an_accepted_connection(self):
        two = self.lab()
        subprocess.run(["ip", "route", "flush", "type", "blackhole"], check=True)
        two.bob.start()
        capture = two.capture()
        server = two.bob.spawn("/usr/bin/python3", "-c", SERVER, levels={})
        lab.wait_until(lambda: two.bob.listening(PORT), "the server listens")
        words = "word " * 10_000
        done = two.alice.run("nc", "-N", "-w", "5", two.bob.address(4), PORT,
                             levels={"esp-transport": "require"}, stdin=None, input=words)
        self.assertEqual(done.stdout, words, done.stderr)
        server.wait(10)
        clear = [p for p in pcap.packets(capture.stop()) if "esp" not in p.layers]
        self.assertEqual([p for p in clear if "tcp" in p.layers], [])


if __name__ == "__main__":
    unittest.main()
