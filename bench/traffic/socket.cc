// SPDX-License-Identifier: Apache-2.0

#include "bench/traffic/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace postern::bench {

namespace {

void Enlarge(int socket) {
  // FORCE goes beyond net.core.[rw]mem_max, for those who may; the others get
  // what the sysctl allows.
  constexpr int kOctets = 8 << 20;
  for (const auto& [forced, asked] : {std::pair(SO_RCVBUFFORCE, SO_RCVBUF),
                                      std::pair(SO_SNDBUFFORCE, SO_SNDBUF)}) {
    if (::setsockopt(socket, SOL_SOCKET, forced, &kOctets, sizeof kOctets) !=
        0) {
      ::setsockopt(socket, SOL_SOCKET, asked, &kOctets, sizeof kOctets);
    }
  }
}

Descriptor Udp(int family, Buffers buffers) {
  Descriptor socket(
      Must(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
  if (buffers == Buffers::kLargest) {
    Enlarge(socket.number());
  }
  return socket;
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) {
    ::close(number_);
  }
}

int Must(int outcome, const char* what) {
  if (outcome < 0) {
    std::perror(what);
    std::exit(1);
  }
  return outcome;
}

Endpoint ParseEndpoint(const std::string& address, const std::string& port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(address.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    std::fprintf(stderr, "%s %s: %s: write a numeric address and a port\n",
                 address.c_str(), port.c_str(), ::gai_strerror(error));
    std::exit(2);
  }
  Endpoint endpoint;
  std::memcpy(&endpoint.storage, found->ai_addr, found->ai_addrlen);
  endpoint.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return endpoint;
}

Endpoint Endpoint::Further(std::size_t count) const {
  Endpoint further = *this;
  further.storage.sin6_port =
      htons(static_cast<std::uint16_t>(ntohs(storage.sin6_port) + count));
  return further;
}

Descriptor LooseUdp(int family) {
  return Udp(family, Buffers::kUsual);
}

Descriptor BoundUdp(const Endpoint& local) {
  Descriptor socket = Udp(local.family(), Buffers::kLargest);
  Must(::bind(socket.number(), local.get(), local.size), "bind");
  return socket;
}

Descriptor ConnectedUdp(const Endpoint& remote, Buffers buffers) {
  Descriptor socket = Udp(remote.family(), buffers);
  Must(::connect(socket.number(), remote.get(), remote.size), "connect");
  return socket;
}

std::int64_t Now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

double Percentile(std::vector<std::int64_t>& samples, double percent) {
  if (samples.empty()) {
    return 0;
  }
  std::sort(samples.begin(), samples.end());
  const auto last = static_cast<double>(samples.size() - 1);
  const auto at = static_cast<std::size_t>(last * percent / 100 + 0.5);
  return static_cast<double>(samples[at]) / 1000;
}

}  // namespace postern::bench
