// SPDX-License-Identifier: Apache-2.0
//
// What DPDK's librte_ipsec costs in memory, beside bench/pipeline_bench.cc:
// bursts of 32 IPv4 packets from a pool through one SA, ESP in transport mode
// with AES-128-GCM, ciphered by DPDK's aesni_gcm device, which calls ipsec-mb.
// Sealed ("out"), or sealed and opened by the opposite SA ("out_in"); and
// "fill", which takes the mbufs, writes headers and gives the mbufs back and is
// in all the others. The device is called in two ways: "cpu", at once
// (RTE_SECURITY_ACTION_TYPE_CPU_CRYPTO), and "lookaside", through its queue.
//
// DPDK's figures leave out what an application does around librte_ipsec and
// Postern's pipelines do themselves: there is no policy, no SA is looked up, no
// lifetime is counted, and the IPv4 header's checksum is not mended.
//
// Before anything is timed, bare ipsec-mb opens what was sealed, and packets
// that are spoilt or come twice must be refused; ReplaysTaken() says what DPDK
// 22.11 lets through.
//
// Usage: librte_bench. Prints JSON: nanoseconds of CPU time for a packet, the
// median of kPasses. scripts/bench-librte builds and runs it.

#include <intel-ipsec-mb.h>
#include <netinet/in.h>
#include <rte_mbuf.h>
#include <rte_version.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <list>
#include <string>
#include <vector>

#include "bench/librte/dpdk.h"

namespace postern::bench {

namespace {

constexpr int kPasses = 15;
constexpr std::array<std::size_t, 2> kPayloads{64, 1408};
constexpr std::size_t kEspHeader = 16;  // with the IV

// Both ends of what librte_ipsec does in one way.
struct Pair {
  Pair(Dpdk& dpdk, Way way, const char* its_name)
      : name(its_name), out(dpdk, way, Side::kOut), in(dpdk, way, Side::kIn) {}

  std::string name;
  Sa out;
  Sa in;
};

std::uint8_t* DataOf(rte_mbuf* mbuf) {
  return rte_pktmbuf_mtod(mbuf, std::uint8_t*);
}

void Send(Pair& pair, Mbufs& mbufs) {
  Must(pair.out.Cross(mbufs) == kBurst, "packets are lost on their way out");
}

void Receive(Pair& pair, Mbufs& mbufs) {
  Must(pair.in.Cross(mbufs) == kBurst, "packets are lost on their way in");
}

// Bare ipsec-mb, which opens what DPDK sealed.
class Oracle {
 public:
  Oracle() {
    init_mb_mgr_auto(mb_, nullptr);
    IMB_AES128_GCM_PRE(mb_, kKey.data(), &key_);
  }

  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  ~Oracle() { free_mb_mgr(mb_); }

  // Whether `sealed` is ESP around the payload of `clear`.
  bool Opens(rte_mbuf* sealed, const std::vector<std::uint8_t>& clear) {
    const std::size_t payload = clear.size() - kIpHeader;
    const std::size_t padded = (payload + 2 + 3) / 4 * 4;
    const std::uint8_t* const esp = DataOf(sealed) + kIpHeader;
    if (sealed->pkt_len != kIpHeader + kEspHeader + padded + kIcv ||
        DataOf(sealed)[9] != IPPROTO_ESP) {
      return false;
    }
    std::array<std::uint8_t, 12> iv{};
    std::copy_n(esp + 8, 8, std::copy(kSalt.begin(), kSalt.end(), iv.begin()));
    std::vector<std::uint8_t> plain(padded);
    std::array<std::uint8_t, kIcv> icv{};
    IMB_AES128_GCM_DEC(mb_, &key_, &scratch_, plain.data(), esp + kEspHeader,
                       padded, iv.data(), esp, 8, icv.data(), kIcv);
    return std::equal(icv.begin(), icv.end(), esp + kEspHeader + padded) &&
           std::equal(clear.begin() + kIpHeader, clear.end(), plain.begin()) &&
           plain.back() == IPPROTO_UDP;
  }

 private:
  IMB_MGR* mb_ = alloc_mb_mgr(0);
  alignas(64) gcm_key_data key_;
  alignas(64) gcm_context_data scratch_;
};

// Others can open what is sealed; what comes in is what went out.
void CheckPayloads(Pair& pair, const Packets& packets) {
  Oracle oracle;
  Mbufs mbufs;
  packets.Take(mbufs);
  std::vector<std::vector<std::uint8_t>> clear;
  for (rte_mbuf* const mbuf : mbufs) {
    std::generate(DataOf(mbuf) + 28, DataOf(mbuf) + packets.size(), std::rand);
    clear.emplace_back(DataOf(mbuf), DataOf(mbuf) + packets.size());
  }
  Send(pair, mbufs);
  for (std::size_t i = 0; i < kBurst; ++i) {
    Must(oracle.Opens(mbufs[i], clear[i]), "ipsec-mb cannot open a packet");
  }
  Receive(pair, mbufs);
  for (std::size_t i = 0; i < kBurst; ++i) {
    Must(mbufs[i]->pkt_len == packets.size() &&
             std::equal(clear[i].begin(), clear[i].end(), DataOf(mbufs[i])),
         "another packet comes in than went out");
  }
  Packets::Return(mbufs);
}

void CheckSpoilt(Pair& pair, const Packets& packets) {
  Mbufs mbufs;
  packets.Take(mbufs);
  Send(pair, mbufs);
  for (rte_mbuf* const mbuf : mbufs) {
    DataOf(mbuf)[kIpHeader + kEspHeader] ^= 1;
  }
  Must(pair.in.Cross(mbufs) == 0, "spoilt packets come in");
  Packets::Return(mbufs);
}

// How many of a burst come in a second time. 22.11's esn_inb_update_sqn() keeps
// 1 << (number & 63) in 32 bits, so that its window forgets the numbers whose
// low 6 bits are 32 or more: those may come in again, and no others.
unsigned ReplaysTaken(Pair& pair, const Packets& packets) {
  Mbufs mbufs;
  Mbufs again;
  packets.Take(mbufs);
  packets.Take(again);
  Send(pair, mbufs);
  unsigned forgotten = 0;
  for (std::size_t i = 0; i < kBurst; ++i) {
    const std::uint32_t size = mbufs[i]->pkt_len;
    again[i]->pkt_len = size;
    again[i]->data_len = static_cast<std::uint16_t>(size);
    std::memcpy(DataOf(again[i]), DataOf(mbufs[i]), size);
    forgotten += (DataOf(again[i])[kIpHeader + 7] & 63) >= 32 ? 1 : 0;
  }
  Receive(pair, mbufs);
  const unsigned taken = pair.in.Cross(again);
  Must(taken == forgotten || taken == 0, "replayed packets come in");
  Packets::Return(mbufs);
  Packets::Return(again);
  return taken;
}

// One row: its name is <operation>/<payload>.
struct Row {
  enum class What : std::uint8_t { kFill, kOut, kOutIn };

  std::string name;
  What what;
  Packets packets;
  Pair* pair;
  std::vector<double> passes = {};
};

void Run(const Row& row, int bursts) {
  for (int i = 0; i < bursts; ++i) {
    Mbufs mbufs;
    row.packets.Take(mbufs);
    if (row.what != Row::What::kFill) {
      Send(*row.pair, mbufs);
    }
    if (row.what == Row::What::kOutIn) {
      Receive(*row.pair, mbufs);
    }
    Packets::Return(mbufs);
  }
}

double CpuNow() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 +
         static_cast<double>(now.tv_nsec);
}

void Time(Row& row) {
  constexpr int kWarm = 50;
  constexpr int kBursts = 1000;
  Run(row, kWarm);
  const double before = CpuNow();
  Run(row, kBursts);
  row.passes.push_back((CpuNow() - before) / kBursts / kBurst);
}

double MedianOf(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<Row> RowsOf(const Dpdk& dpdk, std::list<Pair>& pairs) {
  std::vector<Row> rows;
  for (const std::size_t payload : kPayloads) {
    const Packets packets(dpdk, payload);
    const std::string size = "/" + std::to_string(payload);
    rows.push_back({"fill" + size, Row::What::kFill, packets, nullptr});
    for (Pair& pair : pairs) {
      const std::string rest = "_" + pair.name + size;
      rows.push_back({"out" + rest, Row::What::kOut, packets, &pair});
      rows.push_back({"out_in" + rest, Row::What::kOutIn, packets, &pair});
    }
  }
  return rows;
}

int Main() {
  Dpdk dpdk;
  std::list<Pair> pairs;
  pairs.emplace_back(dpdk, Way::kCpu, "cpu");
  pairs.emplace_back(dpdk, Way::kLookaside, "lookaside");
  unsigned taken = 0;
  unsigned replayed = 0;
  for (Pair& pair : pairs) {
    for (const std::size_t payload : kPayloads) {
      const Packets packets(dpdk, payload);
      CheckPayloads(pair, packets);
      CheckSpoilt(pair, packets);
      taken += ReplaysTaken(pair, packets);
      replayed += kBurst;
    }
  }
  std::vector<Row> rows = RowsOf(dpdk, pairs);
  // In turn, so that what changes on the machine meets all rows alike.
  for (int pass = 0; pass < kPasses; ++pass) {
    for (Row& row : rows) {
      Time(row);
    }
  }
  std::printf("{\"version\": \"%s\", \"replayed\": %u, \"taken\": %u",
              rte_version(), replayed, taken);
  for (const Row& row : rows) {
    std::printf(", \"%s\": %.2f", row.name.c_str(), MedianOf(row.passes));
  }
  std::puts("}");
  return 0;
}

}  // namespace

}  // namespace postern::bench

int main() {
  return postern::bench::Main();
}
