// SPDX-License-Identifier: Apache-2.0
//
// A Signer adds an Authentication Header to IP packets for one SA (RFC 4302
// 3.3):
//
//   transport   IP hdr, extensions | AH | payload
//   tunnel      outer IP hdr       | AH | whole IP packet
//
//   AH:  next header | length | 0 0 | SPI | sequence number | ICV, padding
//
// The ICV covers the IP header too, with its mutable fields as the receiver
// will see them or zero (ah/mutable_fields.h has the table).
//
// The identifications of outer IPv4 headers come of SPI and sequence number:
// core/net/identifications.h says what holds of them.
//
// A pure transform: (packet, sequence number) -> packet.
//
// Thread safety: Worker-confined. Cost: no allocation; the headers in front of
// AH are copied once, the payload is not moved.

#ifndef POSTERN_AH_SIGNER_H_
#define POSTERN_AH_SIGNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/crypto/algorithm.h"
#include "core/crypto/backend.h"
#include "core/crypto/secret_bytes.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "core/ipsec.h"
#include "core/packet/outbound_job.h"
#include "core/packet/packet.h"
#include "core/tunnel_header.h"

namespace postern::ah {

// Everything an AH transform needs to know of its SA.
struct Parameters {
  Spi spi{};
  IpsecMode mode = IpsecMode::kTransport;
  std::optional<TunnelHeader> tunnel;  // exactly in tunnel mode
  SequenceNumbers numbers = SequenceNumbers::k32Bit;
  Integrity integrity = Integrity::kHmacSha2_256_128;
  SecretBytes integrity_key;
  CryptoBackend backend = ChosenBackend();
};

class Signer {
 public:
  // Errors: kInvalid (key size; mode and tunnel disagree; kNone).
  static Result<Signer> Create(const Parameters& parameters);

  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;
  ~Signer();

  // The most octets that Sign() adds.
  std::size_t front() const;

  // Signs in place. On an error the packet's content means nothing: drop it.
  // Errors: those of IpView::Parse(), kFragment (transport mode), kNoHeadroom,
  //   kTooBig, kCryptoFailed.
  Passage Sign(Packet& packet, std::uint64_t seq);

  // The same for a burst, in its order: job by job the outcome that the single
  // call would have had. Backends that work on many packets at once need
  // bursts to be fast; 32 is enough.
  // REQUIRES: no packet occurs twice.
  void Sign(std::span<OutboundJob> jobs);

  // The same for one packet with a given IV, as published vectors of GMAC have
  // it. REQUIRES: iv has the algorithm's IV size.
  Passage SignWithIv(Packet& packet, std::uint64_t seq, ConstBytes iv);

 private:
  struct State;
  explicit Signer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace postern::ah

#endif  // POSTERN_AH_SIGNER_H_
