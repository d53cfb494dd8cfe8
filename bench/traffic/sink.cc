// SPDX-License-Identifier: Apache-2.0

#include <sys/epoll.h>
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
  Counter() {
    for (std::size_t i = 0; i < kTrain; ++i) {
      parts_[i] = {storage_.data() + i * kLargestDatagram, kLargestDatagram};
      headers_[i].msg_hdr.msg_iov = &parts_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // Everything that waits in a socket.
  void Drain(int socket) {
    for (;;) {
      const int count =
          ::recvmmsg(socket, headers_.data(), kTrain, MSG_DONTWAIT, nullptr);
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

  std::vector<char> storage_ = std::vector<char>(kTrain * kLargestDatagram);
  std::array<iovec, kTrain> parts_{};
  std::array<mmsghdr, kTrain> headers_{};
  DatagramNumber received_ = 0;
  DatagramNumber reordered_ = 0;
  DatagramNumber next_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
};

// Every socket of the sink, and standard input behind them.
class Sockets {
 public:
  Sockets(const Endpoint& local, std::size_t ports)
      : epoll_(Must(::epoll_create1(0), "epoll_create1")) {
    for (std::size_t i = 0; i < ports; ++i) {
      sockets_.push_back(BoundUdp(local.Further(i)));
      Watch(sockets_.back().number());
    }
    Watch(STDIN_FILENO);
  }

  // Drains what is ready; says if standard input is. Nothing at all in so many
  // milliseconds (-1: ever) is kQuiet.
  enum class Event : std::uint8_t { kDatagrams, kWord, kQuiet };

  Event Wait(Counter& counter, int milliseconds) {
    std::array<epoll_event, 64> events;
    const int count =
        ::epoll_wait(epoll_.number(), events.data(),
                     static_cast<int>(events.size()), milliseconds);
    Event event = count == 0 ? Event::kQuiet : Event::kDatagrams;
    for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count);
         ++i) {
      if (events[i].data.fd == STDIN_FILENO) {
        event = Event::kWord;
      } else {
        counter.Drain(events[i].data.fd);
      }
    }
    return event;
  }

 private:
  void Watch(int number) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = number;
    Must(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, number, &event),
         "epoll_ctl");
  }

  Descriptor epoll_;
  std::vector<Descriptor> sockets_;
};

}  // namespace

int Sink(const Endpoint& local, std::size_t ports) {
  Sockets sockets(local, ports);
  Counter counter;
  std::puts("ready");
  std::fflush(stdout);
  bool wanted = false;  // a report, once it is quiet
  for (;;) {
    const Sockets::Event event =
        sockets.Wait(counter, wanted ? kQuietMilliseconds : -1);
    if (event == Sockets::Event::kQuiet) {
      counter.Report();
      wanted = false;
    }
    if (event != Sockets::Event::kWord) {
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
