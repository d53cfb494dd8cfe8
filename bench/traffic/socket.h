// SPDX-License-Identifier: Apache-2.0
//
// Sockets of the traffic programs, and the clock they measure with. Whatever
// the kernel refuses ends the program with a sentence.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_BENCH_TRAFFIC_SOCKET_H_
#define POSTERN_BENCH_TRAFFIC_SOCKET_H_

#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace postern::bench {

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}

  Descriptor(Descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}

  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  ~Descriptor();

  int number() const { return number_; }

 private:
  int number_;
};

// Ends the program when `outcome` is negative; returns it otherwise.
int Must(int outcome, const char* what);

// An IPv4 or IPv6 address and a port, as the kernel wants it.
struct Endpoint {
  sockaddr_in6 storage{};
  socklen_t size = 0;

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }

  int family() const { return get()->sa_family; }

  // The same address, `count` ports further. Both families have it here.
  Endpoint Further(std::size_t count) const;
};

Endpoint ParseEndpoint(const std::string& address, const std::string& port);

// A flow of one datagram needs no large buffers, and each costs a system call.
enum class Buffers : std::uint8_t { kUsual, kLargest };

// With buffers as large as the kernel allows.
Descriptor BoundUdp(const Endpoint& local);
Descriptor ConnectedUdp(const Endpoint& remote, Buffers buffers);
// Neither bound nor connected: the kernel binds it with its first datagram.
Descriptor LooseUdp(int family);

// Nanoseconds of CLOCK_MONOTONIC.
std::int64_t Now();
constexpr std::int64_t kSecond = 1'000'000'000;

// Microseconds below which `percent` of the samples (nanoseconds) are; 0
// without samples. Sorts them.
double Percentile(std::vector<std::int64_t>& samples, double percent);

}  // namespace postern::bench

#endif  // POSTERN_BENCH_TRAFFIC_SOCKET_H_
