// SPDX-License-Identifier: Apache-2.0
//
// The ICV of an AH packet, shared by Signer and Verifier (RFC 4302 2, 3.3.3):
//
//    0      1        2          4     8     12
//   +------+--------+----------+-----+-----+--------------+---------+
//   | next | length | reserved | SPI | seq |     ICV      | padding |
//   +------+--------+----------+-----+-----+--------------+---------+
//
// It covers the headers in front (ah/mutable_fields.h), the AH with its ICV
// zero but reserved field and padding as they are, everything behind, and with
// ESN the high half of the sequence number, which is not sent.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_AH_ICV_H_
#define POSTERN_AH_ICV_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ah/signer.h"
#include "core/bytes.h"
#include "core/crypto/auth_proof.h"
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

  std::size_t size() const { return size_; }

  // REQUIRES: an AH stands at `ah_offset` of `packet`, with room for the ICV.
  // Errors: those of CoveredLead(), kCryptoFailed.
  Passage Sign(Bytes packet, std::size_t ah_offset, std::uint64_t seq);

  // Changes nothing. Errors: as Sign(), and kBadIcv.
  Opinion<AuthProof> Verify(ConstBytes packet, std::size_t ah_offset,
                            std::uint64_t seq);

 private:
  IcvContext(MacContext mac, std::size_t size, SequenceNumbers numbers)
      : mac_(std::move(mac)), size_(size), numbers_(numbers) {}

  MacContext mac_;
  std::size_t size_;
  SequenceNumbers numbers_;
};

}  // namespace postern::ah

#endif  // POSTERN_AH_ICV_H_
