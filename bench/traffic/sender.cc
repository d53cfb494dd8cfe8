// SPDX-License-Identifier: Apache-2.0

#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "bench/traffic/datagram.h"
#include "bench/traffic/programs.h"

namespace postern::bench {

namespace {

// Between two trains when the pace allows it. The daemons under test share the
// processors with us: spinning would take from them.
constexpr std::int64_t kNap = 50'000;

class Train {
 public:
  // To `ports` ports from that of `remote` on; a single one is connected to.
  Train(const Endpoint& remote, const Stream& stream)
      : octets_(stream.octets), storage_(stream.octets * kTrain) {
    for (std::size_t i = 0; stream.ports > 1 && i < stream.ports; ++i) {
      remotes_.push_back(remote.Further(i));
    }
    for (std::size_t i = 0; i < kTrain; ++i) {
      parts_[i] = {storage_.data() + i * octets_, octets_};
      headers_[i].msg_hdr.msg_iov = &parts_[i];
      headers_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  // Returns how many the kernel took: at least one, or the program ends.
  std::size_t Leave(int socket, DatagramNumber first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const DatagramNumber number = first + i;
      std::memcpy(storage_.data() + i * octets_, &number, sizeof number);
      if (!remotes_.empty()) {
        Endpoint& remote = remotes_[number % remotes_.size()];
        headers_[i].msg_hdr.msg_name = &remote.storage;
        headers_[i].msg_hdr.msg_namelen = remote.size;
      }
    }
    return static_cast<std::size_t>(Must(
        ::sendmmsg(socket, headers_.data(), static_cast<unsigned>(count), 0),
        "sendmmsg"));
  }

 private:
  std::size_t octets_;
  std::vector<Endpoint> remotes_;
  std::vector<char> storage_;
  std::array<iovec, kTrain> parts_{};
  std::array<mmsghdr, kTrain> headers_{};
};

void Nap(std::int64_t until) {
  const timespec when{until / kSecond, until % kSecond};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, nullptr);
}

// How many may have left by `now`.
DatagramNumber Due(const Stream& stream, std::int64_t passed,
                   DatagramNumber sent) {
  if (stream.per_second == 0) {
    return sent + kTrain;
  }
  return static_cast<DatagramNumber>(static_cast<double>(passed) / 1e9 *
                                     static_cast<double>(stream.per_second));
}

Descriptor Open(const Endpoint& remote, const Stream& stream) {
  return stream.ports > 1
             ? LooseUdp(remote.family())
             : ConnectedUdp(remote, stream.per_flow == 0 ? Buffers::kLargest
                                                         : Buffers::kUsual);
}

}  // namespace

int Send(const Endpoint& remote, const Stream& stream) {
  ::prctl(PR_SET_TIMERSLACK, 1);
  Train train(remote, stream);
  std::optional<Descriptor> socket;
  DatagramNumber sent = 0;
  DatagramNumber left = 0;  // for this socket
  const std::int64_t start = Now();
  const auto bound = static_cast<std::int64_t>(stream.seconds * 1e9);
  std::int64_t passed = 0;
  for (; passed < bound; passed = Now() - start) {
    const DatagramNumber due = Due(stream, passed, sent);
    if (due <= sent) {
      Nap(start + passed + kNap);
      continue;
    }
    if (!socket || left == 0) {
      socket.emplace(Open(remote, stream));
      left = stream.per_flow == 0 ? ~DatagramNumber{0}
                                  : stream.per_flow * stream.ports;
    }
    const std::size_t taken =
        train.Leave(socket->number(), sent,
                    std::min({due - sent, left, DatagramNumber{kTrain}}));
    sent += taken;
    left -= taken;
  }
  std::printf("{\"sent\": %llu, \"seconds\": %.6f}\n",
              static_cast<unsigned long long>(sent),
              static_cast<double>(passed) / 1e9);
  return 0;
}

}  // namespace postern::bench
