// SPDX-License-Identifier: Apache-2.0
//
// The `sa` object of packet vectors as the transforms want it, and the one
// way in that packet and inbound vectors share.

#ifndef POSTERN_TESTS_VECTORS_VECTOR_SA_H_
#define POSTERN_TESTS_VECTORS_VECTOR_SA_H_

#include <cstdint>
#include <optional>
#include <variant>

#include "ah/signer.h"
#include "ah/verifier.h"
#include "core/drop_reason.h"
#include "core/net/udp_encapsulation.h"
#include "core/packet/packet.h"
#include "core/packet/packet_pool.h"
#include "core/seq/replay_window.h"
#include "esp/opener.h"
#include "esp/sealer.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {

struct VectorSa {
  std::variant<esp::Parameters, ah::Parameters> parameters;
  std::uint64_t seq = 0;  // all 64 bits
  Octets iv;              // as on the wire; of AH GMAC's
  std::optional<Json> tunnel;
  std::optional<UdpPorts> udp;

  bool is_esp() const {
    return std::holds_alternative<esp::Parameters>(parameters);
  }

  const esp::Parameters& esp() const {
    return std::get<esp::Parameters>(parameters);
  }

  const ah::Parameters& ah() const {
    return std::get<ah::Parameters>(parameters);
  }

  Spi spi() const { return is_esp() ? esp().spi : ah().spi; }

  IpsecMode mode() const { return is_esp() ? esp().mode : ah().mode; }

  SequenceNumbers numbers() const {
    return is_esp() ? esp().numbers : ah().numbers;
  }
};

// The SA, or the reason for which its vectors are skipped.
std::variant<VectorSa, Outcome> ReadSa(const Json& sa);

// Buffers for packets of up to 64 KiB.
PacketPool& Pool();

// The way in of one SA, whose keys are set up once.
class Receiver {
 public:
  // REQUIRES: `sa` outlives it. Throws VectorError when the SA cannot be keyed.
  explicit Receiver(const VectorSa& sa);

  // Receives one packet: find, check, open or verify, commit, finish. The packet
  // is then what was protected.
  Passage Receive(ReplayWindow& window, Packet& packet);

 private:
  Passage OpenEsp(ReplayWindow& window, Packet& packet, ReplayTicket ticket);
  Passage VerifyAh(ReplayWindow& window, Packet& packet, ReplayTicket ticket);

  const VectorSa& sa_;
  std::optional<esp::Opener> opener_;
  std::optional<ah::Verifier> verifier_;
};

// The same for a single packet.
inline Passage Receive(const VectorSa& sa, ReplayWindow& window,
                       Packet& packet) {
  return Receiver(sa).Receive(window, packet);
}

}  // namespace postern::vectors

#endif  // POSTERN_TESTS_VECTORS_VECTOR_SA_H_
