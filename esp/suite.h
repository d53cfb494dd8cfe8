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
//   GMAC alone:       over the same AAD, then IV .. trailer, which are clear
//   separate:         ICV over SPI .. ciphertext, then with ESN the high half
//
// A burst takes each packet through combined modes at once, and all packets
// through the cipher and then through the MAC where these are separate: that is
// what backends with several lanes need.
//
// Thread safety: Worker-confined. Cost: no allocation after Create().

#ifndef POSTERN_ESP_SUITE_H_
#define POSTERN_ESP_SUITE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.h"
#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "esp/parameters.h"
#include "esp/suite_base.h"
#include "esp/unpredictable_ivs.h"

namespace postern::esp {

class SealingSuite {
 public:
  // Errors: those of CheckParameters(), and kUnsupported when the crypto
  // library refuses an algorithm.
  static Result<SealingSuite> Create(const Parameters& parameters);

  const Sizes& sizes() const { return base_.sizes; }

  // Octets of the whole ESP packet for this much payload.
  std::size_t SealedSize(std::size_t payload) const;

  struct Job {
    // It may stand in `esp` already, behind the header, or elsewhere.
    ConstBytes payload;
    std::uint8_t next_header;
    std::uint64_t seq;
    // As published vectors have it; empty: chosen here.
    ConstBytes iv;
    Bytes esp;
    Passage outcome = DropReason::kCryptoFailed;  // written
  };

  // Fills each job's `esp`.
  // REQUIRES: esp.size() == SealedSize(payload.size()); iv.size() is sizes().iv
  //   or 0.
  // Errors: kCryptoFailed.
  void Seal(std::span<Job> jobs);

 private:
  explicit SealingSuite(SuiteBase base, EncryptionInfo::IvRule iv_rule)
      : base_(std::move(base)), iv_rule_(iv_rule) {}

  Passage PutIv(const Job& job);
  Passage LayOut(const Job& job);
  void SealCombined(std::span<Job> jobs);
  void SealClear(std::span<Job> jobs);
  void Encrypt(std::span<Job> jobs);
  void Sign(std::span<Job> jobs);

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
  ConstBytes Plaintext(ConstBytes esp) const;

  // Errors: kBadLength: no room for the header, a trailer and the ICV, or the
  //   ciphertext is no multiple of the alignment (it never meets the cipher).
  Passage CheckSize(ConstBytes esp) const;

  struct Job {
    Bytes esp;
    std::uint64_t seq;
    Opinion<AuthProof> outcome = DropReason::kCryptoFailed;  // written
  };

  // Verifies, then decrypts each job's `esp` in place. After an error no
  // plaintext is there.
  // Errors: those of CheckSize(), kBadIcv (also when the packet names another
  //   SPI or number, and for an SA that has no integrity: nothing can be
  //   proven), kCryptoFailed.
  void Open(std::span<Job> jobs);

  // Decrypts in place for an SA without integrity.
  // Errors: those of CheckSize(), kBadIcv when the SA has integrity (then Open()
  //   must be asked), kCryptoFailed.
  Passage DecryptUnverified(Bytes esp);

 private:
  struct CombinedPacket;

  explicit OpeningSuite(SuiteBase base) : base_(std::move(base)) {}

  Passage Check(const Job& job) const;
  void OpenCombined(std::span<Job> jobs);
  void OpenClear(std::span<Job> jobs);
  void Verify(std::span<Job> jobs);
  void Decrypt(std::span<Job> jobs);

  SuiteBase base_;
};

}  // namespace postern::esp

#endif  // POSTERN_ESP_SUITE_H_
