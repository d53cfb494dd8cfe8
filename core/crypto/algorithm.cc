// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/algorithm.h"

#include <algorithm>
#include <array>

namespace postern {
namespace {

using Kind = EncryptionInfo::Kind;
using IvRule = EncryptionInfo::IvRule;

constexpr std::array<std::size_t, 1> kNoKey = {0};
constexpr std::array<std::size_t, 3> kAesKeys = {16, 24, 32};
constexpr std::array<std::size_t, 1> k256BitKey = {32};
constexpr std::array<std::size_t, 1> kTripleDesKey = {24};
constexpr std::array<std::size_t, 1> kDesKey = {8};

// What one key of a 64-bit cipher may protect (NIST SP 800-67r2 3.3.2).
constexpr std::uint64_t kSmallBlocks = std::uint64_t{1} << 20;

// ESP ends its trailer on a 4-octet boundary whatever the cipher (RFC 4303
// 2.4), so no block is smaller than that.
// clang-format off
constexpr std::array<EncryptionInfo, 17> kEncryptions = {{
    // id, name, RFC, IKEv2, PF_KEY, RFC 8221,
    // kind, IV rule, key sizes, salt, iv, icv, block, most octets
    {Encryption::kNull,                "null",                  "RFC 2410", 11, 11, Rfc8221::kMust,
     Kind::kNull,   IvRule::kNoIv,          kNoKey,        0, 0,  0,  4,  0},
    {Encryption::kAesCbc,              "aes-cbc",               "RFC 3602", 12, 12, Rfc8221::kMust,
     Kind::kCipher, IvRule::kUnpredictable, kAesKeys,      0, 16, 0,  16, 0},
    {Encryption::kAesGcm16,            "aes-gcm-16",            "RFC 4106", 20, 20, Rfc8221::kMust,
     Kind::kAead,   IvRule::kCounter,       kAesKeys,      4, 8,  16, 4,  0},
    {Encryption::kAesGcm12,            "aes-gcm-12",            "RFC 4106", 19, 19, Rfc8221::kUnnamed,
     Kind::kAead,   IvRule::kCounter,       kAesKeys,      4, 8,  12, 4,  0},
    {Encryption::kAesGcm8,             "aes-gcm-8",             "RFC 4106", 18, 18, Rfc8221::kUnnamed,
     Kind::kAead,   IvRule::kCounter,       kAesKeys,      4, 8,  8,  4,  0},
    {Encryption::kAesCtr,              "aes-ctr",               "RFC 3686", 13, 13, Rfc8221::kUnnamed,
     Kind::kCipher, IvRule::kCounter,       kAesKeys,      4, 8,  0,  4,  0},
    {Encryption::kAesCcm16,            "aes-ccm-16",            "RFC 4309", 16, 16, Rfc8221::kUnnamed,
     Kind::kAead,   IvRule::kCounter,       kAesKeys,      3, 8,  16, 4,  0},
    {Encryption::kAesCcm12,            "aes-ccm-12",            "RFC 4309", 15, 15, Rfc8221::kUnnamed,
     Kind::kAead,   IvRule::kCounter,       kAesKeys,      3, 8,  12, 4,  0},
    {Encryption::kAesCcm8,             "aes-ccm-8",             "RFC 4309", 14, 14, Rfc8221::kShould,
     Kind::kAead,   IvRule::kCounter,       kAesKeys,      3, 8,  8,  4,  0},
    {Encryption::kChaCha20Poly1305,    "chacha20-poly1305",     "RFC 7634", 28, 0,  Rfc8221::kShould,
     Kind::kAead,   IvRule::kCounter,       k256BitKey,    4, 8,  16, 4,  0},
    {Encryption::kNullAuthAesGmac,     "null-auth-aes-gmac",    "RFC 4543", 21, 23, Rfc8221::kUnnamed,
     Kind::kGmac,   IvRule::kCounter,       kAesKeys,      4, 8,  16, 4,  0},
    {Encryption::kCamelliaCbc,         "camellia-cbc",          "RFC 4312", 23, 22, Rfc8221::kUnnamed,
     Kind::kCipher, IvRule::kUnpredictable, kAesKeys,      0, 16, 0,  16, 0},
    {Encryption::kAesGcm16Iiv,         "aes-gcm-16-iiv",        "RFC 8750", 30, 0,  Rfc8221::kUnnamed,
     Kind::kAead,   IvRule::kImplicit,      kAesKeys,      4, 0,  16, 4,  0},
    {Encryption::kAesCcm8Iiv,          "aes-ccm-8-iiv",         "RFC 8750", 29, 0,  Rfc8221::kUnnamed,
     Kind::kAead,   IvRule::kImplicit,      kAesKeys,      3, 0,  8,  4,  0},
    {Encryption::kChaCha20Poly1305Iiv, "chacha20-poly1305-iiv", "RFC 8750", 31, 0,  Rfc8221::kUnnamed,
     Kind::kAead,   IvRule::kImplicit,      k256BitKey,    4, 0,  16, 4,  0},
    {Encryption::kTripleDesCbc,        "3des-cbc",              "RFC 2451", 3,  3,  Rfc8221::kShouldNot,
     Kind::kCipher, IvRule::kUnpredictable, kTripleDesKey, 0, 8,  0,  8,  kSmallBlocks * 8},
    {Encryption::kDesCbc,              "des-cbc",               "RFC 2405", 2,  2,  Rfc8221::kMustNot,
     Kind::kCipher, IvRule::kUnpredictable, kDesKey,       0, 8,  0,  8,  kSmallBlocks * 8},
}};

// "none" is for what brings integrity of its own: a MUST there and a MUST NOT
// elsewhere.
constexpr std::array<IntegrityInfo, 11> kIntegrities = {{
    // id, name, RFC, IKEv2, PF_KEY, RFC 8221,
    // kind, key, salt, iv, icv
    {Integrity::kNone,             "none",              "RFC 4303", 0,  0, Rfc8221::kMust,
     IntegrityInfo::Kind::kNone,     0,  0, 0, 0},
    {Integrity::kHmacSha1_96,      "hmac-sha1-96",      "RFC 2404", 2,  3, Rfc8221::kMustMinus,
     IntegrityInfo::Kind::kHmac,     20, 0, 0, 12},
    {Integrity::kHmacSha2_256_128, "hmac-sha2-256-128", "RFC 4868", 12, 5, Rfc8221::kMust,
     IntegrityInfo::Kind::kHmac,     32, 0, 0, 16},
    {Integrity::kHmacSha2_384_192, "hmac-sha2-384-192", "RFC 4868", 13, 6, Rfc8221::kUnnamed,
     IntegrityInfo::Kind::kHmac,     48, 0, 0, 24},
    {Integrity::kHmacSha2_512_256, "hmac-sha2-512-256", "RFC 4868", 14, 7, Rfc8221::kShould,
     IntegrityInfo::Kind::kHmac,     64, 0, 0, 32},
    {Integrity::kAesCmac96,        "aes-cmac-96",       "RFC 4494", 8,  0, Rfc8221::kUnnamed,
     IntegrityInfo::Kind::kBlockMac, 16, 0, 0, 12},
    {Integrity::kAesXcbc96,        "aes-xcbc-96",       "RFC 3566", 5,  9, Rfc8221::kShould,
     IntegrityInfo::Kind::kBlockMac, 16, 0, 0, 12},
    {Integrity::kAes128Gmac,       "aes-128-gmac",      "RFC 4543", 9,  0, Rfc8221::kMay,
     IntegrityInfo::Kind::kGmac,     16, 4, 8, 16},
    {Integrity::kAes192Gmac,       "aes-192-gmac",      "RFC 4543", 10, 0, Rfc8221::kUnnamed,
     IntegrityInfo::Kind::kGmac,     24, 4, 8, 16},
    {Integrity::kAes256Gmac,       "aes-256-gmac",      "RFC 4543", 11, 0, Rfc8221::kMay,
     IntegrityInfo::Kind::kGmac,     32, 4, 8, 16},
    {Integrity::kHmacMd5_96,       "hmac-md5-96",       "RFC 2403", 1,  2, Rfc8221::kMustNot,
     IntegrityInfo::Kind::kHmac,     16, 0, 0, 12},
}};

// clang-format on

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

template <typename Table>
std::string EverydayNames(const Table& table) {
  std::string names;
  for (const auto& info : table) {
    if (!IsLegacy(info.status)) {
      names += (names.empty() ? "" : ", ") + std::string(info.name);
    }
  }
  return names;
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

std::string_view NameOf(Rfc8221 status) {
  switch (status) {
    case Rfc8221::kMust:
      return "MUST";
    case Rfc8221::kMustMinus:
      return "MUST-";
    case Rfc8221::kShould:
      return "SHOULD";
    case Rfc8221::kMay:
      return "MAY";
    case Rfc8221::kUnnamed:
      break;
    case Rfc8221::kShouldNot:
      return "SHOULD NOT";
    case Rfc8221::kMustNot:
      return "MUST NOT";
  }
  return "-";
}

std::string EverydayEncryptions() {
  return EverydayNames(kEncryptions);
}

std::string EverydayIntegrities() {
  return EverydayNames(kIntegrities);
}

std::string ListOfSizes(std::span<const std::size_t> sizes, std::size_t more) {
  std::string text;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) {
      text += i + 1 == sizes.size() ? " or " : ", ";
    }
    text += std::to_string(sizes[i] + more);
  }
  return text + " octets";
}

}  // namespace postern
