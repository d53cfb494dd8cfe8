// SPDX-License-Identifier: Apache-2.0
//
// One packet of a batch fails, at each place of the batch: the others fare as if
// it were not there, its own SA is charged and no other, and every buffer comes
// back. What others hold of a packet's octets stays as it was.

#define OPENSSL_SUPPRESS_DEPRECATED  // RAND_set_rand_method

#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "gtest/gtest.h"

#include "core/packet/packet_pool.h"
#include "tests/sim/sim_host.h"
#include "tests/support/memory_port.h"
#include "tests/support/pcap_reader.h"
#include "wire/fault_injector.h"
#include "wire/pcap_recorder.h"

namespace postern {
namespace {

constexpr std::size_t kBatch = Batch::kCapacity;
constexpr int kAlways = 1000;  // per mille

// Nothing but a copy of the octets can share them.
static_assert(!std::is_copy_constructible_v<Packet>);
static_assert(!std::is_copy_assignable_v<Packet>);

std::vector<Octets> Datagrams(std::size_t count, const char* from,
                              const char* to = "10.9.2.1") {
  std::vector<Octets> packets;
  for (std::size_t i = 0; i < count; ++i) {
    packets.push_back(PacketBuilder(from, to).Udp(1000, 2000, Octets(40 + i)));
  }
  return packets;
}

// libcrypto's generator, which fails once, at the call after so many.
class FailingGenerator {
 public:
  explicit FailingGenerator(int good_calls) {
    left_ = good_calls;
    ::RAND_set_rand_method(&method_);
  }

  ~FailingGenerator() { ::RAND_set_rand_method(usual_); }

  FailingGenerator(const FailingGenerator&) = delete;
  FailingGenerator& operator=(const FailingGenerator&) = delete;

 private:
  static int Fill(unsigned char* octets, int count) {
    return left_-- == 0 ? 0 : Usual()->bytes(octets, count);
  }

  static const RAND_METHOD* Usual() { return ::RAND_OpenSSL(); }

  static inline int left_ = 0;
  const RAND_METHOD* const usual_ = ::RAND_get_rand_method();
  RAND_METHOD method_ = MethodOf();

  static RAND_METHOD MethodOf() {
    RAND_METHOD method{};
    method.bytes = Fill;
    return method;
  }
};

class PartialFailures : public testing::TestWithParam<Category> {
 protected:
  // Both send to bob, each by an SA of its own.
  void Connect(Encryption encryption = Encryption::kAesGcm16) {
    for (SimHost* host : {&alice_, &carol_}) {
      AddSa(*host, bob_, GetParam(), encryption);
      host->SetSystemLevel(GetParam(), Level::kRequire);
    }
    bob_.SetSystemLevel(GetParam(), Level::kRequire);
  }

  SecurityAssociation& SaAt(SimHost& host, const SimHost& from,
                            Encryption encryption = Encryption::kAesGcm16) {
    return *host.sadb().Get(
        SaFor(from.address(), bob_.address(), GetParam(), encryption)
            .identity());
  }

  SimHost alice_{"10.9.1.1"};
  SimHost carol_{"10.9.3.2"};
  SimHost bob_{"10.9.2.1"};
};

// DEF-42, DEF-29: forged, among packets of two SAs.
TEST_P(PartialFailures, AForgedPacketAtEachPlaceHarmsNoOther) {
  Connect();
  SecurityAssociation& alices = SaAt(bob_, alice_);
  SecurityAssociation& carols = SaAt(bob_, carol_);
  const std::vector<Octets> from_alice = Datagrams(kBatch / 2, "10.9.1.1");
  const std::vector<Octets> from_carol = Datagrams(kBatch / 2, "10.9.3.2");
  for (std::size_t place = 0; place < kBatch; ++place) {
    std::vector<Octets> clear;
    std::vector<Octets> batch;
    const std::size_t run = 1 + place % 7;  // of one SA, then the other
    const std::vector<Octets> a = alice_.SendAll(from_alice);
    const std::vector<Octets> c = carol_.SendAll(from_carol);
    for (std::size_t i = 0, ai = 0, ci = 0; i < kBatch; ++i) {
      const bool is_alices =
          ci == c.size() || (ai < a.size() && i / run % 2 == 0);
      batch.push_back(is_alices ? a[ai] : c[ci]);
      clear.push_back(is_alices ? from_alice[ai++] : from_carol[ci++]);
    }
    const bool hits_alice = batch[place][14] == 1;  // 10.9.1.1
    const SaUsage a_before = alices.usage();
    const SaUsage c_before = carols.usage();
    const std::uint64_t a_bad = alices.bad_icvs();
    const std::uint64_t c_bad = carols.bad_icvs();
    batch[place].back() ^= 1;
    clear.erase(clear.begin() + static_cast<std::ptrdiff_t>(place));

    ASSERT_EQ(bob_.ReceiveAll(batch), clear) << place;
    const std::size_t half = kBatch / 2;
    ASSERT_EQ(alices.usage().packets - a_before.packets,
              half - (hits_alice ? 1 : 0));
    ASSERT_EQ(carols.usage().packets - c_before.packets,
              half - (hits_alice ? 0 : 1));
    ASSERT_EQ(alices.bad_icvs() - a_bad, hits_alice ? 1u : 0u);
    ASSERT_EQ(carols.bad_icvs() - c_bad, hits_alice ? 0u : 1u);
    ASSERT_EQ(bob_.audits().size(), place + 1);
    ASSERT_EQ(bob_.audits().back().spi,
              (hits_alice ? alices : carols).parameters().spi);
    ASSERT_TRUE(bob_.drained()) << place;
  }
}

class PartialFailuresOfEsp : public PartialFailures {};

// DEF-42: the generator of IVs fails for one packet. The number that was meant
// for it is lost, the packets around it are not.
TEST_P(PartialFailuresOfEsp, AnIvThatIsNotThereAtEachPlaceHarmsNoOther) {
  constexpr auto kCbc = Encryption::kAesCbc;
  Connect(kCbc);
  const std::vector<Octets> clear = Datagrams(kBatch, "10.9.1.1");
  for (std::size_t place = 0; place < kBatch; ++place) {
    // IVs are drawn in stocks of one batch; this empties it at `place`.
    alice_.sadb().Flush();
    carol_.sadb().Flush();
    bob_.sadb().Flush();
    Connect(kCbc);
    const std::size_t drawn = kBatch - place;
    ASSERT_EQ(alice_.SendAll(Datagrams(drawn, "10.9.1.1")).size(), drawn);
    std::vector<Octets> sent;
    {
      const FailingGenerator failing(0);
      sent = alice_.SendAll(clear);
    }
    std::vector<Octets> expected = clear;
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(place));
    ASSERT_EQ(bob_.ReceiveAll(sent), expected) << place;
    ASSERT_EQ(alice_.drops(DropReason::kCryptoFailed), place + 1);
    ASSERT_EQ(SaAt(alice_, alice_, kCbc).sequence(), drawn + kBatch);
    ASSERT_TRUE(alice_.drained() && bob_.drained()) << place;
  }
}

INSTANTIATE_TEST_SUITE_P(Categories, PartialFailures,
                         testing::Values(Category::kEspTransport, Category::kAh,
                                         Category::kEspNetwork));
INSTANTIATE_TEST_SUITE_P(Categories, PartialFailuresOfEsp,
                         testing::Values(Category::kEspTransport,
                                         Category::kEspNetwork));

// DEF-42: the SA outside is charged for what reached it.
TEST(PartialFailure, OfTheInnerSaDoesNotChargeTheOuterOne) {
  SimHost alice("10.9.1.1");
  SimHost bob("10.9.2.1");
  for (const Category category : {Category::kEspTransport, Category::kAh}) {
    AddSa(alice, bob, category, Encryption::kAesCbc);
    alice.SetSystemLevel(category, Level::kRequire);
    bob.SetSystemLevel(category, Level::kRequire);
  }
  const std::vector<Octets> clear = Datagrams(10, "10.9.1.1");
  std::vector<Octets> sent;
  {
    const FailingGenerator failing(0);
    sent = alice.SendAll(clear);
  }
  EXPECT_EQ(bob.ReceiveAll(sent),
            std::vector<Octets>(clear.begin() + 1, clear.end()));
  const SaParameters ah =
      SaFor(alice.address(), bob.address(), Category::kAh, Encryption::kAesCbc);
  EXPECT_EQ(alice.sadb().Get(ah.identity())->usage().packets, 9u);
}

// Somebody who looks at what comes in before it is opened in its place.
class OtherHolders : public testing::Test {
 protected:
  OtherHolders() {
    for (const Category category : {Category::kEspTransport, Category::kAh}) {
      AddSaPair(alice_, bob_, category);
      alice_.SetSystemLevel(category, Level::kRequire);
    }
    auto ends = MemoryPort::MakePair();
    near_ = std::move(ends.first);
    far_ = std::move(ends.second);
    // One that fails its ICV, and its good neighbours.
    sent_ = alice_.SendAll(Datagrams(9, "10.9.1.1"));
    sent_[4].back() ^= 1;
  }

  void Arrive() {
    Batch batch;
    for (const Octets& packet : sent_) {
      batch.Push(pool_.Copy(packet));
    }
    far_->Send(batch, stats_);
  }

  static Octets OctetsOf(const Packet& packet) {
    const ConstBytes octets = packet.bytes();
    return {octets.begin(), octets.end()};
  }

  // What stands in the packets' own buffers once they were opened there.
  void OpenInPlace(Batch& batch) {
    esp::Opener opener = esp::Opener::Create(EspOfAlice()).value();
    for (Packet& packet : batch) {
      // Under AH's header, which is another's business: any octets will do.
      static_cast<void>(opener.Open(packet, 1));
      std::ranges::fill(packet.bytes(), std::uint8_t{0xdd});
    }
  }

  esp::Parameters EspOfAlice() const {
    return SaFor(alice_.address(), bob_.address(), Category::kEspTransport)
        .ForEsp();
  }

  SimHost alice_{"10.9.1.1"};
  SimHost bob_{"10.9.2.1"};
  PacketPool pool_{{.packets = 64, .payload = 2000}};
  WorkerStats stats_;
  std::vector<Octets> sent_;
  std::unique_ptr<MemoryPort> near_;
  std::unique_ptr<MemoryPort> far_;
};

// DEF-01, DEF-02: the capture has what was on the wire.
TEST_F(OtherHolders, ACaptureIsNotChangedByWhatIsOpenedAfterIt) {
  const std::string path = testing::TempDir() + "other_holders_" +
                           std::to_string(::getpid()) + ".pcap";
  std::filesystem::remove(path);
  auto recorder = PcapRecorder::Create(path, std::move(near_)).value();
  Arrive();
  Batch batch;
  ASSERT_EQ(recorder->Receive(batch, pool_, stats_), sent_.size());
  OpenInPlace(batch);
  batch.Clear();
  recorder.reset();
  const PcapFile file = ReadPcap(path).value();
  std::filesystem::remove(path);
  ASSERT_EQ(file.records.size(), sent_.size());
  for (std::size_t i = 0; i < sent_.size(); ++i) {
    EXPECT_EQ(file.records[i].octets, sent_[i]) << i;
  }
}

// DEF-02: what is sent on twice is two packets, and so is what waits to come
// later.
TEST_F(OtherHolders, ADuplicateIsNotChangedByWhatItIsOneOf) {
  FaultInjector wire(std::move(near_),
                     {.seed = 1,
                      .sending = {},
                      .receiving = {.duplicate_per_mille = kAlways}});
  Arrive();
  Batch batch;
  ASSERT_EQ(wire.Receive(batch, pool_, stats_), 2 * sent_.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    Packet& packet = *(batch.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(OctetsOf(packet), sent_[i / 2]) << i;
    std::ranges::fill(packet.bytes(), std::uint8_t{0xdd});
  }
  batch.Clear();
}

}  // namespace
}  // namespace postern
