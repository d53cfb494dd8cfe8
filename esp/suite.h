// SPDX-License-Identifier: Apache-2.0
//
// The cryptography of one SA's ESP packets, without any IP header (RFC 4303 2,
// 3.3.2). Sealer and Opener build on it; published vectors that have no IP
// header test it directly.
//
//    0               4              8          8 + iv
//   +---------------+--------------+----------+------------------+-----+
//   |      SPI      | seq, low 32  |    IV    |    ciphertext    | ICV |
//   +---------------+--------------+----------+------------------+-----+
//   combined mode:    AAD = SPI, seq (with ESN all 64 bits, high half first)
//   separate:         ICV over SPI .. ciphertext, then with ESN the high half
//
// Thread safety: Worker-confined. Cost: no allocation after Create().

#ifndef POSTERN_ESP_SUITE_H_
#define POSTERN_ESP_SUITE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/bytes.h"
#include "core/crypto/aead_context.h"
#include "core/crypto/auth_proof.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/mac_context.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "esp/parameters.h"
#include "esp/unpredictable_ivs.h"

namespace postern::esp {

// The salt of an SA's nonces (RFC 4106 4).
using Salt = std::array<std::uint8_t, 4>;

// What both directions of an SA have in common.
struct SuiteBase {
  Spi spi{};
  SequenceNumbers numbers{};
  Sizes sizes;
  Salt salt{};
  std::optional<AeadContext> aead;
  std::optional<CipherContext> cipher;
  std::optional<MacContext> mac;
};

class SealingSuite {
 public:
  // Errors: those of CheckParameters(), and kUnsupported when the crypto
  // library refuses an algorithm.
  static Result<SealingSuite> Create(const Parameters& parameters);

  const Sizes& sizes() const { return base_.sizes; }

  // Octets of the whole ESP packet for this much payload.
  std::size_t SealedSize(std::size_t payload) const;

  struct Clear {
    ConstBytes payload;
    std::uint8_t next_header;
  };

  // Fills `esp`. The payload may stand in it already, behind the header, or
  // elsewhere; then sealing is its only copy.
  // REQUIRES: esp.size() == SealedSize(clear.payload.size()).
  // Errors: kCryptoFailed.
  Passage Seal(const Clear& clear, std::uint64_t seq, Bytes esp);

  // REQUIRES: also that iv.size() is sizes().iv.
  Passage SealWithIv(const Clear& clear, std::uint64_t seq, ConstBytes iv,
                     Bytes esp);

 private:
  explicit SealingSuite(SuiteBase base, EncryptionInfo::IvRule iv_rule)
      : base_(std::move(base)), iv_rule_(iv_rule) {}

  Passage ChooseIv(std::uint64_t seq, Bytes iv);
  Passage SealBehindIv(const Clear& clear, std::uint64_t seq, Bytes esp);
  Passage Encrypt(ConstBytes payload, ConstBytes trailer, Bytes esp);

  SuiteBase base_;
  EncryptionInfo::IvRule iv_rule_;
  UnpredictableIvs ivs_;
};

class OpeningSuite {
 public:
  // Errors: as SealingSuite::Create().
  static Result<OpeningSuite> Create(const Parameters& parameters);

  const Sizes& sizes() const { return base_.sizes; }

  // Where the plaintext stands after Open(), and its octets, the trailer
  // included. REQUIRES: CheckSize(esp) passed.
  Bytes Plaintext(Bytes esp) const;

  // Errors: kBadLength: no room for the header, a trailer and the ICV, or the
  //   ciphertext is no multiple of the alignment (it never meets the cipher).
  Passage CheckSize(ConstBytes esp) const;

  // Verifies, then decrypts in place. After an error no plaintext is there.
  // Errors: those of CheckSize(), kBadIcv (also when the packet names another
  //   SPI or number, and for an SA that has no integrity: nothing can be
  //   proven), kCryptoFailed.
  Opinion<AuthProof> Open(Bytes esp, std::uint64_t seq);

  // Decrypts in place for an SA without integrity.
  // Errors: those of CheckSize(), kBadIcv when the SA has integrity (then Open()
  //   must be asked), kCryptoFailed.
  Passage DecryptUnverified(Bytes esp);

 private:
  explicit OpeningSuite(SuiteBase base) : base_(std::move(base)) {}

  Opinion<AuthProof> OpenCombined(Bytes esp, std::uint64_t seq);
  Passage Decrypt(Bytes esp);

  SuiteBase base_;
};

}  // namespace postern::esp

#endif  // POSTERN_ESP_SUITE_H_
