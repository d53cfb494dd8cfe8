// SPDX-License-Identifier: Apache-2.0
//
// A Sealer turns IP packets into ESP packets for one SA (RFC 4303 3.3):
//
//   transport   IP hdr | ESP hdr | IV | payload | trailer | ICV
//   tunnel      outer IP hdr | ESP hdr | IV | whole IP packet | trailer | ICV
//   BEET        outer IP hdr | ESP hdr | IV | IPv4 options, payload | trailer | ICV
//                              \____ AAD or    \__ encrypted __/
//                                   authenticated with the rest
//
// It is a pure transform: (packet, sequence number) -> packet. It knows no
// counter, clock or policy, so published vectors test it directly.
//
// The identifications of outer IPv4 headers come of SPI and sequence number:
// core/net/identifications.h says what holds of them.
//
// IV: for counter modes the 64-bit sequence number itself, so it is unique for
// the key exactly when the sequence number is; for CBC unpredictable.
//
// Thread safety: Worker-confined.
// Cost: no allocation; in place, the payload is not moved.

#ifndef POSTERN_ESP_SEALER_H_
#define POSTERN_ESP_SEALER_H_

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

namespace postern::esp {

// Everything an ESP transform needs to know of its SA.
struct Parameters {
  Spi spi{};
  IpsecMode mode = IpsecMode::kTransport;
  // Exactly in tunnel and BEET mode; of the latter its endpoints alone count.
  std::optional<TunnelHeader> tunnel;
  // Exactly in BEET mode: the only packets that there are.
  std::optional<TunnelEndpoints> inner;
  SequenceNumbers numbers = SequenceNumbers::k32Bit;
  Encryption encryption = Encryption::kNull;
  SecretBytes encryption_key;  // without the salt
  SecretBytes salt;            // of the algorithm's size
  // kNone exactly with an AEAD, or to test published vectors.
  Integrity integrity = Integrity::kNone;
  SecretBytes integrity_key;
  // Tunnel mode: the least octets of payload; shorter packets are followed by
  // TFC padding, zeros (RFC 4303 2.7).
  std::size_t tfc_pad_to = 0;
  CryptoBackend backend = ChosenBackend();
};

class Sealer {
 public:
  // Errors: kInvalid when a key or salt has a size its algorithm does not
  // take, or mode, tunnel and inner addresses disagree.
  static Result<Sealer> Create(const Parameters& parameters);

  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;
  ~Sealer();

  // Octets that Seal() adds in front of the payload, and at most behind it, TFC
  // padding aside.
  std::size_t front() const;
  std::size_t back() const;

  // Seals in place. On an error the packet's content means nothing: drop it.
  // `seq` is the full 64-bit number (its high half enters the ICV with ESN).
  // Errors: those of IpView::Parse(), kFragment (transport and BEET mode),
  //   kSelectorMismatch and kModeMismatch (BEET: WriteBeetHeader()),
  //   kNoHeadroom, kTooBig, kCryptoFailed.
  Passage Seal(Packet& packet, std::uint64_t seq);

  // The same for a burst, in its order: job by job the outcome that the single
  // call would have had. Backends that work on many packets at once need
  // bursts to be fast; 32 is enough.
  // REQUIRES: no packet occurs twice.
  void Seal(std::span<OutboundJob> jobs);

  // The same of a packet that means nothing: whoever opens it finds next header
  // 59 and drops it (RFC 4303 2.6). Nobody else can tell it from any other of
  // its size.
  Passage SealDummy(Packet& packet, std::uint64_t seq);

  // The same with a given IV, as published vectors have it.
  // REQUIRES: iv has the algorithm's IV size.
  Passage SealWithIv(Packet& packet, std::uint64_t seq, ConstBytes iv);

 private:
  struct State;
  explicit Sealer(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace postern::esp

#endif  // POSTERN_ESP_SEALER_H_
