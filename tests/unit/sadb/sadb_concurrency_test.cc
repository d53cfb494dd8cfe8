// SPDX-License-Identifier: Apache-2.0
//
// Workers look up and use SAs while the control thread adds, updates, ages and
// deletes them. ThreadSanitizer and AddressSanitizer judge most of it; the
// assertions show that the workers really met live and deleted SAs.

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "core/rcu.h"
#include "sadb/sadb.h"
#include "tests/support/auth_proof_test_peer.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

constexpr std::uint32_t kFirst = 0x1000;
constexpr std::uint32_t kSpis = 64;

const Sadb::OutboundKey kKey{IpsecProtocol::kEsp, IpsecMode::kTransport,
                             Address("10.9.0.1"), Address("10.9.0.2")};
const FlowKey kFlow{.local = Address("10.9.0.1"),
                    .remote = Address("10.9.0.2"),
                    .local_port = 4711,
                    .remote_port = 80,
                    .protocol = 6};

struct Tally {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> missing{0};
};

void SendOne(const Sadb& sadb, WorkerIndex worker, Tally& tally) {
  SecurityAssociation* const sa = sadb.FindOutbound(kKey, kFlow);
  if (sa == nullptr || !sa->NextNumber(100, kStart).ok()) {
    ++tally.missing;
    return;
  }
  tally.sent += sa->sealer(worker) != nullptr ? 1U : 0U;
}

void ReceiveOne(const Sadb& sadb, std::uint32_t spi, Tally& tally) {
  SecurityAssociation* const sa =
      sadb.FindInbound(Spi{spi}, Address("10.9.0.2"), IpsecProtocol::kAh);
  if (sa == nullptr) {
    ++tally.missing;
    return;
  }
  const auto seq = static_cast<std::uint32_t>(sa->sequence()) + 1;
  Opinion<ReplayTicket> ticket = sa->Check(seq, kStart);
  if (!ticket.ok()) {
    return;
  }
  const bool taken = sa->Commit(std::move(ticket).value(),
                                AuthProofTestPeer::Make(), 100, kStart)
                         .ok();
  tally.received += taken ? 1U : 0U;
}

// One worker's loop: a batch, then a quiescent state.
void Work(const Sadb& sadb, WorkerIndex worker, Tally& tally,
          const std::atomic<bool>& stop) {
  RcuReader reader;
  std::uint32_t turn = static_cast<std::uint32_t>(worker);
  while (!stop) {
    for (int i = 0; i < 16; ++i) {
      SendOne(sadb, worker, tally);
      ReceiveOne(sadb, kFirst + turn++ % kSpis, tally);
    }
    reader.Quiescent();
  }
}

// SPIs come and go; every round replaces each of them.
void Replace(Sadb& sadb, std::uint32_t round) {
  for (std::uint32_t i = 0; i < kSpis; ++i) {
    const SaParameters outbound = GcmSa(kFirst + i);
    SaParameters inbound = AhSa(kFirst + i, Direction::kInbound);
    inbound.hard.packets = 50;
    if (round > 0 && i % 3 != 0) {
      EXPECT_TRUE(sadb.Delete(outbound.identity()).ok());
      sadb.Delete(inbound.identity()).ok();  // or its packets ended it
    }
    if (round == 0 || i % 3 != 0) {
      EXPECT_TRUE(sadb.Add(outbound, {}, kStart).ok());
      sadb.Add(inbound, {}, kStart).ok();
    }
    EXPECT_TRUE(
        sadb.Update(outbound.identity(), {}, {.octets = 1ULL << 40}, kStart)
            .ok());
  }
  sadb.Age(kStart);
}

// DEF-04, DEF-17.
TEST(SadbConcurrency, WorkersUseWhatControlReplaces) {
  RecordingSink sink;
  Sadb sadb(sink);
  Tally tally;
  std::atomic<bool> stop{false};
  {
    std::vector<std::jthread> workers;
    for (std::uint8_t i = 0; i < 3; ++i) {
      workers.emplace_back([&sadb, &tally, &stop, i] {
        Work(sadb, WorkerIndex{i}, tally, stop);
      });
    }
    for (std::uint32_t round = 0; round < 50 || tally.received < 1000 ||
                                  tally.sent < 1000 || tally.missing == 0;
         ++round) {
      Replace(sadb, round);
      if (round % 10 == 9) {
        EXPECT_GE(sadb.Flush(), kSpis);
        Replace(sadb, 0);
      }
    }
    stop = true;
  }
  EXPECT_GE(tally.sent, 1000u);
  EXPECT_GE(tally.received, 1000u);
  RcuBarrier();
}

// The table grows under its readers; nobody may miss what is there.
TEST(SadbConcurrency, ReadersMissNothingWhileTheTableGrows) {
  constexpr std::uint32_t kGrowth = 20'000;
  RecordingSink sink;
  Sadb sadb(sink);
  std::atomic<std::uint32_t> added{0};
  std::atomic<std::uint64_t> missed{0};
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i) {
      readers.emplace_back([&sadb, &added, &missed] {
        RcuReader reader;
        std::uint32_t turn = 0;
        while (added < kGrowth) {
          const std::uint32_t there = added;
          for (std::uint32_t look = 0; look < 32 && there > 0; ++look) {
            const Spi spi{kFirst + turn++ % there};
            missed += sadb.FindInbound(spi, Address("10.9.0.2"),
                                       IpsecProtocol::kEsp) == nullptr
                          ? 1U
                          : 0U;
          }
          reader.Quiescent();
        }
      });
    }
    for (std::uint32_t i = 0; i < kGrowth; ++i) {
      EXPECT_TRUE(
          sadb.Add(GcmSa(kFirst + i, Direction::kInbound), {}, kStart).ok());
      ++added;
    }
  }
  EXPECT_EQ(missed, 0u);
}

}  // namespace
}  // namespace postern
