// SPDX-License-Identifier: Apache-2.0

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bench/traffic/datagram.h"
#include "bench/traffic/programs.h"

namespace postern::bench {

namespace {

constexpr int kQuietMilliseconds = 100;

class Counter {
 public:
  explicit Counter(int socket) : socket_(socket) {
    for (std::size_t i = 0; i < kTrain; ++i) {
      parts_[i] = {storage_.data() + i * kLargestDatagram, kLargestDatagram};
      headers_[i].msg_hdr.msg_iov = &parts_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // Everything that waits in the socket.
  void Drain() {
    for (;;) {
      const int count =
          ::recvmmsg(socket_, headers_.data(), kTrain, MSG_DONTWAIT, nullptr);
      if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
          Must(count, "recvmmsg");
        }
        return;
      }
      const std::int64_t now = Now();
      first_ = received_ == 0 ? now : first_;
      last_ = now;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        Note(storage_.data() + i * kLargestDatagram, headers_[i].msg_len);
      }
    }
  }

  void Begin() {
    received_ = reordered_ = next_ = 0;
    std::puts("begun");
    std::fflush(stdout);
  }

  void Report() const {
    std::printf(
        "{\"received\": %llu, \"reordered\": %llu, \"seconds\": %.6f}\n",
        static_cast<unsigned long long>(received_),
        static_cast<unsigned long long>(reordered_),
        received_ == 0 ? 0 : static_cast<double>(last_ - first_) / 1e9);
    std::fflush(stdout);
  }

 private:
  void Note(const char* octets, unsigned size) {
    if (size < kLeastDatagram) {
      return;
    }
    DatagramNumber number = 0;
    std::memcpy(&number, octets, sizeof number);
    ++received_;
    reordered_ += number < next_ ? 1 : 0;
    next_ = std::max(next_, number + 1);
  }

  int socket_;
  std::vector<char> storage_ = std::vector<char>(kTrain * kLargestDatagram);
  std::array<iovec, kTrain> parts_{};
  std::array<mmsghdr, kTrain> headers_{};
  DatagramNumber received_ = 0;
  DatagramNumber reordered_ = 0;
  DatagramNumber next_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace

int Sink(const Endpoint& local) {
  const Descriptor socket = BoundUdp(local);
  Counter counter(socket.number());
  std::puts("ready");
  std::fflush(stdout);
  bool wanted = false;  // a report, once it is quiet
  std::array<pollfd, 2> waits{
      {{socket.number(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
  for (;;) {
    const int ready =
        ::poll(waits.data(), waits.size(), wanted ? kQuietMilliseconds : -1);
    if (ready == 0) {
      counter.Report();
      wanted = false;
      continue;
    }
    counter.Drain();
    if (waits[1].revents == 0) {
      continue;
    }
    std::array<char, 64> line{};
    const ssize_t size = ::read(STDIN_FILENO, line.data(), line.size());
    if (size <= 0) {
      return 0;
    }
    const std::string_view word(line.data(), static_cast<std::size_t>(size));
    if (word == "begin\n") {
      counter.Begin();
    } else if (word == "report\n") {
      wanted = true;
    }
  }
}

}  // namespace postern::bench
