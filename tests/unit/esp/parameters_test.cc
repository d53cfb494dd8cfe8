// SPDX-License-Identifier: Apache-2.0

#include "esp/parameters.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "esp/opener.h"
#include "tests/unit/esp/esp_sas.h"

namespace postern::esp {
namespace {

TEST(EspParameters, OfEveryAlgorithmFitInBothModes) {
  for (const Parameters& sa : AllTransportSas()) {
    EXPECT_TRUE(Sealer::Create(sa).ok());
    EXPECT_TRUE(Opener::Create(sa).ok());
    EXPECT_TRUE(Sealer::Create(InTunnel(sa, IpFamily::kV4)).ok());
    EXPECT_TRUE(Opener::Create(InTunnel(sa, IpFamily::kV6)).ok());
  }
}

// ESP-37: the transform can; the SADB says no.
TEST(EspParameters, MayLeaveIntegrityOutForPublishedVectors) {
  Parameters sa = CbcSa();
  sa.integrity = Integrity::kNone;
  sa.integrity_key = SecretBytes();
  EXPECT_TRUE(Sealer::Create(sa).ok());
}

struct Refusal {
  std::string what;
  std::function<void(Parameters&)> spoil;
  std::string says;
};

// GCM-04, GCM-08, AUT-01, AUT-02, CBC-06, ESP-25
TEST(EspParameters, ThatDoNotFitAreRefusedWithASentence) {
  const std::vector<Refusal> refusals = {
      {"key", [](Parameters& sa) { sa.encryption_key = TestKey(20, 1); },
       "an encryption key of 20 octets does not fit aes-gcm-16: give 16, 24 or "
       "32 octets"},
      {"salt", [](Parameters& sa) { sa.salt = TestKey(3, 1); },
       "a salt of 3 octets does not fit aes-gcm-16: give 4 octets"},
      {"AEAD with MAC",
       [](Parameters& sa) {
         sa.integrity = Integrity::kHmacSha1_96;
         sa.integrity_key = TestKey(20, 1);
       },
       "aes-gcm-16 brings its own integrity"},
      {"integrity key",
       [](Parameters& sa) {
         sa = CbcSa();
         sa.integrity_key = TestKey(16, 1);
       },
       "an integrity key of 16 octets does not fit hmac-sha2-256-128: give 32 "
       "octets"},
      {"key of nothing",
       [](Parameters& sa) {
         sa = NullSa();
         sa.encryption_key = TestKey(16, 1);
       },
       "an encryption key of 16 octets does not fit null: give 0 octets"},
      {"neither",
       [](Parameters& sa) {
         sa = NullSa();
         sa.integrity = Integrity::kNone;
         sa.integrity_key = SecretBytes();
       },
       "protects nothing"},
      {"tunnel without ends",
       [](Parameters& sa) { sa.mode = IpsecMode::kTunnel; },
       "give both endpoints"},
      {"transport with ends",
       [](Parameters& sa) {
         sa = InTunnel(sa, IpFamily::kV4);
         sa.mode = IpsecMode::kTransport;
       },
       "leave the tunnel endpoints out"},
      {"mixed ends",
       [](Parameters& sa) {
         sa = InTunnel(sa, IpFamily::kV4);
         sa.tunnel->endpoints.source = IpAddress::Parse("::1").value();
       },
       "different families"},
  };
  for (const Refusal& refusal : refusals) {
    Parameters sa = GcmSa();
    refusal.spoil(sa);
    const Result<Sealer> sealer = Sealer::Create(sa);
    ASSERT_FALSE(sealer.ok()) << refusal.what;
    EXPECT_EQ(sealer.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(sealer.error().message, testing::HasSubstr(refusal.says));
    EXPECT_FALSE(Opener::Create(sa).ok()) << refusal.what;
  }
}

}  // namespace
}  // namespace postern::esp
