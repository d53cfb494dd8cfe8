// SPDX-License-Identifier: Apache-2.0

#include "policy/algorithm_set.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/crypto/legacy.h"
#include "sadb/sa_strength.h"

namespace postern {
namespace {

SecretBytes Key(std::size_t octets) {
  return SecretBytes(std::vector<std::uint8_t>(octets, 0x5a));
}

SaParameters Gcm(std::size_t key) {
  SaParameters sa;
  sa.encryption = Encryption::kAesGcm16;
  sa.encryption_key = Key(key + 4);  // and its salt
  return sa;
}

SaParameters Cbc(std::size_t key, Integrity integrity, std::size_t mac_key) {
  SaParameters sa;
  sa.encryption = Encryption::kAesCbc;
  sa.encryption_key = Key(key);
  sa.integrity = integrity;
  sa.integrity_key = Key(mac_key);
  return sa;
}

SaParameters Ah(Integrity integrity, std::size_t key) {
  SaParameters sa;
  sa.protocol = IpsecProtocol::kAh;
  sa.integrity = integrity;
  sa.integrity_key = Key(key);
  return sa;
}

const SaParameters kGcm128 = Gcm(16);
const SaParameters kGcm256 = Gcm(32);
const SaParameters kCbc256 = Cbc(32, Integrity::kHmacSha2_256_128, 32);
const SaParameters kCbc128Sha1 = Cbc(16, Integrity::kHmacSha1_96, 20);
const SaParameters kNullCipher = [] {
  SaParameters sa = Cbc(0, Integrity::kHmacSha2_256_128, 32);
  sa.encryption = Encryption::kNull;
  return sa;
}();
const SaParameters kAhSha1 = Ah(Integrity::kHmacSha1_96, 20);
const SaParameters kAhSha256 = Ah(Integrity::kHmacSha2_256_128, 32);

// The names of those of the SAs above that a list allows.
std::string Allowed(const std::string& list) {
  const auto set = AlgorithmSet::Parse(list);
  if (!set.ok()) {
    return set.error().code == ErrorCode::kUnsupported ? "unsupported"
                                                       : "invalid";
  }
  std::string names;
  const auto add = [&](const SaParameters& sa, const char* name) {
    names += set->Allows(sa) ? name : "";
  };
  add(kGcm128, "G128 ");
  add(kGcm256, "G256 ");
  add(kCbc256, "C256 ");
  add(kCbc128Sha1, "C128 ");
  add(kNullCipher, "N ");
  add(kAhSha1, "A1 ");
  add(kAhSha256, "A256 ");
  return names;
}

TEST(AlgorithmSet, AllowsEverythingWithoutAList) {
  EXPECT_EQ(Allowed(""), "G128 G256 C256 C128 N A1 A256 ");
  EXPECT_TRUE(AlgorithmSet().is_everything());
}

// API-39
TEST(AlgorithmSet, AllowsWhatTheListNames) {
  EXPECT_EQ(Allowed("aes256gcm16"), "G256 A1 A256 ");
  EXPECT_EQ(Allowed("aes-gcm-16"), "G128 G256 A1 A256 ");
  EXPECT_EQ(Allowed("AES256-GCM-16,aes128gcm16"), "G128 G256 A1 A256 ");
  EXPECT_EQ(Allowed("aes256"), "C256 A1 A256 ");
  EXPECT_EQ(Allowed("aes,sha1"), "C128 A1 ");
  EXPECT_EQ(Allowed("sha256"), "G128 G256 C256 N A256 ");
  EXPECT_EQ(Allowed("hmac-sha1-96"), "G128 G256 C128 A1 ");
  EXPECT_EQ(Allowed("null"), "N A1 A256 ");
}

// Every algorithm and key size of the table has a word, and its SA is what the
// word allows.
TEST(AlgorithmSet, HasAWordForEveryAlgorithm) {
  constexpr auto kTaken = AlgorithmSet::Legacy::kTaken;
  for (const EncryptionInfo& info : AllEncryptions()) {
    const auto named = AlgorithmSet::Parse(info.name, kTaken);
    ASSERT_TRUE(named.ok()) << info.name;
    SaParameters sa;
    sa.encryption = info.id;
    sa.encryption_key = Key(info.key_sizes.front() + info.salt);
    EXPECT_TRUE(named->Allows(sa)) << info.name;
    EXPECT_EQ(named->Allows(kGcm128), info.id == Encryption::kAesGcm16);
  }
  for (const IntegrityInfo& info : AllIntegrities()) {
    if (info.id != Integrity::kNone) {
      const auto named = AlgorithmSet::Parse(info.name, kTaken);
      ASSERT_TRUE(named.ok()) << info.name;
      EXPECT_TRUE(named->Allows(Ah(info.id, info.material()))) << info.name;
      EXPECT_EQ(named->Allows(kAhSha1), info.id == Integrity::kHmacSha1_96);
    }
  }
  EXPECT_FALSE(AlgorithmSet::Parse("aes256ccm8")->Allows(kGcm256));
}

// ALG-07 ALG-08: by name, also where another one would do.
TEST(AlgorithmSet, NamesNoLegacyAlgorithmUnlessTheyAreAllowed) {
  for (const std::string name : {"3des-cbc", "des-cbc", "hmac-md5-96"}) {
    for (const std::string& list : {name, "aes256gcm16," + name}) {
      const auto refused = AlgorithmSet::Parse(list);
      ASSERT_FALSE(refused.ok()) << list;
      EXPECT_EQ(refused.error().code, ErrorCode::kForbidden);
      EXPECT_NE(refused.error().message.find(name), std::string::npos);
      // What was taken while they were allowed is read back nevertheless.
      EXPECT_TRUE(AlgorithmSet::Parse(list, AlgorithmSet::Legacy::kTaken).ok());
    }
    ChooseLegacy(LegacyChoice::kAllow);
    EXPECT_TRUE(AlgorithmSet::Parse(name).ok());
    ChooseLegacy(LegacyChoice::kForbid);
  }
}

TEST(AlgorithmSet, PassesOverWhatNoSaCanHave) {
  EXPECT_EQ(Allowed("aes256gcm16,serpent"), "G256 A1 A256 ");
  EXPECT_EQ(Allowed("serpent"), "unsupported");
  EXPECT_EQ(Allowed("aes512gcm16"), "unsupported");
}

TEST(AlgorithmSet, RefusesWhatIsNoList) {
  for (const char* text : {",", "aes,", ",aes", "aes,,sha1", "aes sha1",
                           "aes;sha1", " aes", "aes\n"}) {
    EXPECT_EQ(Allowed(text), "invalid") << text;
  }
  EXPECT_EQ(Allowed(std::string(256, 'a')), "invalid");
}

TEST(AlgorithmSet, KnowsWhatIsWithinIt) {
  const auto set = [](const char* text) { return *AlgorithmSet::Parse(text); };
  EXPECT_TRUE(set("aes256gcm16").IsWithin(set("aes-gcm-16")));
  EXPECT_FALSE(set("aes-gcm-16").IsWithin(set("aes256gcm16")));
  EXPECT_TRUE(set("aes").IsWithin(AlgorithmSet()));
  EXPECT_FALSE(AlgorithmSet().IsWithin(set("sha256")));
}

// API-42: what a user may choose who may only strengthen.
TEST(AlgorithmSet, KnowsWhetherItLeavesOutOnlyTheWeakest) {
  const auto may = [](const char* text) {
    return AlgorithmSet::Parse(text)->LeavesOutTheWeakest();
  };
  EXPECT_TRUE(may(""));
  EXPECT_TRUE(may("aes256gcm16"));  // nothing is longer than 256 bits
  EXPECT_FALSE(may("aes128gcm16"));
  EXPECT_FALSE(may("aes-gcm-16"));  // has 128 bits, leaves out CBC with 256
  EXPECT_FALSE(may("null"));
  EXPECT_FALSE(may("null256authaesgmac"));  // encrypts nothing
  EXPECT_FALSE(may("sha1"));
}

TEST(SaStrength, IsTheShortestKey) {
  EXPECT_EQ(KeyBits(kGcm256), 256u);
  EXPECT_EQ(KeyBits(kCbc128Sha1), 128u);
  EXPECT_EQ(KeyBits(Cbc(32, Integrity::kHmacSha1_96, 20)), 160u);
  EXPECT_EQ(KeyBits(kNullCipher), 0u);
  EXPECT_EQ(KeyBits(kAhSha1), 160u);
  // Salts are no key, and GMAC encrypts nothing.
  EXPECT_EQ(KeyBits(Ah(Integrity::kAes128Gmac, 20)), 128u);
  SaParameters gmac = Gcm(16);
  gmac.encryption = Encryption::kNullAuthAesGmac;
  EXPECT_EQ(KeyBits(gmac), 0u);
  EXPECT_GE(StrongestKeyBits(), 256u);
}

TEST(SaStrength, NamesTheAlgorithms) {
  EXPECT_EQ(AlgorithmsOf(kGcm128), "aes-gcm-16");
  EXPECT_EQ(AlgorithmsOf(kCbc256), "aes-cbc,hmac-sha2-256-128");
  EXPECT_EQ(AlgorithmsOf(kAhSha1), "hmac-sha1-96");
}

}  // namespace
}  // namespace postern
