// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/backend.h"

#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/crypto/mac_context.h"

namespace postern {
namespace {

using testing::HasSubstr;

// Gives the process its backend back.
class Backend : public testing::Test {
 protected:
  ~Backend() override { EXPECT_TRUE(ChooseBackend(before_).ok()); }

 private:
  CryptoBackend before_ = ChosenBackend();
};

TEST_F(Backend, IsFoundByItsName) {
  for (const CryptoBackend backend : AllBackends()) {
    EXPECT_EQ(*FindBackend(NameOf(backend)), backend);
  }
  const auto unknown = FindBackend("openssl");
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(unknown.error().message, HasSubstr("\"libcrypto\""));
}

TEST_F(Backend, IsLibcryptoAtLeast) {
  EXPECT_TRUE(CheckBackend(CryptoBackend::kLibcrypto).ok());
  EXPECT_THAT(Describe(CryptoBackend::kLibcrypto), HasSubstr("OpenSSL 3."));
  EXPECT_TRUE(CheckBackend(BestBackend()).ok());
}

TEST_F(Backend, IsChosenForWhatIsMadeLater) {
  for (const CryptoBackend backend : AllBackends()) {
    if (CheckBackend(backend).ok()) {
      ASSERT_TRUE(ChooseBackend(backend).ok());
      EXPECT_EQ(ChosenBackend(), backend);
      EXPECT_THAT(Describe(backend),
                  testing::AnyOf(HasSubstr("OpenSSL"), HasSubstr("ipsec-mb")));
    }
  }
}

// Says what is missing and what to write instead, and changes nothing.
TEST_F(Backend, IsRefusedWhereItIsNotThere) {
  const Status there = CheckBackend(CryptoBackend::kIpsecMb);
  if (there.ok()) {
    GTEST_SKIP() << "ipsec-mb is there";
  }
  EXPECT_EQ(there.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(there.error().message, HasSubstr("\"auto\""));
  EXPECT_FALSE(ChooseBackend(CryptoBackend::kIpsecMb).ok());
  EXPECT_EQ(ChosenBackend(), CryptoBackend::kLibcrypto);
  const std::vector<std::uint8_t> key(20, 1);
  EXPECT_EQ(
      MacContext::Create(Integrity::kHmacSha1_96, key, CryptoBackend::kIpsecMb)
          .error()
          .code,
      ErrorCode::kUnsupported);
}

// RFC 2202, case 1, by many threads at once: each has lanes of its own, whoever
// made the context.
TEST_F(Backend, ServesEachThread) {
  const std::vector<std::uint8_t> key(20, 0x0b);
  const std::vector<std::uint8_t> text = {'H', 'i', ' ', 'T',
                                          'h', 'e', 'r', 'e'};
  std::vector<MacContext> contexts;
  std::vector<std::thread> threads;
  std::vector<std::vector<std::uint8_t>> icvs(8 * 32,
                                              std::vector<std::uint8_t>(12));
  for (std::size_t i = 0; i < 8; ++i) {
    contexts.push_back(
        MacContext::Create(Integrity::kHmacSha1_96, key).value());
  }
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    threads.emplace_back([&, i] {
      std::vector<MacContext::SignJob> jobs(32);
      for (std::size_t j = 0; j < jobs.size(); ++j) {
        jobs[j].message = text;
        jobs[j].icv = icvs[32 * i + j];
      }
      for (int round = 0; round < 50; ++round) {
        contexts[i].Sign(jobs);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::vector<std::uint8_t> expected = {
      0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72, 0x64, 0xe2, 0x8b, 0xc0, 0xb6};
  EXPECT_THAT(icvs, testing::Each(expected));
}

}  // namespace
}  // namespace postern
