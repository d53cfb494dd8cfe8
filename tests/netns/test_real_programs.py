# SPDX-License-Identifier: Apache-2.0
"""Everyday servers and clients under `postern exec --auth require`, unedited.

nginx and python3 with curl, dropbear with ssh, iperf3 with itself; over IPv4 and
IPv6. Judged by the programs themselves (they do their work or they fail), by
tshark (every packet of theirs carries AH), and, with one side started without
levels, by both: no answer, and the refused packets counted under their name.
API-27 API-30 API-34
"""

import os
import pathlib
import pwd
import shutil
import subprocess
import unittest

import lab
import wire

REQUIRE = {"auth": "require"}
PLAIN = {"auth": "none"}
CONTENT = bytes(i * i % 251 for i in range(300_000))
UNPACKED = lab.ROOT / "build" / "programs" / "usr" / "sbin"


def is_the_only_user():
    """In an ordinary user's namespace nobody can become another user."""
    return pathlib.Path("/proc/self/setgroups").read_text().strip() != "allow"


class RealPrograms(unittest.TestCase):
    def setUp(self):
        self.two = self.enterContext(lab.Lab())
        self.two.directory.chmod(0o755)
        self.sas = lab.all_sas(["ah"])
        self.two.start(sas=self.sas)
        (self.two.directory / "content").write_bytes(CONTENT)

    def need(self, *programs):
        """Their paths; skips by the name of the first that is missing."""
        search = f"{os.environ['PATH']}:/usr/sbin:{UNPACKED}"
        paths = [shutil.which(program, path=search) for program in programs]
        for program, path in zip(programs, paths):
            if path is None:
                self.skipTest(f"{program} is not installed (scripts/deps)")
        return paths

    def served(self, command, port, levels):
        """Bob's server; it listens when this returns."""
        server = self.two.bob.spawn(*command, levels=levels)

        def listens():
            if server.poll() is not None:
                self.fail(f"{command[0]} ended: {server.stdout.read()}")
            return self.two.bob.listening(port)
        lab.wait_until(listens, f"{command[0]} listens")
        return server

    def captured(self, work):
        """What work() returns, and its TCP and UDP packets as tshark sees them."""
        capture = self.two.capture()
        answer = work()
        frames = wire.read(capture.stop(), self.sas)
        return answer, [f for f in frames if f.has("tcp") or f.has("udp")]

    def judge(self, server, port, client, expect):
        """server: bob's command. client(family): alice's. expect: of its output."""
        packets = 0
        # Both sides at REQUIRE.
        running = self.served(server, port, REQUIRE)
        for family in (4, 6):
            done, frames = self.captured(
                lambda: self.two.alice.run(*client(family), levels=REQUIRE, timeout=60))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(expect, done.stdout + done.stderr)
            self.assertEqual({f.source for f in frames},
                             {h.address(family) for h in self.two.hosts})
            self.assertEqual([f.shape for f in frames if not f.has("ah")], [])
            packets += len(frames)
        # A plain client.
        for family in (4, 6):
            frames = self.refused(self.two.bob, client(family), PLAIN)
            self.assertEqual({f.source for f in frames}, {self.two.alice.address(family)})
            self.assertEqual({f.tcp for f in frames}, {"syn"})
        lab.end_process(running)
        # A plain server.
        running = self.served(server, port, PLAIN)
        for family in (4, 6):
            frames = self.refused(self.two.alice, client(family), REQUIRE)
            alice = [f for f in frames if f.source == self.two.alice.address(family)]
            self.assertEqual({f.tcp for f in alice}, {"syn"})
            self.assertTrue(all(f.has("ah") for f in alice))
            self.assertEqual({f.tcp for f in frames if f not in alice}, {"syn/ack"})
        print(f"{self.id()}: {packets} packets, all with AH")

    def refused(self, by, command, levels):
        """The packets of a client that gets no answer, since `by` drops them."""
        before = by.drops().get("policy_requires_ah", 0)
        done, frames = self.captured(
            lambda: self.two.alice.run(*command, levels=levels, timeout=60))
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertGreater(by.drops()["policy_requires_ah"], before)
        self.assertTrue(frames)
        return frames

    def curl(self, program, port):
        def command(family):
            return [program, "--silent", "--show-error", "--connect-timeout", "1",
                    "--noproxy", "*", "--output", self.two.directory / f"got{family}",
                    "--write-out", "%{http_code}",
                    f"http://{self.url_host(family)}:{port}/content"]
        return command

    def url_host(self, family):
        address = self.two.bob.address(family)
        return address if family == 4 else f"[{address}]"

    def expect_content(self):
        for family in (4, 6):
            self.assertEqual((self.two.directory / f"got{family}").read_bytes(), CONTENT)

    def test_nginx_and_curl(self):
        nginx, curl = self.need("nginx", "curl")
        directory = self.two.directory
        # A master opens the listeners, its workers accept: the levels pass on.
        processes = ("master_process off;" if is_the_only_user()
                     else "worker_processes 2;")
        temporary = " ".join(f"{name}_temp_path {directory}/{name};"
                             for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (directory / "nginx.conf").write_text(f"""
            daemon off; user root root; {processes} pid {directory}/nginx.pid; error_log stderr;
            events {{ }}
            http {{
              access_log off; {temporary} keepalive_timeout 0;
              server {{ listen 8080; listen [::]:8080; root {directory}; }}
            }}""")
        self.judge([nginx, "-e", "stderr", "-p", directory, "-c", directory / "nginx.conf"],
                   8080, self.curl(curl, 8080), "200")
        self.expect_content()

    def test_python3_and_curl(self):
        curl, = self.need("curl")
        self.judge(["/usr/bin/python3", "-m", "http.server", "--bind", "::", "--directory",
                    self.two.directory, "8000"], 8000, self.curl(curl, 8000), "200")
        self.expect_content()

    @unittest.skipIf(is_the_only_user(), "an SSH server must set groups")
    def test_dropbear_and_ssh(self):
        dropbear, ssh, keygen = self.need("dropbear", "ssh", "ssh-keygen")
        directory, me = self.two.directory, pwd.getpwuid(os.getuid())
        for name in ("host_key", "user_key"):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-m", "PEM",
                            "-f", directory / name], check=True)
        subprocess.run(["dropbearconvert", "openssh", "dropbear", directory / "host_key",
                        directory / "dropbear_key"], check=True, capture_output=True)
        authorized = directory / "home" / ".ssh" / "authorized_keys"
        authorized.parent.mkdir(mode=0o700, parents=True)
        authorized.write_text((directory / "user_key.pub").read_text())
        authorized.chmod(0o600)
        # The home directory that it knows is the test's, in its own mounts; this
        # tree, and with it the library, stays visible if it is in there.
        inside = lab.ROOT.is_relative_to(me.pw_dir)
        seen = lab.ROOT.relative_to(me.pw_dir) if inside else "."
        (directory / "home" / seen).mkdir(parents=True, exist_ok=True)
        server = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c",
                  'mount --bind "$3" "$1/$4" && mount --rbind "$1" "$2" && shift 4 && exec "$@"',
                  "sh", directory / "home", me.pw_dir,
                  lab.ROOT if inside else directory / "home", seen,
                  dropbear, "-F", "-E", "-s", "-m",
                  "-r", directory / "dropbear_key", "-P", directory / "dropbear.pid",
                  "-p", "2222"]

        def client(family):
            return [ssh, "-F", "none", "-i", directory / "user_key", "-p", "2222",
                    "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "IdentitiesOnly=yes",
                    "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                    f"{me.pw_name}@{self.two.bob.address(family)}",
                    "echo $((6 * 7)) && head -c 100000 /dev/zero | wc -c && cat | wc -c"]
        self.judge(server, 2222, client, "42\n100000\n0\n")

    def test_iperf3(self):
        iperf3, = self.need("iperf3")

        def client(family):
            return [iperf3, "-c", self.two.bob.address(family), "-p", "5201",
                    "--connect-timeout", "1000", "-n", "2M"]
        self.judge([iperf3, "-s", "-p", "5201"], 5201, client, "iperf Done.")

    def test_iperf3_with_datagrams(self):
        iperf3, = self.need("iperf3")
        self.served([iperf3, "-s", "-p", "5201"], 5201, REQUIRE)
        for family in (4, 6):
            done, frames = self.captured(lambda: self.two.alice.run(
                iperf3, "-u", "-c", self.two.bob.address(family), "-p", "5201", "-n", "1M",
                "-b", "50M", "-l", "1000", levels=REQUIRE, timeout=60))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual([f.shape for f in frames if not f.has("ah")], [])
            self.assertGreater(sum(f.has("udp") for f in frames), 1000)


if __name__ == "__main__":
    unittest.main()
