// SPDX-License-Identifier: Apache-2.0
//
// The UDP ports of this host at which inbound SAs expect ESP (RFC 3948); of each
// how many SAs do.
//
// Thread safety: Has() and empty() are Thread-safe; Add() and Remove() are Control-confined.
// Cost: Has() is one load of 8 KiB that are nearly always the same line.

#ifndef POSTERN_SADB_UDP_PORT_SET_H_
#define POSTERN_SADB_UDP_PORT_SET_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>

namespace postern {

class UdpPortSet {
 public:
  bool Has(std::uint16_t port) const {
    return (words_[port / kBits].load(std::memory_order_acquire) &
            BitOf(port)) != 0;
  }

  bool empty() const { return ports_.load(std::memory_order_acquire) == 0; }

  void Add(std::uint16_t port) {
    if (++times_[port] == 1) {
      ports_.fetch_add(1, std::memory_order_release);
      words_[port / kBits].fetch_or(BitOf(port), std::memory_order_release);
    }
  }

  // REQUIRES: as many Add()s as Remove()s.
  void Remove(std::uint16_t port) {
    const auto found = times_.find(port);
    if (--found->second == 0) {
      times_.erase(found);
      ports_.fetch_sub(1, std::memory_order_release);
      words_[port / kBits].fetch_and(~BitOf(port), std::memory_order_release);
    }
  }

 private:
  static constexpr std::size_t kBits = 64;

  static constexpr std::uint64_t BitOf(std::uint16_t port) {
    return std::uint64_t{1} << port % kBits;
  }

  std::array<std::atomic<std::uint64_t>, 65536 / kBits> words_{};
  std::atomic<std::size_t> ports_{0};
  std::map<std::uint16_t, std::size_t> times_;
};

}  // namespace postern

#endif  // POSTERN_SADB_UDP_PORT_SET_H_
