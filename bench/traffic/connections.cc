// SPDX-License-Identifier: Apache-2.0

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "bench/traffic/programs.h"

namespace postern::bench {

namespace {

constexpr int kBacklog = 4096;

// One that leaves no TIME_WAIT behind: a second of them would use up the ports.
Descriptor Tcp(int family) {
  Descriptor socket(
      Must(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
           "socket"));
  const linger reset{1, 0};
  ::setsockopt(socket.number(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return socket;
}

class Opener {
 public:
  Opener(const Endpoint& remote, std::size_t outstanding)
      : remote_(remote), epoll_(Must(::epoll_create1(0), "epoll_create1")) {
    for (std::size_t i = 0; i < outstanding; ++i) {
      places_.push_back({Descriptor(-1), 0});
    }
  }

  void Run(double seconds) {
    const std::int64_t start = Now();
    const auto bound = static_cast<std::int64_t>(seconds * 1e9);
    for (std::size_t i = 0; i < places_.size(); ++i) {
      Begin(i);
    }
    std::array<epoll_event, 64> events;
    while (Now() - start < bound) {
      const int count = ::epoll_wait(epoll_.number(), events.data(),
                                     static_cast<int>(events.size()), 20);
      for (int i = 0; i < count; ++i) {
        End(events[static_cast<std::size_t>(i)].data.u64);
      }
    }
    const double passed = static_cast<double>(Now() - start) / 1e9;
    const std::size_t made = times_.size();
    const double median = Percentile(times_, 50);
    std::printf(
        "{\"connections\": %zu, \"refused\": %zu, \"seconds\": %.6f, "
        "\"p50_us\": %.1f, \"p99_us\": %.1f}\n",
        made, refused_, passed, median, Percentile(times_, 99));
  }

 private:
  struct Place {
    Descriptor socket;
    std::int64_t begun;
  };

  void Begin(std::size_t at) {
    Descriptor socket = Tcp(remote_.family());
    epoll_event event{};
    event.events = EPOLLOUT;
    event.data.u64 = at;
    const int number = socket.number();
    places_[at] = {std::move(socket), Now()};
    if (::connect(number, remote_.get(), remote_.size) != 0 &&
        errno != EINPROGRESS) {
      Must(-1, "connect");
    }
    Must(::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, number, &event),
         "epoll_ctl");
  }

  // Closing takes the socket out of the epoll set as well.
  void End(std::size_t at) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(places_[at].socket.number(), SOL_SOCKET, SO_ERROR, &error,
                 &size);
    if (error == 0) {
      times_.push_back(Now() - places_[at].begun);
    } else {
      ++refused_;
    }
    places_[at].socket = Descriptor(-1);
    Begin(at);
  }

  Endpoint remote_;
  Descriptor epoll_;
  std::vector<Place> places_;
  std::vector<std::int64_t> times_;
  std::size_t refused_ = 0;
};

}  // namespace

int Accept(const Endpoint& local) {
  const Descriptor listener(
      Must(::socket(local.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  Must(::bind(listener.number(), local.get(), local.size), "bind");
  Must(::listen(listener.number(), kBacklog), "listen");
  std::puts("ready");
  std::fflush(stdout);
  for (;;) {
    // Whoever was reset while it waited is no matter of ours.
    const Descriptor child(
        ::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC));
  }
}

int Connect(const Endpoint& remote, double seconds, std::size_t outstanding) {
  Opener(remote, outstanding).Run(seconds);
  return 0;
}

}  // namespace postern::bench
