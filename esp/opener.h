// SPDX-License-Identifier: Apache-2.0
//
// An Opener turns ESP packets of one SA back into IP packets (RFC 4303 3.4).
// It has two steps, because the replay window must move between them:
//
//     header = PeekEspHeader(packet)              spi, seq: nothing is believed
//     opened = opener.Open(packet, ticket.seq())  verify, then decrypt
//     sa.Commit(ticket, opened.proof)             window, lifetime
//     opener.Finish(packet, opened)               unpad, strip or mend
//
// A pure transform like esp::Sealer.
//
// Thread safety: Worker-confined.
// Cost: no allocation; in place.

#ifndef POSTERN_ESP_OPENER_H_
#define POSTERN_ESP_OPENER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/bytes.h"
#include "core/crypto/auth_proof.h"
#include "core/drop_reason.h"
#include "core/error.h"
#include "core/ipsec.h"
#include "core/net/ip_view.h"
#include "core/packet/packet.h"
#include "esp/sealer.h"

namespace postern::esp {

// The two fields that come before any proof.
struct EspHeader {
  Spi spi{};
  std::uint32_t seq = 0;  // the low half with ESN
};

// REQUIRES: view.protocol() is ESP.
// Errors: kTruncated.
inline Opinion<EspHeader> PeekEspHeader(const IpView& view) {
  constexpr std::size_t kSize = 8;
  const ConstBytes esp = view.payload();
  if (esp.size() < kSize) {
    return DropReason::kTruncated;
  }
  return EspHeader{Spi{LoadBe<std::uint32_t>(esp)},
                   LoadBe<std::uint32_t>(esp.subspan(4))};
}

// Where ESP stands in a packet that is no fragment.
struct Place {
  std::uint16_t protocol_offset = 0;  // of the octet that names ESP
  std::uint16_t esp_offset = 0;       // of the ESP header; 0: not known

  // REQUIRES: view.protocol() is ESP, and the packet no fragment.
  static Place In(const IpView& view) {
    return {static_cast<std::uint16_t>(view.protocol_offset()),
            static_cast<std::uint16_t>(view.payload_offset())};
  }
};

struct OpenJob;

class Opener {
 public:
  // Errors: as Sealer::Create().
  static Result<Opener> Create(const Parameters& parameters);

  Opener(Opener&&) noexcept;
  Opener& operator=(Opener&&) noexcept;
  ~Opener();

  // An authentic packet whose plaintext still carries its padding.
  struct Opened {
    AuthProof proof;
    Place place;
  };

  // Verifies and decrypts in place. `seq` is the full number that the replay
  // window inferred. After an error the packet's bytes are not to be used.
  // Errors: those of IpView::Parse(), kFragment, kBadLength, kBadIcv,
  //   kCryptoFailed.
  // An SA without integrity proves nothing: always kBadIcv.
  Opinion<Opened> Open(Packet& packet, std::uint64_t seq);

  // The same for a burst, in its order: job by job the outcome that the single
  // call would have had.
  // REQUIRES: no packet occurs twice.
  void Open(std::span<OpenJob> jobs);

  // The same for an SA without integrity (RFC 4303 3.1.1 allows one below an
  // AH): decrypts a packet that another SA's proof covers.
  // Errors: as Open(); kBadIcv when this SA has integrity of its own.
  Opinion<Opened> OpenCovered(Packet& packet, AuthProof cover);

  // Removes padding and headers. Afterwards the packet is the IP packet that
  // was protected: in tunnel mode the inner one (with RFC 6040 applied), in
  // transport mode the same one with its header mended, in BEET mode one with
  // the SA's inner addresses.
  // Errors: kBadPadding, kDummyPacket (authentic, consumed: not an attack),
  //   kModeMismatch (tunnel: next header is not IP; the inner packet's version
  //   contradicts it), kEcnViolation, those of StripBeetHeader(), and those of
  //   IpView::Parse() on the inner packet. TFC padding behind the inner packet
  //   is cut off.
  // REQUIRES: the packet is as Open() left it.
  Passage Finish(Packet& packet, const Opened& opened);

 private:
  struct State;
  explicit Opener(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// One packet of a burst that one SA is to open. Every job has its own outcome;
// a packet that is refused harms no other. Borrows the packet.
struct OpenJob {
  Packet* packet = nullptr;  // each job's its own
  std::uint64_t seq = 0;     // the full number that the replay window inferred
  // What the caller has seen: the packet ends where its IP header says, and ESP
  // stands there. By default Open() sees to both.
  Place place = {};
  // Written by Open().
  Opinion<Opener::Opened> outcome = DropReason::kCryptoFailed;
};

}  // namespace postern::esp

#endif  // POSTERN_ESP_OPENER_H_
