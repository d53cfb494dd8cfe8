// SPDX-License-Identifier: Apache-2.0
//
// Every backend computes what libcrypto does, for messages of every length
// that a packet has, in bursts whose messages differ in length.

#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

#include "core/crypto/aead_context.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/mac_context.h"

namespace postern {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::size_t kLongest = 1500;

class CryptoBackends : public testing::TestWithParam<CryptoBackend> {
 protected:
  void SetUp() override {
    if (const Status there = CheckBackend(GetParam()); !there.ok()) {
      GTEST_SKIP() << there.error().message;
    }
  }

  Octets Random(std::size_t size) {
    Octets octets(size);
    for (std::uint8_t& octet : octets) {
      octet = static_cast<std::uint8_t>(random_());
    }
    return octets;
  }

  std::mt19937 random_{4};
};

TEST_P(CryptoBackends, SealAndOpenAsLibcryptoDoes) {
  for (const std::size_t key_size : {16U, 24U, 32U}) {
    const Octets key = Random(key_size);
    const auto make = [&key](AeadContext::Use use, CryptoBackend backend) {
      return AeadContext::Create(Encryption::kAesGcm16, key, use, backend)
          .value();
    };
    AeadContext sealer = make(AeadContext::Use::kSeal, GetParam());
    AeadContext opener = make(AeadContext::Use::kOpen, GetParam());
    AeadContext oracle =
        make(AeadContext::Use::kSeal, CryptoBackend::kLibcrypto);
    for (std::size_t size = 0; size <= kLongest; ++size) {
      const Octets clear = Random(size);
      const Octets nonce = Random(12);
      const Octets aad = Random(size % 2 == 0 ? 8 : 12);
      Octets sealed = clear;
      Octets tag(16);
      ASSERT_TRUE(sealer.Seal(nonce, aad, sealed, tag).ok());
      Octets expected = clear;
      Octets expected_tag(16);
      ASSERT_TRUE(oracle.Seal(nonce, aad, expected, expected_tag).ok());
      ASSERT_EQ(sealed, expected) << size;
      ASSERT_EQ(tag, expected_tag) << size;
      ASSERT_TRUE(opener.Open(nonce, aad, sealed, tag).ok()) << size;
      ASSERT_EQ(sealed, clear) << size;
      tag[size % 16] ^= 0x10;
      ASSERT_FALSE(opener.Open(nonce, aad, expected, tag).ok()) << size;
    }
  }
}

TEST_P(CryptoBackends, TransformAsLibcryptoDoes) {
  for (const std::size_t key_size : {16U, 24U, 32U}) {
    const Octets key = Random(key_size);
    for (const auto use :
         {CipherContext::Use::kEncrypt, CipherContext::Use::kDecrypt}) {
      auto context =
          CipherContext::Create(Encryption::kAesCbc, key, use, GetParam())
              .value();
      auto oracle = CipherContext::Create(Encryption::kAesCbc, key, use,
                                          CryptoBackend::kLibcrypto)
                        .value();
      for (std::size_t count = 1; count <= 40; count += 3) {
        std::vector<Octets> ivs(count);
        std::vector<Octets> got(count);
        std::vector<CipherContext::Job> jobs(count);
        for (std::size_t i = 0; i < count; ++i) {
          ivs[i] = Random(16);
          got[i] = Random(16 * (random_() % 94));
          jobs[i].iv = ivs[i];
          jobs[i].octets = got[i];
        }
        std::vector<Octets> expected = got;
        context.Transform(jobs);
        for (std::size_t i = 0; i < count; ++i) {
          ASSERT_TRUE(jobs[i].outcome.ok());
          ASSERT_TRUE(oracle.Transform(ivs[i], expected[i]).ok());
        }
        ASSERT_EQ(got, expected) << count;
      }
    }
  }
}

TEST_P(CryptoBackends, SignAsLibcryptoDoes) {
  for (const Integrity algorithm :
       {Integrity::kHmacSha1_96, Integrity::kHmacSha2_256_128}) {
    // Shorter than a block of the hash, as long, and longer.
    for (const std::size_t key_size : {1U, 20U, 32U, 64U, 65U, 200U}) {
      const Octets key = Random(key_size);
      auto context = MacContext::Create(algorithm, key, GetParam()).value();
      auto oracle =
          MacContext::Create(algorithm, key, CryptoBackend::kLibcrypto).value();
      constexpr std::size_t kTogether = 32;
      for (std::size_t size = 0; size <= kLongest; size += kTogether) {
        const Octets octets = Random(size + kTogether);
        std::vector<Octets> icvs(kTogether, Octets(InfoOf(algorithm).icv));
        std::vector<MacContext::SignJob> jobs(kTogether);
        for (std::size_t i = 0; i < kTogether; ++i) {
          jobs[i].message = ConstBytes(octets).first(size + i);
          jobs[i].icv = icvs[i];
        }
        context.Sign(jobs);
        for (std::size_t i = 0; i < kTogether; ++i) {
          ASSERT_TRUE(jobs[i].outcome.ok());
          ASSERT_TRUE(oracle.Verify(jobs[i].message, icvs[i]).ok())
              << size + i << " octets, a key of " << key_size;
        }
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
