// SPDX-License-Identifier: Apache-2.0
//
// What both directions of an SA's ESP packets have in common: sizes, keyed
// contexts, and the nonces.
//
//   nonce       salt (4 octets, of CCM 3) | IV (8)
//   implicit    the IV is the number: with ESN all 64 bits, else 0 0 0 0 and 32
//               bits (RFC 8750 4)
//   AES-CTR     the first counter block: nonce | 0 0 0 1 (RFC 3686 4)
//
// Thread safety: Worker-confined.

#ifndef POSTERN_ESP_SUITE_BASE_H_
#define POSTERN_ESP_SUITE_BASE_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "core/bytes.h"
#include "core/crypto/aead_context.h"
#include "core/crypto/cipher_context.h"
#include "core/crypto/gmac_context.h"
#include "core/crypto/mac_context.h"
#include "core/error.h"
#include "esp/parameters.h"

namespace postern::esp {

// The salt of an SA's nonces, a shorter one at the end.
using Salt = std::array<std::uint8_t, 4>;

struct SuiteBase {
  // What encrypts under counter blocks, not under an IV.
  enum class Counting : std::uint8_t { kNo, kYes };

  Spi spi{};
  SequenceNumbers numbers{};
  Sizes sizes;
  Salt salt{};
  std::size_t nonce_size = 0;
  Counting counting = Counting::kNo;
  std::optional<AeadContext> aead;
  std::optional<GmacContext> gmac;
  std::optional<CipherContext> cipher;
  std::optional<MacContext> mac;
};

// Errors: those of CheckParameters(), and kUnsupported when the crypto library
//   refuses an algorithm.
Result<SuiteBase> MakeSuiteBase(const Parameters& parameters,
                                AeadContext::Use aead_use,
                                CipherContext::Use cipher_use);

// What a combined mode is given beside the text: the nonce, and the additional
// data, which is SPI and number (RFC 4106 4, 5). `iv` is empty where it is
// implicit.
class Surroundings {
 public:
  // Inlined in each loop: a call would cost a packet more than the stores.
  [[gnu::always_inline]] Surroundings(const SuiteBase& base, ConstBytes iv,
                                      std::uint64_t seq)
      : nonce_size_(base.nonce_size),
        aad_size_(base.numbers == SequenceNumbers::kExtended ? 12 : 8) {
    const bool extended = base.numbers == SequenceNumbers::kExtended;
    const auto nonce = std::span(nonce_);
    // Of a size that is known: a call would cost more than the copy.
    std::memcpy(nonce.data(), base.salt.data(), sizeof(Salt));
    if (!iv.empty()) {
      std::memcpy(nonce.last<kIvSize>().data(), iv.first(kIvSize).data(),
                  kIvSize);
    } else {
      StoreBe(nonce.last<kIvSize>(),
              extended ? seq : std::uint64_t{static_cast<std::uint32_t>(seq)});
    }
    const auto aad = std::span(aad_);
    StoreBe(aad.first<4>(), Number(base.spi));
    if (extended) {
      StoreBe(aad.last<8>(), seq);
    } else {
      StoreBe(aad.subspan<4, 4>(), static_cast<std::uint32_t>(seq));
    }
  }

  ConstBytes nonce() const { return ConstBytes(nonce_).last(nonce_size_); }

  ConstBytes aad() const { return ConstBytes(aad_).first(aad_size_); }

 private:
  static constexpr std::size_t kIvSize = 8;

  std::array<std::uint8_t, 12> nonce_;
  std::size_t nonce_size_;
  std::size_t aad_size_;
  std::array<std::uint8_t, 12> aad_;
};

// One packet's IV as the cipher wants it: as it is on the wire, or within the
// first counter block. It must outlive the span.
class CipherIv {
 public:
  ConstBytes Of(const SuiteBase& base, ConstBytes iv) {
    if (base.counting == SuiteBase::Counting::kNo) {
      return iv;
    }
    std::copy(base.salt.begin(), base.salt.end(), block_.begin());
    StoreBe(Bytes(block_).subspan(base.salt.size()), LoadBe<std::uint64_t>(iv));
    StoreBe(Bytes(block_).last(4), std::uint32_t{1});
    return block_;
  }

 private:
  std::array<std::uint8_t, 16> block_;
};

}  // namespace postern::esp

#endif  // POSTERN_ESP_SUITE_BASE_H_
