// SPDX-License-Identifier: Apache-2.0
//
// As much of DPDK as librte_bench.cc needs: mbufs with packets in them, and SAs
// of librte_ipsec that the packets cross. DPDK's own headers stay in dpdk.cc.
//
// Thread safety: one thread only. Whatever DPDK refuses ends the program.

#ifndef POSTERN_BENCH_LIBRTE_DPDK_H_
#define POSTERN_BENCH_LIBRTE_DPDK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

struct rte_crypto_op;
struct rte_ipsec_session;
struct rte_mbuf;
struct rte_mempool;

namespace postern::bench {

inline constexpr std::uint16_t kBurst = 32;
inline constexpr std::size_t kIpHeader = 20;
inline constexpr std::size_t kIcv = 16;
inline constexpr std::array<std::uint8_t, 4> kSalt{1, 2, 3, 4};
inline constexpr std::array<std::uint8_t, 16> kKey{
    11, 48, 85, 122, 159, 196, 233, 14, 51, 88, 125, 162, 199, 236, 17, 54};

using Mbufs = std::array<rte_mbuf*, kBurst>;

// Ends the program with the sentence `otherwise` unless `value` is true.
void Must(bool value, const char* otherwise);

// DPDK's environment on the core that calls, without huge pages and without a
// NIC, and its software device for AES-GCM.
struct Dpdk {
  Dpdk();

  std::uint8_t device = 0;
  rte_mempool* mbufs = nullptr;
  rte_mempool* sessions = nullptr;
  std::array<rte_crypto_op*, kBurst> operations{};
};

// The packets of UdpSource: IPv4 with a UDP header, each in a buffer of the
// pool. Only the headers are written.
class Packets {
 public:
  // `payload` counts the octets behind the IP header.
  Packets(const Dpdk& dpdk, std::size_t payload);

  void Take(Mbufs& mbufs) const;
  static void Return(Mbufs& mbufs);

  std::size_t size() const { return size_; }

 private:
  rte_mempool* pool_;
  std::uint16_t size_;
  std::array<std::uint8_t, 28> headers_{};
};

// How the device is called: at once, or through its queue.
enum class Way : std::uint8_t { kCpu, kLookaside };
enum class Side : std::uint8_t { kOut, kIn };

// An SA, ESP in transport mode with AES-128-GCM, and its session at the device.
// The inbound one has a replay window of 64, which is Postern's default.
class Sa {
 public:
  Sa(Dpdk& dpdk, Way way, Side side);
  ~Sa();
  Sa(const Sa&) = delete;
  Sa& operator=(const Sa&) = delete;

  // How many packets were transformed; these come first in `mbufs` then.
  unsigned Cross(Mbufs& mbufs);

 private:
  unsigned CrossQueue(Mbufs& mbufs);

  Dpdk& dpdk_;
  Way way_;
  std::unique_ptr<rte_ipsec_session> session_;
};

}  // namespace postern::bench

#endif  // POSTERN_BENCH_LIBRTE_DPDK_H_
