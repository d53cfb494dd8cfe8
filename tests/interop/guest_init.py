#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Process 1 of the User Mode Linux guest (guest.py boots it).

Its root is this machine's, read-only; what is written lies on a tmpfs. Becomes
agent.py, which takes requests from the serial line. Not a shell script, because
mount(8) is set-user-ID, and for an ordinary user's guest that user is not root.
"""

import ctypes
import os
import pathlib
import subprocess
import sys
import traceback
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import agent  # noqa: E402

MODULES = ("ipv6 xfrm_user esp4 esp6 ah4 ah6 authenc authencesn gcm ccm cbc ctr hmac cmac xcbc "
           "seqiv echainiv").split()
POWER_OFF = 0x4321FEDC
LIBC = ctypes.CDLL(None, use_errno=True)


def mount(kind, path):
    if LIBC.mount(b"none", path.encode(), kind.encode(), 0, None) != 0:
        raise OSError(ctypes.get_errno(), f"mount {path}")


def load_modules():
    """Debian keeps the guest's modules outside of /lib/modules. The kernel itself asks
    for modules, too: XFRM's algorithms are loaded when an SA first names them."""
    os.makedirs("/run/kmod/lib")
    os.symlink("/usr/lib/uml/modules", "/run/kmod/lib/modules")
    wrapper = pathlib.Path("/run/modprobe")
    wrapper.write_text('#!/bin/sh\nexec /sbin/modprobe -d /run/kmod "$@"\n', encoding="ascii")
    wrapper.chmod(0o755)
    pathlib.Path("/proc/sys/kernel/modprobe").write_text("/run/modprobe", encoding="ascii")
    subprocess.run(["/sbin/modprobe", "-d", "/run/kmod", "-a", *MODULES], check=True)


def set_up():
    os.environ.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", LANG="C", PYTHONDONTWRITEBYTECODE="1")
    mount("proc", "/proc")
    mount("sysfs", "/sys")
    mount("tmpfs", "/run")
    load_modules()
    # Addresses are used at once, and nobody asks for routers.
    for name, key in (("default", "accept_dad"), ("all", "accept_dad"), ("eth0", "accept_dad"),
                      ("eth0", "router_solicitations")):
        pathlib.Path(f"/proc/sys/net/ipv6/conf/{name}/{key}").write_text("0", encoding="ascii")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def main():
    try:
        set_up()
        line = os.open("/dev/ttyS0", os.O_RDWR)
        tty.setraw(line)
        os.dup2(line, 0)
        os.dup2(line, 1)
        agent.main()  # ends when whoever started the guest is gone
    except BaseException:
        traceback.print_exc()
    LIBC.reboot(POWER_OFF)


if __name__ == "__main__":
    main()
