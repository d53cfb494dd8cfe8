// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/algorithm.h"

#include <algorithm>
#include <array>

namespace postern {
namespace {

using EncryptionKind = EncryptionInfo::Kind;
using IvRule = EncryptionInfo::IvRule;

constexpr std::array<std::size_t, 1> kNoKey = {0};
constexpr std::array<std::size_t, 3> kAesKeys = {16, 24, 32};

// ESP ends its trailer on a 4-octet boundary whatever the cipher (RFC 4303
// 2.4), so no block is smaller than that.
constexpr std::array<EncryptionInfo, 3> kEncryptions = {{
    {.id = Encryption::kNull,
     .name = "null",
     .rfc = "RFC 2410",
     .ikev2_id = 11,
     .pfkey_id = 11,
     .kind = EncryptionKind::kNull,
     .iv_rule = IvRule::kNoIv,
     .key_sizes = kNoKey,
     .salt = 0,
     .iv = 0,
     .icv = 0,
     .block = 4},
    {.id = Encryption::kAesCbc,
     .name = "aes-cbc",
     .rfc = "RFC 3602",
     .ikev2_id = 12,
     .pfkey_id = 12,
     .kind = EncryptionKind::kCipher,
     .iv_rule = IvRule::kUnpredictable,
     .key_sizes = kAesKeys,
     .salt = 0,
     .iv = 16,
     .icv = 0,
     .block = 16},
    {.id = Encryption::kAesGcm16,
     .name = "aes-gcm-16",
     .rfc = "RFC 4106",
     .ikev2_id = 20,
     .pfkey_id = 20,
     .kind = EncryptionKind::kAead,
     .iv_rule = IvRule::kCounter,
     .key_sizes = kAesKeys,
     .salt = 4,
     .iv = 8,
     .icv = 16,
     .block = 4},
}};

constexpr std::array<IntegrityInfo, 3> kIntegrities = {{
    {.id = Integrity::kNone,
     .name = "none",
     .rfc = "RFC 4303",
     .ikev2_id = 0,
     .pfkey_id = 0,
     .key = 0,
     .icv = 0},
    {.id = Integrity::kHmacSha1_96,
     .name = "hmac-sha1-96",
     .rfc = "RFC 2404",
     .ikev2_id = 2,
     .pfkey_id = 3,
     .key = 20,
     .icv = 12},
    {.id = Integrity::kHmacSha2_256_128,
     .name = "hmac-sha2-256-128",
     .rfc = "RFC 4868",
     .ikev2_id = 12,
     .pfkey_id = 5,
     .key = 32,
     .icv = 16},
}};

template <typename Table>
constexpr bool InOrder(const Table& table) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].id) != i) {
      return false;
    }
  }
  return true;
}

static_assert(InOrder(kEncryptions) && InOrder(kIntegrities),
              "the tables must list the algorithms in enum order");

template <typename Table>
auto FindByName(const Table& table, std::string_view name) {
  const auto* const found =
      std::find_if(table.begin(), table.end(),
                   [name](const auto& info) { return info.name == name; });
  return found == table.end() ? nullptr : found;
}

}  // namespace

const EncryptionInfo& InfoOf(Encryption encryption) {
  return kEncryptions[static_cast<std::size_t>(encryption)];
}

const IntegrityInfo& InfoOf(Integrity integrity) {
  return kIntegrities[static_cast<std::size_t>(integrity)];
}

std::span<const EncryptionInfo> AllEncryptions() {
  return kEncryptions;
}

std::span<const IntegrityInfo> AllIntegrities() {
  return kIntegrities;
}

const EncryptionInfo* FindEncryption(std::string_view name) {
  return FindByName(kEncryptions, name);
}

const IntegrityInfo* FindIntegrity(std::string_view name) {
  return FindByName(kIntegrities, name);
}

}  // namespace postern
