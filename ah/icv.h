// SPDX-License-Identifier: Apache-2.0
//
// The ICV of an AH packet, shared by Signer and Verifier (RFC 4302 2, 3.3.3):
//
//    0      1        2          4     8     12
//   +------+--------+----------+-----+-----+--------------+---------+
//   | next | length | reserved | SPI | seq |     ICV      | padding |
//   +------+--------+----------+-----+-----+--------------+---------+
//
// GMAC's field begins with the IV, the sequence number in 8 octets (RFC 4543 4).
//
// It covers the headers in front (ah/mutable_fields.h), the AH with its ICV
// zero but reserved field and padding as they are, everything behind, and with
// ESN the high half of the sequence number, which is not sent.
//
// What is covered differs from what is sent in a few places. It is made in the
// packet itself, hashed as one contiguous message, and taken back: that is what
// backends with several lanes need, and it spares copying headers about.
//
// Thread safety: Worker-confined. Cost: no allocation.

#ifndef POSTERN_AH_ICV_H_
#define POSTERN_AH_ICV_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ah/signer.h"
#include "core/bytes.h"
#include "core/crypto/auth_proof.h"
#include "core/crypto/gmac_context.h"
#include "core/crypto/mac_context.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "core/net/ip_address.h"

namespace postern::ah {

inline constexpr std::size_t kFixedSize = 12;

// How far an AH is padded: to 32 bits in IPv4, to 64 in IPv6 (RFC 4302 2.6).
inline constexpr std::size_t kIpv4Alignment = 4;
inline constexpr std::size_t kIpv6Alignment = 8;

constexpr std::size_t AlignedSize(std::size_t icv, std::size_t alignment) {
  return (kFixedSize + icv + alignment - 1) / alignment * alignment;
}

// Octets of the AH that a sender writes.
constexpr std::size_t SizeFor(std::size_t icv, IpFamily family) {
  return AlignedSize(icv,
                     family == IpFamily::kV4 ? kIpv4Alignment : kIpv6Alignment);
}

// One SA's keyed integrity algorithm.
class IcvContext {
 public:
  // Checks the parameters of a Signer or Verifier too.
  // Errors: kInvalid; kUnsupported when the crypto library refuses.
  static Result<IcvContext> Create(const Parameters& parameters);

  // Octets of the ICV's field, GMAC's IV among them.
  std::size_t size() const { return iv_size_ + icv_size_; }

  // Octets of room that a job needs behind its packet.
  std::size_t room_behind() const {
    return numbers_ == SequenceNumbers::kExtended ? 4 : 0;
  }

  struct SignJob {
    Bytes packet;           // and room_behind()
    std::size_t ah_offset;  // where an AH stands, with room for the ICV
    std::uint64_t seq;
    // Of GMAC, as published vectors have it; empty: the number.
    ConstBytes iv;
    Passage outcome = DropReason::kCryptoFailed;  // written
  };

  struct VerifyJob {
    Bytes packet;
    std::size_t ah_offset;
    std::uint64_t seq;
    Opinion<AuthProof> outcome = DropReason::kCryptoFailed;  // written
  };

  // Errors: those of CoveredLead(), kCryptoFailed.
  void Sign(std::span<SignJob> jobs);

  // Leaves all octets as they were. Errors: as Sign(), and kBadIcv.
  void Verify(std::span<VerifyJob> jobs);

 private:
  class Covers;

  using Nonce = std::array<std::uint8_t, 12>;

  IcvContext(const IntegrityInfo& info, SequenceNumbers numbers)
      : iv_size_(info.iv), icv_size_(info.icv), numbers_(numbers) {}

  Nonce NonceOf(ConstBytes iv) const;
  void SignByGmac(SignJob& job);
  void VerifyByGmac(VerifyJob& job);

  std::optional<MacContext> mac_;    // either this
  std::optional<GmacContext> gmac_;  // or that
  std::array<std::uint8_t, 4> salt_{};
  std::size_t iv_size_;
  std::size_t icv_size_;
  SequenceNumbers numbers_;
};

}  // namespace postern::ah

#endif  // POSTERN_AH_ICV_H_
