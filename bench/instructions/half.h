// SPDX-License-Identifier: Apache-2.0
//
// Half a host without I/O: one direction of the path from here to the peer, with
// its pipeline, some flows whose sockets a pretended kernel knows, and packets of
// these flows in turn. At system level REQUIRE for ESP transport, AES-128-GCM.
//
// Thread safety: Worker-confined.

#ifndef POSTERN_BENCH_INSTRUCTIONS_HALF_H_
#define POSTERN_BENCH_INSTRUCTIONS_HALF_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/packet/batch.h"
#include "core/packet/packet_pool.h"
#include "pipeline/inbound.h"
#include "pipeline/outbound.h"
#include "tests/support/fake_socket_owner.h"

namespace postern::bench {

// Before anything else: valgrind lacks AVX-512, and what ipsec-mb would do with
// less depends on the machine. Ends the program when it fails.
void UseWhatValgrindKnows();

// Key material and payload: nothing that an instruction count depends on.
std::vector<std::uint8_t> Filler(std::size_t octets);

// The flow `number`, as its sender sees it.
FlowKey FlowOf(std::size_t number);

// UDP packets of `flows` flows, in turn.
class Packets {
 public:
  // `payload` counts the octets behind the IP header.
  Packets(std::size_t payload, std::size_t flows);

  Packet Next();

 private:
  std::size_t size_;
  std::vector<std::vector<std::uint8_t>> headers_;
  std::size_t next_ = 0;
  PacketPool pool_{PacketPool::Shape{}};
};

class SilentSinks : public SaEventSink, public AuditSink {
 public:
  bool Post(const SaEvent& /*event*/) override { return true; }

  void Audit(const AuditEvent& /*event*/) override {}
};

SaParameters EspOf(Direction direction);

class Half {
 public:
  Half(Direction direction, std::size_t flows);

  OutboundPipeline Outbound();
  InboundPipeline Inbound();

  OutboundPolicy Policy() { return {sadb_, flows_}; }

 private:
  SilentSinks sinks_;
  Acquires acquires_{nullptr};
  Sadb sadb_{sinks_};
  SystemPolicy system_;
  SocketTable sockets_;
  FakeSocketOwner kernel_;
  WorkerStats stats_;
  FlowResolver flows_{{system_, sockets_, kernel_, stats_}, 1024};
};

}  // namespace postern::bench

#endif  // POSTERN_BENCH_INSTRUCTIONS_HALF_H_
