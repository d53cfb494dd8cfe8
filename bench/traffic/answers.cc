// SPDX-License-Identifier: Apache-2.0

#include <poll.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "bench/traffic/datagram.h"
#include "bench/traffic/programs.h"

namespace postern::bench {

namespace {

constexpr int kPatienceMilliseconds = 200;

enum class Answer : std::uint8_t { kCame, kNone };

// Late answers to earlier questions are passed over.
Answer Await(int socket, DatagramNumber wanted, std::vector<char>& buffer) {
  pollfd wait{socket, POLLIN, 0};
  while (::poll(&wait, 1, kPatienceMilliseconds) > 0) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    DatagramNumber number = 0;
    if (size >= static_cast<ssize_t>(sizeof number)) {
      std::memcpy(&number, buffer.data(), sizeof number);
      if (number == wanted) {
        return Answer::kCame;
      }
    }
  }
  return Answer::kNone;
}

}  // namespace

int Echo(const Endpoint& local) {
  const Descriptor socket = BoundUdp(local);
  std::puts("ready");
  std::fflush(stdout);
  std::vector<char> buffer(kLargestDatagram);
  for (;;) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    auto* const from = reinterpret_cast<sockaddr*>(&peer);
    const ssize_t size = ::recvfrom(socket.number(), buffer.data(),
                                    buffer.size(), 0, from, &length);
    if (size > 0) {
      ::sendto(socket.number(), buffer.data(), static_cast<std::size_t>(size),
               0, from, length);
    }
  }
}

int Ask(const Endpoint& remote, std::size_t octets, std::size_t count) {
  const Descriptor socket = ConnectedUdp(remote, Buffers::kLargest);
  std::vector<char> question(octets);
  std::vector<char> buffer(kLargestDatagram);
  std::vector<std::int64_t> times;
  times.reserve(count);
  std::size_t lost = 0;
  for (DatagramNumber number = 0; number < count; ++number) {
    std::memcpy(question.data(), &number, sizeof number);
    const std::int64_t start = Now();
    const ssize_t size =
        ::send(socket.number(), question.data(), question.size(), 0);
    if (size > 0 && Await(socket.number(), number, buffer) == Answer::kCame) {
      times.push_back(Now() - start);
    } else if (++lost > 10 && times.empty()) {
      std::fprintf(stderr, "ask: nobody answers\n");
      return 1;
    }
  }
  const double median = Percentile(times, 50);
  std::printf("{\"p50_us\": %.1f, \"p99_us\": %.1f, \"lost\": %zu}\n", median,
              Percentile(times, 99), lost);
  return 0;
}

}  // namespace postern::bench
