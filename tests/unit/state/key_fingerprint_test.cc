// SPDX-License-Identifier: Apache-2.0

#include "state/key_fingerprint.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

const SecretBytes kSecret = Key(32, 1);

KeyFingerprint Of(const SaParameters& sa) {
  return FingerprintOf(sa, kSecret).value();
}

// The IV of a counter mode depends on the key and the number, on nothing else.
TEST(KeyFingerprint, OfACounterModeIsThatOfKeyAndSalt) {  // GCM-01
  const SaParameters sa = GcmSa(0x1011);
  SaParameters moved = sa;
  moved.spi = Spi{0x2022};
  moved.destination = Address("10.9.0.77");
  moved.mode = IpsecMode::kTunnel;
  moved.numbers = SequenceNumbers::kExtended;
  moved.replay_window = 1024;
  moved.soft.packets = 5;
  EXPECT_EQ(Of(sa), Of(moved));

  SaParameters other_key = sa;
  other_key.encryption_key = Key(20, 5);
  EXPECT_NE(Of(sa), Of(other_key));
  SaParameters longer = sa;
  longer.encryption_key = Key(28, 0x1011);
  EXPECT_NE(Of(sa), Of(longer));
  SaParameters other_salt = sa;
  std::vector<std::uint8_t> octets(sa.encryption_key.octets().begin(),
                                   sa.encryption_key.octets().end());
  octets.back() ^= 1;
  other_salt.encryption_key = SecretBytes(octets);
  EXPECT_NE(Of(sa), Of(other_salt));
}

// CTR-06: neither the integrity key nor the algorithm makes it another key.
TEST(KeyFingerprint, OfACounterModeIsNotThatOfWhatIsBesideTheKey) {
  const SaParameters gcm = GcmSa(0x1011);
  SaParameters ctr = gcm;
  ctr.encryption = Encryption::kAesCtr;
  ctr.integrity = Integrity::kHmacSha1_96;
  ctr.integrity_key = Key(20, 1);
  SaParameters other = ctr;
  other.integrity_key = Key(20, 2);
  SaParameters ah = AhSa(0x1011);
  ah.integrity = Integrity::kAes128Gmac;
  ah.integrity_key = gcm.encryption_key;
  EXPECT_EQ(Of(ctr), Of(other));
  EXPECT_EQ(Of(ctr), Of(gcm));
  EXPECT_EQ(Of(ah), Of(gcm));
}

TEST(KeyFingerprint, OfOtherAlgorithmsIsThatOfTheSa) {
  const SaParameters sa = AhSa(0x1011);
  SaParameters mode = sa;
  mode.mode = IpsecMode::kTunnel;
  EXPECT_EQ(Of(sa), Of(mode));

  SaParameters spi = sa;
  spi.spi = Spi{0x1012};
  SaParameters destination = sa;
  destination.destination = Address("10.9.0.3");
  SaParameters protocol = sa;
  protocol.protocol = IpsecProtocol::kEsp;
  SaParameters key = sa;
  key.integrity_key = Key(32, 9);
  SaParameters encrypted = CbcSa(0x1011);
  const std::set<KeyFingerprint> all = {Of(sa),       Of(spi), Of(destination),
                                        Of(protocol), Of(key), Of(encrypted)};
  EXPECT_EQ(all.size(), 6u);
}

TEST(KeyFingerprint, CannotBeComputedWithoutTheSecret) {
  EXPECT_NE(FingerprintOf(GcmSa(), Key(32, 1)).value(),
            FingerprintOf(GcmSa(), Key(32, 2)).value());
  EXPECT_FALSE(FingerprintOf(GcmSa(), SecretBytes()).ok());
}

}  // namespace
}  // namespace postern
