// SPDX-License-Identifier: Apache-2.0
//
//     postern_null_forwarder NETNS NETNS NAME [plain]
//
// A TUN device NAME in each of two network namespaces (files as in
// /proc/PID/ns/net), and every packet copied from one to the other: a tunnel
// without crypto, policy or wire, which is what two copies and four crossings of
// the kernel's stack leave at best. With every offload that the kernel grants,
// so that super-packets of 64 KiB cross in one piece; "plain" does without.
//
// Says "ready" once the devices are there; addresses and routes are the caller's.

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

enum class Offload { kNone, kGranted };

// struct virtio_net_hdr, whose header no C++ compiler reads.
constexpr std::size_t kVnetHeader = 10;
// Since Linux 6.2; the headers of Debian 12 lack them.
constexpr unsigned kUso4 = 0x20;
constexpr unsigned kUso6 = 0x40;

int Must(int outcome, const char* what) {
  if (outcome < 0) {
    std::perror(what);
    std::exit(1);
  }
  return outcome;
}

int OpenTun(const std::string& space, const std::string& name,
            Offload offload) {
  const int there =
      Must(::open(space.c_str(), O_RDONLY | O_CLOEXEC), space.c_str());
  Must(::setns(there, CLONE_NEWNET), "setns");
  ::close(there);
  const int tun =
      Must(::open("/dev/net/tun", O_RDWR | O_CLOEXEC), "/dev/net/tun");
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (offload == Offload::kGranted) {
    request.ifr_flags |= IFF_VNET_HDR;
  }
  Must(::ioctl(tun, TUNSETIFF, &request), "TUNSETIFF");
  if (offload == Offload::kGranted) {
    const unsigned tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    if (::ioctl(tun, TUNSETOFFLOAD, tcp | kUso4 | kUso6) != 0) {
      Must(::ioctl(tun, TUNSETOFFLOAD, tcp), "TUNSETOFFLOAD");
    }
  }
  return tun;
}

void Carry(int from, int to) {
  std::vector<char> buffer(kVnetHeader + 65536);
  for (;;) {
    const ssize_t size = ::read(from, buffer.data(), buffer.size());
    if (size < 0 && errno != EINTR) {
      return;
    }
    // What the device does not take, for example while it is down, is lost.
    if (size > 0 &&
        ::write(to, buffer.data(), static_cast<std::size_t>(size)) < 0 &&
        errno == EBADFD) {
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) {
    std::fputs("postern_null_forwarder NETNS NETNS NAME [plain]\n", stderr);
    return 2;
  }
  const Offload offload = words.size() > 3 && words[3] == "plain"
                              ? Offload::kNone
                              : Offload::kGranted;
  const int left = OpenTun(words[0], words[2], offload);
  const int right = OpenTun(words[1], words[2], offload);
  std::puts("ready");
  std::fflush(stdout);
  std::thread back([=] { Carry(right, left); });
  Carry(left, right);
  back.join();
  return 0;
}
