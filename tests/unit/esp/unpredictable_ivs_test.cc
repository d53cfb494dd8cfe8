// SPDX-License-Identifier: Apache-2.0

#define OPENSSL_SUPPRESS_DEPRECATED  // RAND_set_rand_method

#include "esp/unpredictable_ivs.h"

#include <openssl/rand.h>

#include <bit>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/unit/esp/esp_sas.h"

namespace postern::esp {
namespace {

constexpr int kPackets = 1000;

// The IVs of consecutive packets of one SA, and what came before each of them.
struct Observed {
  std::vector<Octets> ivs;
  std::vector<Octets> last_blocks;  // of the packets' ciphertexts
};

Observed Observe() {
  PacketPool pool({.packets = 1});
  Result<Sealer> sealer = Sealer::Create(CbcSa());
  const Octets clear = HostsV4().Udp(1, 2, Octets(100));
  Observed observed;
  for (int i = 0; i < kPackets; ++i) {
    Packet packet = pool.Copy(clear);
    EXPECT_TRUE(sealer->Seal(packet, static_cast<std::uint64_t>(i) + 1).ok());
    const Octets sealed = Copied(packet);
    observed.ivs.emplace_back(sealed.begin() + 28, sealed.begin() + 44);
    observed.last_blocks.emplace_back(sealed.end() - 32, sealed.end() - 16);
    packet.Release();
  }
  return observed;
}

// CBC-03, DEF-06
TEST(UnpredictableIvs, NeverRepeatAndNeverContinueTheCiphertext) {
  const Observed observed = Observe();
  const std::set<Octets> distinct(observed.ivs.begin(), observed.ivs.end());
  EXPECT_EQ(distinct.size(), observed.ivs.size());
  const std::set<Octets> blocks(observed.last_blocks.begin(),
                                observed.last_blocks.end());
  for (const Octets& iv : observed.ivs) {
    EXPECT_FALSE(blocks.contains(iv));
  }
}

// CBC-03, CBC-04, DEF-06: the number of ones, and of bits that change from one IV to
// the next, within six standard deviations of a fair coin's.
TEST(UnpredictableIvs, LookLikeFairCoins) {
  const Observed observed = Observe();
  int ones = 0;
  int changes = 0;
  for (std::size_t i = 0; i < observed.ivs.size(); ++i) {
    for (std::size_t j = 0; j < 16; ++j) {
      ones += std::popcount(observed.ivs[i][j]);
      if (i > 0) {
        changes += std::popcount(static_cast<std::uint8_t>(
            observed.ivs[i][j] ^ observed.ivs[i - 1][j]));
      }
    }
  }
  constexpr int kFair = kPackets * 64;
  constexpr int kSixDeviations = 6 * 179;  // sqrt(128000 / 4)
  EXPECT_NEAR(ones, kFair, kSixDeviations);
  EXPECT_NEAR(changes, kFair - 64, kSixDeviations);
}

// DEF-06: four workers seal under one key, and so does the next life of the
// program, which a second context stands for.
TEST(UnpredictableIvs, DifferBetweenThreadsAndLives) {
  constexpr std::size_t kThreads = 4;
  std::set<Octets> seen;
  for (int life = 0; life < 2; ++life) {
    std::vector<Observed> observed(kThreads);
    {
      std::vector<std::jthread> threads;
      for (Observed& mine : observed) {
        threads.emplace_back([&mine] { mine = Observe(); });
      }
    }
    for (const Observed& one : observed) {
      seen.insert(one.ivs.begin(), one.ivs.end());
    }
  }
  EXPECT_EQ(seen.size(), 2 * kThreads * kPackets);
}

// DEF-06
TEST(UnpredictableIvs, DifferBetweenTwoContextsOfOneSa) {
  const Observed one = Observe();
  const Observed other = Observe();
  const std::set<Octets> seen(one.ivs.begin(), one.ivs.end());
  for (const Octets& iv : other.ivs) {
    EXPECT_FALSE(seen.contains(iv));
  }
}

int NoRandom(unsigned char* /*octets*/, int /*count*/) {
  return 0;
}

// DEF-06
// Without a good IV nothing is sent: kCryptoFailed.
TEST(UnpredictableIvs, AreRefusedWhenTheGeneratorFails) {
  const RAND_METHOD* const usual = ::RAND_get_rand_method();
  RAND_METHOD broken{};
  broken.bytes = NoRandom;
  PacketPool pool({.packets = 1});
  Result<Sealer> sealer = Sealer::Create(CbcSa());
  Packet packet = pool.Copy(HostsV4().Udp(1, 2, Octets(100)));

  ::RAND_set_rand_method(&broken);
  const Passage sealed = sealer->Seal(packet, 1);
  ::RAND_set_rand_method(usual);

  EXPECT_EQ(sealed.error(), DropReason::kCryptoFailed);
  packet.Release();
}

}  // namespace
}  // namespace postern::esp
