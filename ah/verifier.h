// SPDX-License-Identifier: Apache-2.0
//
// A Verifier checks and removes the Authentication Header of packets of one SA
// (RFC 4302 3.4). Two steps, as in esp/opener.h, because the replay window
// must move between them.
//
// Linux pads the IPv4 ICV to 64 bits unless told otherwise; both alignments are
// accepted when they are covered by a valid ICV (AH-13 binds the sender only).
//
// Thread safety: Worker-confined. Cost: no allocation; in place.

#ifndef POSTERN_AH_VERIFIER_H_
#define POSTERN_AH_VERIFIER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "ah/signer.h"
#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "core/ipsec.h"
#include "core/net/ip_view.h"
#include "core/packet/packet.h"

namespace postern::ah {

// The fields that come before any proof.
struct AhHeader {
  std::uint8_t next_header = 0;
  std::size_t size = 0;  // of the whole AH, in octets
  Spi spi{};
  std::uint32_t seq = 0;  // the low half with ESN
};

// REQUIRES: view.protocol() is AH.
// Errors: kTruncated, kBadLength (the AH's own length field cannot be).
Opinion<AhHeader> PeekAhHeader(const IpView& view);

struct VerifyJob;

class Verifier {
 public:
  // Errors: as Signer::Create().
  static Result<Verifier> Create(const Parameters& parameters);

  Verifier(Verifier&&) noexcept;
  Verifier& operator=(Verifier&&) noexcept;
  ~Verifier();

  struct Verified {
    AuthProof proof;
    std::size_t size;             // of the packet without link padding
    std::size_t protocol_offset;  // of the octet that names AH
    std::size_t ah_offset;
    std::size_t ah_size;
    std::uint8_t next_header;
  };

  // Leaves the packet as it was, whether it is authentic or not; meanwhile its
  // octets are this call's own.
  // Errors: those of IpView::Parse(), kFragment, kBadLength, kBadIcv,
  //   kBadIpOption, kBadExtensionHeader; kNoHeadroom with ESN when four octets
  //   behind the packet are not free.
  Opinion<Verified> Verify(Packet& packet, std::uint64_t seq);

  // The same for a burst, in its order: job by job the outcome that the single
  // call would have had.
  // REQUIRES: no packet occurs twice.
  void Verify(std::span<VerifyJob> jobs);

  // Removes the header; the packet is then the IP packet that was protected.
  // REQUIRES: the packet is as Verify() left it.
  // Errors: kModeMismatch, kEcnViolation, those of IpView::Parse() on the inner
  //   packet of a tunnel.
  Passage Finish(Packet& packet, const Verified& verified);

 private:
  struct State;
  explicit Verifier(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// One packet of a burst that one SA is to verify. Every job has its own
// outcome; a packet that is refused harms no other. Borrows the packet and the
// view.
struct VerifyJob {
  Packet* packet = nullptr;  // each job's its own
  std::uint64_t seq = 0;     // the full number that the replay window inferred
  // Written by Verify().
  Opinion<Verifier::Verified> outcome = DropReason::kCryptoFailed;
};

}  // namespace postern::ah

#endif  // POSTERN_AH_VERIFIER_H_
