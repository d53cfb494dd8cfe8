// SPDX-License-Identifier: Apache-2.0

#include "policy/bundle.h"

#include <algorithm>
#include <initializer_list>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr Category kEsp = Category::kEspTransport;
constexpr Category kAuth = Category::kAh;
constexpr Category kNetwork = Category::kEspNetwork;

class BundleTest : public PolicyWorld {};

TEST_F(BundleTest, KeepsTheOrderOfItsAssociations) {  // API-03
  SecurityAssociation& esp = AddOutbound(kEsp);
  SecurityAssociation& ah = AddOutbound(kAuth);
  SecurityAssociation& network = AddOutbound(kNetwork);
  Bundle bundle;
  EXPECT_TRUE(bundle.empty());
  bundle.Add(esp);
  bundle.Add(ah);
  bundle.Add(network);
  ASSERT_EQ(bundle.associations().size(), 3u);
  EXPECT_EQ(bundle.associations()[0], &esp);
  EXPECT_EQ(bundle.associations()[1], &ah);
  EXPECT_EQ(bundle.associations()[2], &network);
}

TEST_F(BundleTest, KnowsTheMostThatItAdds) {
  Bundle esp;
  esp.Add(AddOutbound(kEsp));
  // SPI and number 8, IV 8, at most 3 of padding, trailer 2, ICV 16.
  EXPECT_EQ(esp.overhead(), 8u + 8 + 3 + 2 + 16);
  Bundle ah;
  ah.Add(AddOutbound(kAuth));
  EXPECT_EQ(ah.overhead(), 12u + 16);
  Bundle network;
  network.Add(AddOutbound(kNetwork));
  EXPECT_EQ(network.overhead(), 20u + 37);
  Bundle all;
  all.Add(*esp.associations()[0]);
  all.Add(*ah.associations()[0]);
  all.Add(*network.associations()[0]);
  EXPECT_EQ(all.overhead(), 37u + 28 + 57);
}

TEST_F(BundleTest, CountsBlockCiphersAndIpv6) {
  SaParameters esp = Parameters(kEsp, Direction::kOutbound);
  esp.encryption = Encryption::kAesCbc;
  esp.encryption_key = SecretBytes(Octets(16, 1));
  esp.integrity = Integrity::kHmacSha2_256_128;
  esp.integrity_key = SecretBytes(Octets(32, 2));
  Bundle cbc;
  cbc.Add(Add(esp));
  EXPECT_EQ(cbc.overhead(), 8u + 16 + 15 + 2 + 16);

  const Ends v6{"2001:db8::1", "2001:db8::2"};
  Bundle ah;
  ah.Add(Add(Parameters(kAuth, Direction::kOutbound, v6)));
  EXPECT_EQ(ah.overhead(), 32u);  // 28, padded to eight
  Bundle network;
  network.Add(Add(Parameters(kNetwork, Direction::kOutbound, v6)));
  EXPECT_EQ(network.overhead(), 40u + 37);
}

// RFC 7402 appendix B: the outer header comes in the inner one's place.
TEST_F(BundleTest, CountsWhatBeetAdds) {
  struct Case {
    const char* source;
    const char* destination;
    std::size_t inner;  // the header that goes
    std::size_t most;
  };

  SaParameters sa = Parameters(kNetwork, Direction::kOutbound);
  ASSERT_EQ(sa.source.family(), IpFamily::kV4);
  sa.mode = IpsecMode::kBeet;
  for (const Case& one : {Case{"10.0.0.1", "10.0.0.2", 20, 37 + 8},
                          Case{"fd00::1", "fd00::2", 40, 37}}) {
    sa.spi = Spi{0x8000 + static_cast<std::uint32_t>(one.inner)};
    sa.encryption_key =
        SecretBytes(Octets(20, static_cast<std::uint8_t>(one.inner)));
    sa.selector.source = IpAddress::Parse(one.source).value();
    sa.selector.destination = IpAddress::Parse(one.destination).value();
    Bundle bundle;
    bundle.Add(Add(sa));
    EXPECT_EQ(bundle.overhead(), one.most);
    EXPECT_TRUE(bundle.wants_whole());
    // 100 octets of payload, 2 of padding, the trailer.
    EXPECT_EQ(bundle.ProtectedSize(one.inner + 100, one.inner),
              20u + 16 + 104 + 16);
    EXPECT_EQ(bundle.LargestWithin(156, one.inner), one.inner + 102);
  }
}

// Eight octets of options have eight in front of them, four have four.
TEST_F(BundleTest, CountsTheOptionsThatBeetCarries) {
  SaParameters sa = Parameters(kNetwork, Direction::kOutbound);
  sa.mode = IpsecMode::kBeet;
  sa.selector.source = IpAddress::Parse("10.0.0.1").value();
  sa.selector.destination = IpAddress::Parse("10.0.0.2").value();
  Bundle bundle;
  bundle.Add(Add(sa));
  for (const std::size_t options : {4u, 8u, 36u, 40u}) {
    const std::size_t pseudo = options % 8 == 0 ? 8 : 4;
    const std::size_t text = (pseudo + options + 100 + 2 + 3) / 4 * 4;
    EXPECT_EQ(bundle.ProtectedSize(120 + options, 20 + options),
              20 + 16 + text + 16);
    EXPECT_LE(bundle.ProtectedSize(120 + options, 20 + options),
              120 + options + bundle.overhead());
  }
}

// DEF-03
TEST_F(BundleTest, StaysWithinTheWorstOverhead) {
  const Ends v6{"2001:db8::1", "2001:db8::2"};
  Bundle all;
  for (const Category category : kCategories) {
    SaParameters sa = Parameters(category, Direction::kOutbound, v6);
    if (category != kAuth) {
      sa.encryption = Encryption::kAesCbc;
      sa.encryption_key = SecretBytes(Octets(16, 1));
      sa.integrity = Integrity::kHmacSha2_256_128;
      sa.integrity_key = SecretBytes(Octets(32, 2));
    }
    all.Add(Add(sa));
  }
  EXPECT_LE(all.overhead(), kWorstBundleOverhead);
}

class TransformPathTest : public PolicyWorld {
 protected:
  SecurityAssociation& AddAhTunnel() {
    SaParameters sa = Parameters(kAuth, Direction::kInbound);
    sa.mode = IpsecMode::kTunnel;
    return Add(sa);
  }

  void ExpectSatisfies(const TransformPath& path,
                       std::initializer_list<Category> expected) {
    for (const Category category : kCategories) {
      const bool satisfied = std::find(expected.begin(), expected.end(),
                                       category) != expected.end();
      EXPECT_EQ(path.applied().Has(category), satisfied) << NameOf(category);
    }
  }

  SecurityAssociation& esp_ = AddInbound(kEsp);
  SecurityAssociation& ah_ = AddInbound(kAuth);
  SecurityAssociation& network_ = AddInbound(kNetwork);
};

TEST_F(TransformPathTest, SatisfiesNothingWhenEmpty) {  // API-45
  ExpectSatisfies(TransformPath(), {});
}

// DEF-33: ESP transport must not do for ESP network, nor the reverse.
TEST_F(TransformPathTest, SatisfiesOnlyTheCategoryThatWasApplied) {  // API-45
  ExpectSatisfies(PathOf({&esp_}), {kEsp});
  ExpectSatisfies(PathOf({&ah_}), {kAuth});
  ExpectSatisfies(PathOf({&network_}), {kNetwork});
}

TEST_F(TransformPathTest, SatisfiesSeveralInTheDraftsOrder) {  // API-03
  ExpectSatisfies(PathOf({&ah_, &esp_}), {kAuth, kEsp});
  ExpectSatisfies(PathOf({&network_, &esp_}), {kNetwork, kEsp});
  ExpectSatisfies(PathOf({&network_, &ah_}), {kNetwork, kAuth});
  ExpectSatisfies(PathOf({&network_, &ah_, &esp_}), {kNetwork, kAuth, kEsp});
}

// DEF-33
TEST_F(TransformPathTest, SatisfiesNothingInAnyOtherOrder) {  // API-45
  const std::initializer_list<TransformPath> kOthers = {
      PathOf({&esp_, &ah_}),
      PathOf({&esp_, &network_}),
      PathOf({&ah_, &network_}),
      PathOf({&ah_, &esp_, &network_}),
      PathOf({&ah_, &network_, &esp_}),
      PathOf({&esp_, &ah_, &network_}),
      PathOf({&esp_, &network_, &ah_}),
      PathOf({&network_, &esp_, &ah_}),
      PathOf({&esp_, &esp_}),
      PathOf({&ah_, &ah_}),
      PathOf({&network_, &network_}),
      PathOf({&network_, &ah_, &ah_, &esp_}),
  };
  for (const TransformPath& path : kOthers) {
    ExpectSatisfies(path, {});
  }
}

TEST_F(TransformPathTest, SatisfiesNothingByAnAhTunnel) {
  SecurityAssociation& tunnel = AddAhTunnel();
  ExpectSatisfies(PathOf({&tunnel}), {});
  ExpectSatisfies(PathOf({&tunnel, &ah_}), {});
}

// ESP with integrity covers less than AH: it does not stand in for it.
TEST_F(TransformPathTest, DoesNotTakeEspIntegrityForAh) {  // API-18
  SaParameters sa = Parameters(kEsp, Direction::kInbound);
  sa.encryption = Encryption::kNull;
  sa.encryption_key = SecretBytes();
  sa.integrity = Integrity::kHmacSha2_256_128;
  sa.integrity_key = SecretBytes(Octets(32, 7));
  ExpectSatisfies(PathOf({&Add(sa)}), {kEsp});
}

}  // namespace
}  // namespace postern
