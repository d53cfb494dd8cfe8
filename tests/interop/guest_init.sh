#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Process 1 of the User Mode Linux guest (guest.py boots it). Its root is this
# machine's, read-only; what is written lies on a tmpfs. Ends in agent.py, which
# takes requests from the serial line.
#
# From the kernel's command line: interop_agent, the agent's path.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/ LANG=C PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs /run

# Debian keeps the guest's modules outside of /lib/modules. The kernel itself asks
# for modules, too: XFRM's algorithms are loaded when an SA first names them.
mkdir -p /run/kmod/lib
ln -s /usr/lib/uml/modules /run/kmod/lib/modules
printf '#!/bin/sh\nexec /sbin/modprobe -d /run/kmod "$@"\n' > /run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
modprobe -d /run/kmod -a ipv6 xfrm_user esp4 esp6 ah4 ah6 \
  authenc authencesn gcm ccm cbc ctr hmac cmac xcbc seqiv echainiv

# Addresses are used at once, and nobody asks for routers.
echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad
echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad
echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad
echo 0 > /proc/sys/net/ipv6/conf/eth0/router_solicitations
ip link set lo up

stty -F /dev/ttyS0 raw -echo
/usr/bin/python3 "$interop_agent" </dev/ttyS0 >/dev/ttyS0
# Only when the agent has ended: whoever started the guest is gone, or is ending it.
echo o > /proc/sysrq-trigger
sleep 60
