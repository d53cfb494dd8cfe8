# SPDX-License-Identifier: Apache-2.0
"""The peer: Linux's own IPsec, in a User Mode Linux guest.

      this process ── serial line, JSON ── agent.py    guest: one process tree here,
      tap ───────────────────────────────── eth0       a kernel of its own

Debian's user-mode-linux is Linux built as a program: it needs no root and no KVM.
The guest ends with this process, whatever becomes of it: its processes are in a
pid namespace whose first one dies with us.
"""

import os
import pathlib
import select
import shutil
import subprocess
import threading
import time

import channel

HERE = pathlib.Path(__file__).resolve().parent
MAC = "02:00:0a:09:02:01"
# User Mode Linux misses a signal now and then when the machine is busy: the last
# packet of a row stays in the tap until something else happens. So something does.
NUDGE_SECONDS = 0.05


def missing():
    """What this machine lacks to boot a guest; "" if nothing."""
    needed = {"linux.uml": "user-mode-linux", "modprobe": "kmod"}
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return ", ".join(package for program, package in needed.items()
                     if not shutil.which(program, path=path))


class Guest:
    """A booted guest whose eth0 is the tap of the namespace that we are in."""

    def __init__(self, directory, tap):
        self.console, self.ended = directory / "guest-console", threading.Event()
        with open(self.console, "wb") as console:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL",
                 "unshare", "--pid", "--fork", "--kill-child", "--",
                 "linux.uml", "mem=192M", "rootfstype=hostfs", "rootflags=/", "ro",
                 f"init={HERE}/guest_init.py",
                 "con=null", "con0=null,fd:2", "ssl0=fd:0,fd:1", "quiet", "panic=1",
                 f"uml_dir={directory}", "umid=guest", f"eth0=tuntap,{tap},{MAC}"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=console,
                env=dict(os.environ, TMPDIR=str(directory)))
        self.channel = channel.Channel(
            self.process, "the guest", lambda: self.console.read_text(errors="replace")[-2000:])
        try:
            self.channel.expect_ready(60)
        except BaseException:
            self.stop()
            raise
        threading.Thread(target=self._nudge, daemon=True).start()

    def _nudge(self):
        while not self.ended.wait(NUDGE_SECONDS) and self.channel.nudge():
            pass

    def stop(self):
        """Ends the guest and waits until nothing of it runs."""
        self.ended.set()
        self.process.kill()
        with self.channel.writing:
            self.process.stdin.close()
        self.process.wait()
        end = time.monotonic() + 10
        # Its processes hold the pipe's other end.
        while select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]:
            if not os.read(self.process.stdout.fileno(), 65536):
                break
        self.process.stdout.close()

    def ip(self, *lines):
        """`ip` with these lines; what it said against the first that it refused."""
        return self.channel.ask("ip", batch="".join(line + "\n" for line in lines))["said"].strip()
