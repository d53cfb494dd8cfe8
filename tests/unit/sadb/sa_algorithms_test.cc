// SPDX-License-Identifier: Apache-2.0
//
// The rules are written here as the RFCs have them, not taken from the table.

#include "sadb/sa_algorithms.h"

#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/crypto/legacy.h"
#include "sadb/sadb.h"
#include "tests/unit/sadb/example_sa.h"

namespace postern {
namespace {

using testing::HasSubstr;

class SaAlgorithms : public testing::Test {
 protected:
  void TearDown() override { ChooseLegacy(LegacyChoice::kForbid); }

  static SaParameters Esp(Encryption encryption, std::size_t material,
                          Integrity integrity = Integrity::kNone,
                          std::size_t integrity_key = 0) {
    SaParameters sa = GcmSa();
    sa.encryption = encryption;
    sa.encryption_key = Key(material, 7);
    sa.integrity = integrity;
    sa.integrity_key = Key(integrity_key);
    return sa;
  }

  static SaParameters Ah(Integrity integrity, std::size_t material) {
    SaParameters sa = AhSa();
    sa.integrity = integrity;
    sa.integrity_key = Key(material);
    return sa;
  }

  static std::string Refusal(const SaParameters& sa) {
    const Status valid = Validate(sa);
    return valid.ok() ? "" : valid.error().message;
  }

  // The octets of keying material, of 0 to 80, that Validate() takes.
  static std::vector<std::size_t> EncryptionSizes(Encryption encryption) {
    const bool separate = !InfoOf(encryption).brings_integrity();
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 80; ++size) {
      const SaParameters sa =
          separate ? Esp(encryption, size, Integrity::kHmacSha2_256_128, 32)
                   : Esp(encryption, size);
      if (Validate(sa).ok()) {
        sizes.push_back(size);
      }
    }
    return sizes;
  }

  static std::vector<std::size_t> IntegritySizes(Integrity integrity) {
    std::vector<std::size_t> sizes;
    for (std::size_t size = 0; size <= 80; ++size) {
      if (Validate(Ah(integrity, size)).ok()) {
        sizes.push_back(size);
      }
    }
    return sizes;
  }
};

using Sizes = std::vector<std::size_t>;

// DEF-16
// SAD-22: keying material is the key and then the salt.
TEST_F(SaAlgorithms, TakeExactlyTheKeyingMaterialOfTheirRfcs) {
  const Sizes with_four = {20, 28, 36};  // GCM-08, CTR-05
  for (const Encryption encryption :
       {Encryption::kAesGcm16, Encryption::kAesGcm12, Encryption::kAesGcm8,
        Encryption::kAesGcm16Iiv, Encryption::kAesCtr,
        Encryption::kNullAuthAesGmac}) {
    EXPECT_EQ(EncryptionSizes(encryption), with_four)
        << InfoOf(encryption).name;
  }
  const Sizes with_three = {19, 27, 35};  // CCM-05, CCM-06
  for (const Encryption encryption :
       {Encryption::kAesCcm16, Encryption::kAesCcm12, Encryption::kAesCcm8,
        Encryption::kAesCcm8Iiv}) {
    EXPECT_EQ(EncryptionSizes(encryption), with_three)
        << InfoOf(encryption).name;
  }
  const Sizes aes = {16, 24, 32};  // CBC-01, CTR-08, ALG-06
  EXPECT_EQ(EncryptionSizes(Encryption::kAesCbc), aes);
  EXPECT_EQ(EncryptionSizes(Encryption::kCamelliaCbc), aes);
  const Sizes chacha = {36};  // CHA-05
  EXPECT_EQ(EncryptionSizes(Encryption::kChaCha20Poly1305), chacha);
  EXPECT_EQ(EncryptionSizes(Encryption::kChaCha20Poly1305Iiv), chacha);
  EXPECT_EQ(EncryptionSizes(Encryption::kNull), Sizes{0});  // CBC-06
}

TEST_F(SaAlgorithms, TakeExactlyTheIntegrityKeysOfTheirRfcs) {
  EXPECT_EQ(IntegritySizes(Integrity::kHmacSha1_96), Sizes{20});       // AUT-01
  EXPECT_EQ(IntegritySizes(Integrity::kHmacSha2_256_128), Sizes{32});  // AUT-02
  EXPECT_EQ(IntegritySizes(Integrity::kHmacSha2_384_192), Sizes{48});
  EXPECT_EQ(IntegritySizes(Integrity::kHmacSha2_512_256), Sizes{64});
  EXPECT_EQ(IntegritySizes(Integrity::kAesCmac96), Sizes{16});  // AUT-04
  EXPECT_EQ(IntegritySizes(Integrity::kAesXcbc96), Sizes{16});  // AUT-05
  EXPECT_EQ(IntegritySizes(Integrity::kAes128Gmac), Sizes{20});
  EXPECT_EQ(IntegritySizes(Integrity::kAes192Gmac), Sizes{28});
  EXPECT_EQ(IntegritySizes(Integrity::kAes256Gmac), Sizes{36});
  ChooseLegacy(LegacyChoice::kAllow);
  EXPECT_EQ(IntegritySizes(Integrity::kHmacMd5_96), Sizes{16});  // AUT-06
}

// DEF-25
// ALG-03, CTR-03: there is no way around it.
TEST_F(SaAlgorithms, NeverEncryptWithoutIntegrity) {
  ChooseLegacy(LegacyChoice::kAllow);
  for (const EncryptionInfo& info : AllEncryptions()) {
    if (!info.brings_integrity()) {
      EXPECT_THAT(Refusal(Esp(info.id, info.key_sizes.front() + info.salt)),
                  HasSubstr("would accept forged packets"))
          << info.name;
    }
  }
}

// GCM-11: what brings integrity takes no other.
TEST_F(SaAlgorithms, TakeNoSecondIntegrity) {
  for (const EncryptionInfo& info : AllEncryptions()) {
    if (info.brings_integrity()) {
      EXPECT_THAT(Refusal(Esp(info.id, info.key_sizes.front() + info.salt,
                              Integrity::kHmacSha2_256_128, 32)),
                  HasSubstr("brings its own"))
          << info.name;
    }
  }
}

TEST_F(SaAlgorithms, KeepGmacAsIntegrityForAh) {  // ALG-12
  EXPECT_EQ(Refusal(Ah(Integrity::kAes128Gmac, 20)), "");
  EXPECT_THAT(
      Refusal(Esp(Encryption::kAesCbc, 16, Integrity::kAes128Gmac, 20)),
      HasSubstr("for AH alone; ESP has encryption \"null-auth-aes-gmac\""));
}

TEST_F(SaAlgorithms, KeepImplicitIvsForEsp) {  // IIV-04
  SaParameters sa = Ah(Integrity::kHmacSha2_256_128, 32);
  sa.encryption = Encryption::kAesGcm16Iiv;
  sa.encryption_key = Key(20);
  EXPECT_THAT(Refusal(sa), HasSubstr("AH does not encrypt"));
}

// ALG-07, ALG-08
TEST_F(SaAlgorithms, RefuseLegacyOnesAndSayHowToAllowThem) {
  const std::vector<SaParameters> legacy = {
      Esp(Encryption::kTripleDesCbc, 24, Integrity::kHmacSha2_256_128, 32),
      Esp(Encryption::kDesCbc, 8, Integrity::kHmacSha2_256_128, 32),
      Esp(Encryption::kAesCbc, 16, Integrity::kHmacMd5_96, 16),
      Ah(Integrity::kHmacMd5_96, 16)};
  for (const SaParameters& sa : legacy) {
    const Status refused = Validate(sa);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
    EXPECT_THAT(refused.error().message,
                HasSubstr("set legacy = true under [crypto]"));
  }
  ChooseLegacy(LegacyChoice::kAllow);
  SaParameters triple = legacy[0];
  std::vector<std::uint8_t> octets(24);
  for (std::size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<std::uint8_t>(0x23 + 5 * i);
  }
  triple.encryption_key = SecretBytes(octets);
  EXPECT_EQ(Refusal(triple), "");
  EXPECT_EQ(Refusal(legacy[2]), "");
  EXPECT_EQ(Refusal(legacy[3]), "");
}

// RFC 2405 4, RFC 2451 2.3
TEST_F(SaAlgorithms, RefuseWeakKeysOfDes) {
  ChooseLegacy(LegacyChoice::kAllow);
  const auto triple = [](const char* hex) {
    SaParameters sa =
        Esp(Encryption::kTripleDesCbc, 24, Integrity::kHmacSha1_96, 20);
    sa.encryption_key = SecretBytes::FromHex(hex).value();
    return Refusal(sa);
  };
  EXPECT_EQ(triple("0123456789abcdef23456789abcdef01456789abcdef0123"), "");
  // Two-key 3DES: the outer parts may be the same.
  EXPECT_EQ(triple("0123456789abcdef23456789abcdef010123456789abcdef"), "");
  for (const char* hex : {"0123456789abcdef0123456789abcdef456789abcdef0123",
                          "0123456789abcdef23456789abcdef0123456789abcdef01",
                          // The same but for the parity.
                          "0123456789abcdef0022446688aaccee456789abcdef0123",
                          "010101010101010123456789abcdef01456789abcdef0123"}) {
    EXPECT_THAT(triple(hex), HasSubstr("weak key")) << hex;
  }
}

// CBC-05: AES has no weak keys.
TEST_F(SaAlgorithms, TakeAnyKeyOfAes) {
  SaParameters sa = CbcSa();
  sa.encryption_key = SecretBytes(std::vector<std::uint8_t>(16));
  EXPECT_EQ(Refusal(sa), "");
}

class SaCap : public SaAlgorithms {
 protected:
  static constexpr std::uint64_t kCap = 8 << 20;  // 2^20 blocks

  void SetUp() override { ChooseLegacy(LegacyChoice::kAllow); }

  static SaParameters TripleDes() {
    SaParameters sa =
        Esp(Encryption::kTripleDesCbc, 24, Integrity::kHmacSha1_96, 20);
    sa.encryption_key =
        SecretBytes::FromHex("0123456789abcdef23456789abcdef01456789abcdef0123")
            .value();
    return sa;
  }
};

// DEF-40
// ALG-07: 64-bit blocks (Sweet32, NIST SP 800-67r2).
TEST_F(SaCap, EndsAnSaOf64BitBlocks) {
  RecordingSink sink;
  Sadb sadb(sink);
  ASSERT_TRUE(sadb.Add(TripleDes(), {}, kStart).ok());
  SecurityAssociation* const sa = sadb.Get(TripleDes().identity());
  EXPECT_EQ(sa->hard().octets, kCap);
  ASSERT_TRUE(sa->NextNumber(kCap - 1, kStart).ok());
  const auto beyond = sa->NextNumber(2, kStart);
  ASSERT_FALSE(beyond.ok());
  EXPECT_EQ(beyond.error(), DropReason::kLifetimeExpired);
  EXPECT_THAT(sink.kinds(), testing::Contains(SaEvent::Kind::kHardExpired));
}

// What the cipher encrypts, of small packets in a tunnel: 28 octets, padding to
// whole blocks, its length and the next header.
TEST_F(SaCap, CountsTrailersToo) {
  for (const bool in_trains : {false, true}) {
    SaParameters tunnel = TripleDes();
    tunnel.mode = IpsecMode::kTunnel;
    RecordingSink sink;
    Sadb sadb(sink);
    ASSERT_TRUE(sadb.Add(tunnel, {}, kStart).ok());
    SecurityAssociation* const sa = sadb.Get(tunnel.identity());
    std::uint64_t encrypted = 0;
    if (in_trains) {
      while (sa->NextNumbers({.octets = 8 * 28, .packets = 8}, kStart)) {
        encrypted += 8 * 32;
      }
    }
    while (sa->NextNumber(28, kStart).ok()) {
      encrypted += 32;
    }
    EXPECT_LE(encrypted, kCap);
    EXPECT_GT(encrypted, kCap / 32 * 27);
  }
}

// One key, one allowance: a second SA would have another. Parity is no key.
TEST_F(SaCap, IsTheKeysAndNotTheSas) {
  RecordingSink sink;
  Sadb sadb(sink);
  ASSERT_TRUE(sadb.Add(TripleDes(), {}, kStart).ok());
  SaParameters again = TripleDes();
  again.spi = Spi{0x2022};
  again.direction = Direction::kInbound;
  std::vector<std::uint8_t> key(again.encryption_key.octets().begin(),
                                again.encryption_key.octets().end());
  for (const std::uint8_t parity : {std::uint8_t{0}, std::uint8_t{1}}) {
    key[0] ^= parity;
    again.encryption_key = SecretBytes(key);
    const Status refused = sadb.Add(again, {}, kStart);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kExists);
    EXPECT_THAT(refused.error().message, HasSubstr("is for one SA"));
  }
  key[0] ^= 2;
  again.encryption_key = SecretBytes(key);
  EXPECT_TRUE(sadb.Add(again, {}, kStart).ok());
}

// DEF-40
TEST_F(SaCap, CannotBeLifted) {
  SaParameters longer = TripleDes();
  longer.hard.octets = kCap + 1;
  EXPECT_THAT(Refusal(longer), HasSubstr("8388608 octets is too long"));
  longer.hard.octets = std::nullopt;
  longer.soft.octets = kCap + 1;
  EXPECT_THAT(Refusal(longer), HasSubstr("too long"));

  RecordingSink sink;
  Sadb sadb(sink);
  const SaIdentity identity = TripleDes().identity();
  ASSERT_TRUE(sadb.Add(TripleDes(), {}, kStart).ok());
  EXPECT_FALSE(sadb.Update(identity, {}, {.octets = kCap + 1}, kStart).ok());
  ASSERT_TRUE(sadb.Update(identity, {}, {.octets = 1000}, kStart).ok());
  EXPECT_EQ(sadb.Get(identity)->hard().octets, 1000U);
  ASSERT_TRUE(sadb.Update(identity, {}, {}, kStart).ok());
  EXPECT_EQ(sadb.Get(identity)->hard().octets, kCap);
}

TEST_F(SaCap, IsNoBoundOfOtherCiphers) {
  EXPECT_EQ(WithCap(CbcSa(), {}).octets, std::nullopt);
  EXPECT_EQ(WithCap(GcmSa(), {.octets = 5}).octets, 5U);
}

// CCM-07, RFC 4309 4: its counter blocks are those of GCM and CTR whose salt begins
// with 3, the octet of flags.
TEST_F(SaAlgorithms, ShareNoCounterKeysAcrossSaltsOfCcm) {
  for (const std::uint8_t first : {std::uint8_t{3}, std::uint8_t{4}}) {
    RecordingSink sink;
    Sadb sadb(sink);
    SaParameters gcm = GcmSa(0x1011);
    std::vector<std::uint8_t> material(gcm.encryption_key.octets().begin(),
                                       gcm.encryption_key.octets().end());
    material[16] = first;
    gcm.encryption_key = SecretBytes(material);
    ASSERT_TRUE(sadb.Add(gcm, {}, kStart).ok());
    material.erase(material.begin() + 16);
    for (const Encryption encryption :
         {Encryption::kAesCcm16, Encryption::kAesCcm12, Encryption::kAesCcm8,
          Encryption::kAesCcm8Iiv}) {
      SaParameters ccm = gcm;
      ccm.spi = Spi{0x2022};
      ccm.encryption = encryption;
      ccm.encryption_key = SecretBytes(material);
      EXPECT_EQ(sadb.Add(ccm, {}, kStart).ok(), first != 3);
      EXPECT_EQ(sadb.Delete(ccm.identity()).ok(), first != 3);
    }
  }
}

// DEF-40
// IIV-03
// GCM-09, CTR-06, CCM-07: in either direction, whatever counts with the key.
TEST_F(SaAlgorithms, ShareNoCounterKeys) {
  RecordingSink sink;
  Sadb sadb(sink);
  SaParameters gcm = GcmSa(0x1011);
  ASSERT_TRUE(sadb.Add(gcm, {}, kStart).ok());
  const auto with_its_key = [&](SaParameters sa) {
    sa.spi = Spi{0x2022};
    sa.direction = Direction::kInbound;
    return sadb.Add(sa, {}, kStart);
  };
  SaParameters ctr = gcm;
  ctr.encryption = Encryption::kAesCtr;
  ctr.integrity = Integrity::kHmacSha2_256_128;
  ctr.integrity_key = Key(32);
  SaParameters short_icv = gcm;
  short_icv.encryption = Encryption::kAesGcm8;
  SaParameters implicit = gcm;
  implicit.encryption = Encryption::kAesGcm16Iiv;
  SaParameters ah = AhSa();
  ah.integrity = Integrity::kAes128Gmac;
  ah.integrity_key = gcm.encryption_key;
  for (const SaParameters& sa : {gcm, ctr, short_icv, implicit, ah}) {
    const Status refused = with_its_key(sa);
    ASSERT_FALSE(refused.ok()) << InfoOf(sa.encryption).name;
    EXPECT_THAT(refused.error().message, HasSubstr("would use the same IVs"));
  }
}

}  // namespace
}  // namespace postern
