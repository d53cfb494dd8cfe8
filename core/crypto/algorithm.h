// SPDX-License-Identifier: Apache-2.0
//
// The one table of algorithms: names, RFCs, numbers and sizes. Everything that
// needs to know an algorithm's key, IV or ICV size reads it here.
//
// Sizes are in octets. For combined-mode algorithms (AEAD) `salt` is the part
// of the keying material that follows the key (RFC 4106 8.1) and `iv` what
// travels in each packet.
//
// Thread safety: constants.

#ifndef POSTERN_CORE_CRYPTO_ALGORITHM_H_
#define POSTERN_CORE_CRYPTO_ALGORITHM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace postern {

enum class Encryption : std::uint8_t {
  kNull,      // RFC 2410
  kAesCbc,    // RFC 3602
  kAesGcm16,  // RFC 4106
};

enum class Integrity : std::uint8_t {
  kNone,
  // The RFCs' names: digest size and truncation run together without the bar.
  // NOLINTBEGIN(readability-identifier-naming)
  kHmacSha1_96,       // RFC 2404
  kHmacSha2_256_128,  // RFC 4868
  // NOLINTEND(readability-identifier-naming)
};

struct EncryptionInfo {
  enum class Kind : std::uint8_t { kNull, kCipher, kAead };
  // How each packet's IV must be chosen.
  enum class IvRule : std::uint8_t { kNoIv, kUnpredictable, kCounter };

  Encryption id;
  std::string_view name;  // "aes-gcm-16"
  std::string_view rfc;
  std::uint16_t ikev2_id;  // IANA IKEv2 transform type 1
  std::uint8_t pfkey_id;   // SADB_EALG_*, SADB_X_EALG_*
  Kind kind;
  IvRule iv_rule;
  std::span<const std::size_t> key_sizes;
  std::size_t salt;
  std::size_t iv;
  std::size_t icv;    // of an AEAD; 0 otherwise
  std::size_t block;  // the plaintext is padded to a multiple of this
};

struct IntegrityInfo {
  Integrity id;
  std::string_view name;  // "hmac-sha2-256-128"
  std::string_view rfc;
  std::uint16_t ikev2_id;  // IANA IKEv2 transform type 3
  std::uint8_t pfkey_id;   // SADB_AALG_*, SADB_X_AALG_*
  std::size_t key;
  std::size_t icv;  // what remains after truncation
};

const EncryptionInfo& InfoOf(Encryption encryption);
const IntegrityInfo& InfoOf(Integrity integrity);

std::span<const EncryptionInfo> AllEncryptions();
std::span<const IntegrityInfo> AllIntegrities();

// By table name; nullptr when there is no such algorithm.
const EncryptionInfo* FindEncryption(std::string_view name);
const IntegrityInfo* FindIntegrity(std::string_view name);

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_ALGORITHM_H_
