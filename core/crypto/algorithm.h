// SPDX-License-Identifier: Apache-2.0
//
// The one table of algorithms: names, RFCs, numbers and sizes. Everything that
// needs to know an algorithm's key, IV or ICV size reads it here.
//
// Sizes are in octets. Keying material is the key, and behind it the salt of
// the algorithms that have one (RFC 4106 8.1, 4309 7.1, 3686 5.1, 7634 2, 4543
// 5.3); `iv` is what travels in each packet.
//
// Numbers: of IANA's IKEv2 registry, and of PF_KEY as Linux has it
// (linux/pfkeyv2.h); 0 where that has none.
//
// Thread safety: constants.

#ifndef POSTERN_CORE_CRYPTO_ALGORITHM_H_
#define POSTERN_CORE_CRYPTO_ALGORITHM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace postern {

enum class Encryption : std::uint8_t {
  kNull,              // RFC 2410
  kAesCbc,            // RFC 3602
  kAesGcm16,          // RFC 4106
  kAesGcm12,          // RFC 4106
  kAesGcm8,           // RFC 4106
  kAesCtr,            // RFC 3686
  kAesCcm16,          // RFC 4309
  kAesCcm12,          // RFC 4309
  kAesCcm8,           // RFC 4309
  kChaCha20Poly1305,  // RFC 7634
  kNullAuthAesGmac,   // RFC 4543
  kCamelliaCbc,       // RFC 4312
  // RFC 8750: the IV is the sequence number, and is not sent.
  kAesGcm16Iiv,
  kAesCcm8Iiv,
  kChaCha20Poly1305Iiv,
  // Legacy (core/crypto/legacy.h).
  kTripleDesCbc,  // RFC 2451
  kDesCbc,        // RFC 2405
};

enum class Integrity : std::uint8_t {
  kNone,
  // The RFCs' names: digest size and truncation run together without the bar.
  // NOLINTBEGIN(readability-identifier-naming)
  kHmacSha1_96,       // RFC 2404
  kHmacSha2_256_128,  // RFC 4868
  kHmacSha2_384_192,  // RFC 4868
  kHmacSha2_512_256,  // RFC 4868
  kAesCmac96,         // RFC 4494
  kAesXcbc96,         // RFC 3566
  // RFC 4543, of AH alone.
  kAes128Gmac,
  kAes192Gmac,
  kAes256Gmac,
  // Legacy (core/crypto/legacy.h).
  kHmacMd5_96,  // RFC 2403
  // NOLINTEND(readability-identifier-naming)
};

// What RFC 8221 (5, 6) asks of implementations.
enum class Rfc8221 : std::uint8_t {
  kMust,
  kMustMinus,  // MUST, and expected to be less one day
  kShould,
  kMay,
  kUnnamed,    // the RFC does not name it; we read that as MAY
  kShouldNot,  // these two: legacy
  kMustNot,
};

struct EncryptionInfo {
  enum class Kind : std::uint8_t {
    kNull,
    kCipher,  // wants a separate integrity algorithm
    kAead,
    kGmac,  // brings integrity like an AEAD, and encrypts nothing
  };
  // How each packet's IV must be chosen.
  enum class IvRule : std::uint8_t {
    kNoIv,
    kUnpredictable,
    kCounter,   // it never repeats: the sequence number
    kImplicit,  // as kCounter, and not sent
  };

  Encryption id;
  std::string_view name;  // "aes-gcm-16"
  std::string_view rfc;
  std::uint16_t ikev2_id;  // IANA IKEv2 transform type 1
  std::uint8_t pfkey_id;   // SADB_EALG_*, SADB_X_EALG_*
  Rfc8221 status;
  Kind kind;
  IvRule iv_rule;
  std::span<const std::size_t> key_sizes;
  std::size_t salt;
  std::size_t iv;
  std::size_t icv;    // of what brings integrity; 0 otherwise
  std::size_t block;  // the plaintext is padded to a multiple of this
  // The most that one key may protect; 0: no bound of its own. 64-bit blocks
  // tell about each other long before 2^32 of them (Sweet32): NIST SP 800-67r2
  // allows 2^20.
  std::uint64_t most_octets;

  // Salt and IV, sent or not.
  std::size_t nonce() const { return salt + 8; }

  bool brings_integrity() const {
    return kind == Kind::kAead || kind == Kind::kGmac;
  }

  // Whether the sequence number is the IV, so that it must never repeat.
  bool counts_ivs() const {
    return iv_rule == IvRule::kCounter || iv_rule == IvRule::kImplicit;
  }
};

struct IntegrityInfo {
  enum class Kind : std::uint8_t { kNone, kHmac, kBlockMac, kGmac };

  Integrity id;
  std::string_view name;  // "hmac-sha2-256-128"
  std::string_view rfc;
  std::uint16_t ikev2_id;  // IANA IKEv2 transform type 3
  std::uint8_t pfkey_id;   // SADB_AALG_*, SADB_X_AALG_*
  Rfc8221 status;
  Kind kind;
  std::size_t key;
  std::size_t salt;
  std::size_t iv;   // in front of the ICV (RFC 4543 4), the sequence number
  std::size_t icv;  // what remains after truncation

  // The keying material, and what stands in the ICV's field.
  std::size_t material() const { return key + salt; }

  std::size_t field() const { return iv + icv; }
};

// Whether an SA may have it only where legacy algorithms are allowed.
constexpr bool IsLegacy(Rfc8221 status) {
  return status == Rfc8221::kShouldNot || status == Rfc8221::kMustNot;
}

// "MUST", "SHOULD NOT"; "-" for kUnnamed.
std::string_view NameOf(Rfc8221 status);

const EncryptionInfo& InfoOf(Encryption encryption);
const IntegrityInfo& InfoOf(Integrity integrity);

std::span<const EncryptionInfo> AllEncryptions();
std::span<const IntegrityInfo> AllIntegrities();

// By table name; nullptr when there is no such algorithm.
const EncryptionInfo* FindEncryption(std::string_view name);
const IntegrityInfo* FindIntegrity(std::string_view name);

// "null, aes-cbc, ...": all but the legacy ones, for people.
std::string EverydayEncryptions();
std::string EverydayIntegrities();

// "16, 24 or 32 octets": each size and `more`.
std::string ListOfSizes(std::span<const std::size_t> sizes,
                        std::size_t more = 0);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_ALGORITHM_H_
