// SPDX-License-Identifier: Apache-2.0
//
// Every backend computes what libcrypto does, for every algorithm of the table
// and messages of every length that a packet has, in bursts whose messages
// differ in length; and writes nothing beside what it was given.

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "core/crypto/aead_context.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/gmac_context.h"
#include "core/crypto/legacy.h"
#include "core/crypto/mac_context.h"
#include "tests/support/guarded_octets.h"

namespace postern {
namespace {

using Octets = std::vector<std::uint8_t>;
using Kind = EncryptionInfo::Kind;

constexpr std::size_t kLongest = 9216;  // a jumbo frame

// All of a common packet; of long ones some.
std::vector<std::size_t> Lengths() {
  constexpr std::size_t kCommon = 1500;
  std::vector<std::size_t> lengths;
  for (std::size_t size = 0; size < kLongest;
       size += size < kCommon ? 1 : 241) {
    lengths.push_back(size);
  }
  lengths.push_back(kLongest);
  return lengths;
}

class CryptoBackends : public testing::TestWithParam<CryptoBackend> {
 protected:
  void SetUp() override {
    if (const Status there = CheckBackend(GetParam()); !there.ok()) {
      GTEST_SKIP() << there.error().message;
    }
    ChooseLegacy(LegacyChoice::kAllow);
  }

  void TearDown() override { ChooseLegacy(LegacyChoice::kForbid); }

  Octets Random(std::size_t size) {
    Octets octets(size);
    for (std::uint8_t& octet : octets) {
      octet = static_cast<std::uint8_t>(random_());
    }
    return octets;
  }

  // One message of every length.
  void SealAndOpen(const EncryptionInfo& info, const Octets& key);

  // Bursts of many sizes.
  void Transform(const EncryptionInfo& info, const Octets& key,
                 CipherContext::Use use);

  // Bursts of 32, a message of every length.
  void SignAndVerify(const IntegrityInfo& info, const Octets& key);

  std::mt19937 random_{4};
};

void CryptoBackends::SealAndOpen(const EncryptionInfo& info,
                                 const Octets& key) {
  const auto make = [&](AeadContext::Use use, CryptoBackend backend) {
    return AeadContext::Create(info.id, key, use, backend).value();
  };
  AeadContext sealer = make(AeadContext::Use::kSeal, GetParam());
  AeadContext opener = make(AeadContext::Use::kOpen, GetParam());
  AeadContext oracle = make(AeadContext::Use::kSeal, CryptoBackend::kLibcrypto);
  for (const std::size_t size : Lengths()) {
    const Octets clear = Random(size);
    const Octets nonce = Random(info.nonce());
    const Octets aad = Random(size % 2 == 0 ? 8 : 12);
    GuardedOctets sealed(clear);
    GuardedOctets tag(info.icv);
    ASSERT_TRUE(sealer.Seal(nonce, aad, sealed.octets(), tag.octets()).ok());
    GuardedOctets expected(clear);
    GuardedOctets expected_tag(info.icv);
    ASSERT_TRUE(
        oracle.Seal(nonce, aad, expected.octets(), expected_tag.octets()).ok());
    ASSERT_EQ(sealed, expected) << size;
    ASSERT_EQ(tag, expected_tag) << size;
    ASSERT_TRUE(opener.Open(nonce, aad, sealed.octets(), tag.octets()).ok())
        << size;
    ASSERT_EQ(sealed, GuardedOctets(clear)) << size;
    tag.octets()[size % info.icv] ^= 0x10;
    ASSERT_FALSE(opener.Open(nonce, aad, expected.octets(), tag.octets()).ok())
        << size;
    ASSERT_TRUE(sealed.intact() && tag.intact() && expected.intact()) << size;
  }
}

TEST_P(CryptoBackends, SealAndOpenAsLibcryptoDoes) {
  for (const EncryptionInfo& info : AllEncryptions()) {
    if (info.kind != Kind::kAead) {
      continue;
    }
    for (const std::size_t key_size : info.key_sizes) {
      SCOPED_TRACE(std::string(info.name) + std::to_string(key_size));
      SealAndOpen(info, Random(key_size));
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

TEST_P(CryptoBackends, MakeTheGmacThatLibcryptoMakes) {
  for (const std::size_t key_size : {16U, 24U, 32U}) {
    const Octets key = Random(key_size);
    GmacContext gmac = GmacContext::Create(key, GetParam()).value();
    GmacContext oracle =
        GmacContext::Create(key, CryptoBackend::kLibcrypto).value();
    for (const std::size_t size : Lengths()) {
      const Octets head = Random(size % 3 * 4);
      const Octets body = Random(size);
      const Octets nonce = Random(12);
      GuardedOctets tag(16);
      GuardedOctets expected(16);
      ASSERT_TRUE(gmac.Sign(nonce, head, body, tag.octets()).ok());
      ASSERT_TRUE(oracle.Sign(nonce, head, body, expected.octets()).ok());
      ASSERT_EQ(tag, expected) << size;
      ASSERT_TRUE(gmac.Verify(nonce, head, body, tag.octets()).ok()) << size;
      tag.octets()[size % 16] ^= 1;
      ASSERT_FALSE(gmac.Verify(nonce, head, body, tag.octets()).ok()) << size;
    }
  }
}

void CryptoBackends::Transform(const EncryptionInfo& info, const Octets& key,
                               CipherContext::Use use) {
  auto context = CipherContext::Create(info.id, key, use, GetParam()).value();
  auto oracle =
      CipherContext::Create(info.id, key, use, CryptoBackend::kLibcrypto)
          .value();
  const std::size_t block = info.counts_ivs() ? 1 : info.block;
  for (std::size_t count = 1; count <= 40; count += 3) {
    std::vector<Octets> ivs(count);
    std::vector<GuardedOctets> got;
    std::vector<CipherContext::Job> jobs(count);
    for (std::size_t i = 0; i < count; ++i) {
      ivs[i] = Random(info.counts_ivs() ? 16 : info.iv);
      const std::size_t longest = i % 8 == 0 ? kLongest : 1500;
      got.emplace_back(Random(block * (random_() % (longest / block + 1))));
    }
    std::vector<GuardedOctets> expected = got;
    for (std::size_t i = 0; i < count; ++i) {
      jobs[i].iv = ivs[i];
      jobs[i].octets = got[i].octets();
    }
    context.Transform(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(jobs[i].outcome.ok());
      ASSERT_TRUE(oracle.Transform(ivs[i], expected[i].octets()).ok());
      ASSERT_EQ(got[i], expected[i]) << count;
      ASSERT_TRUE(got[i].intact()) << count;
    }
  }
}

TEST_P(CryptoBackends, TransformAsLibcryptoDoes) {
  for (const EncryptionInfo& info : AllEncryptions()) {
    if (info.kind != Kind::kCipher || !CheckUsable(info.id).ok()) {
      continue;
    }
    for (const std::size_t key_size : info.key_sizes) {
      SCOPED_TRACE(std::string(info.name) + std::to_string(key_size));
      const Octets key = Random(key_size);
      Transform(info, key, CipherContext::Use::kEncrypt);
      Transform(info, key, CipherContext::Use::kDecrypt);
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

void CryptoBackends::SignAndVerify(const IntegrityInfo& info,
                                   const Octets& key) {
  auto context = MacContext::Create(info.id, key, GetParam()).value();
  auto oracle =
      MacContext::Create(info.id, key, CryptoBackend::kLibcrypto).value();
  constexpr std::size_t kTogether = 32;
  const std::vector<std::size_t> lengths = Lengths();
  const Octets octets = Random(kLongest);
  for (std::size_t at = 0; at < lengths.size(); at += kTogether) {
    const std::size_t count = std::min(kTogether, lengths.size() - at);
    std::vector<GuardedOctets> icvs(count, GuardedOctets(info.icv));
    std::vector<MacContext::SignJob> jobs(count);
    for (std::size_t i = 0; i < count; ++i) {
      jobs[i].message = ConstBytes(octets).first(lengths[at + i]);
      jobs[i].icv = icvs[i].octets();
    }
    context.Sign(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(jobs[i].outcome.ok());
      ASSERT_TRUE(icvs[i].intact());
      ASSERT_TRUE(oracle.Verify(jobs[i].message, icvs[i].octets()).ok())
          << lengths[at + i] << " octets, a key of " << key.size();
    }
  }
}

TEST_P(CryptoBackends, SignAsLibcryptoDoes) {
  for (const IntegrityInfo& info : AllIntegrities()) {
    SCOPED_TRACE(info.name);
    if (info.kind == IntegrityInfo::Kind::kBlockMac) {
      SignAndVerify(info, Random(info.key));
    }
    if (info.kind != IntegrityInfo::Kind::kHmac) {
      continue;
    }
    // Shorter than a block of the hash, as long, and longer.
    for (const std::size_t size : {1U, 20U, 64U, 65U, 128U, 129U, 200U}) {
      SignAndVerify(info, Random(size));
      if (HasFatalFailure()) {
        return;
      }
    }
  }
}

std::string NameOfBackend(const testing::TestParamInfo<CryptoBackend>& info) {
  return info.param == CryptoBackend::kIpsecMb ? "IpsecMb" : "Libcrypto";
}

INSTANTIATE_TEST_SUITE_P(Every, CryptoBackends,
                         testing::ValuesIn(AllBackends()), NameOfBackend);

}  // namespace
}  // namespace postern
