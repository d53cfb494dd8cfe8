// SPDX-License-Identifier: Apache-2.0
//
// A DummyMaker makes ESP packets that mean nothing (RFC 4303 2.6, ESP-14): as
// whoever wishes them ordered, by an SA of whoever carries packets.
//
//     DummyOrder ──▶ header, random octets ──▶ number, seal, UDP ──▶ the wire
//
// A dummy packet takes a number and its share of the SA's lifetime as any packet
// does, and is no larger than what the SA's way carries whole. It leaves by its SA
// alone, whatever bundles that one is part of.
//
// Thread safety: Worker-confined, by a registered RCU reader.

#ifndef POSTERN_PIPELINE_DUMMY_MAKER_H_
#define POSTERN_PIPELINE_DUMMY_MAKER_H_

#include <cstddef>
#include <cstdint>

#include "core/clock.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "sadb/sadb.h"

namespace postern {

struct DummyOrder {
  SaIdentity identity;
  std::uint64_t generation_id = 0;  // of that SA and none that took its place
  std::size_t octets = 0;           // of the IP packet that it pretends to hold
};

class DummyMaker {
 public:
  struct Parts {
    const Sadb& sadb;
    WorkerStats& stats;
    WorkerIndex worker{};  // of an outbound pipeline, and in its thread
    std::size_t wire_mtu = 1500;
  };

  explicit DummyMaker(const Parts& parts) : parts_(parts) {}

  // What may leave on the wire, from `pool`. Empty when the SA is gone or dead,
  // of which nothing is counted, and when it refuses, which is counted:
  // kPoolEmpty, kTooBig (its TFC padding alone is too large for its way), and
  // the errors of NextNumber(), SealDummy() and EncapsulateInUdp().
  Packet Make(const DummyOrder& order, PacketPool& pool, Instant now);

 private:
  Passage Protect(SecurityAssociation& association, Packet& packet,
                  Instant now);

  Parts parts_;
};

}  // namespace postern

#endif  // POSTERN_PIPELINE_DUMMY_MAKER_H_
