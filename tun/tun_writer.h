// SPDX-License-Identifier: Apache-2.0
//
// A TunWriter writes a batch to the descriptor of a TUN. With kVnetHeader the
// packets that one super-packet can stand for (core/net/coalescer.h) become one
// writev(), whose parts are the headers and each packet's payload where it lies:
// nothing is copied on our side.
//
// Thread safety: Worker-confined.
// Cost: one system call for each run of packets; without an offload for each
// packet.

#ifndef POSTERN_TUN_TUN_WRITER_H_
#define POSTERN_TUN_TUN_WRITER_H_

#include <cstdint>

#include "core/net/coalescer.h"
#include "core/packet/batch.h"
#include "core/stats.h"
#include "tun/tun_framing.h"

namespace postern {

class TunWriter {
 public:
  // The descriptor stays the caller's and does not block. Super-packets of UDP
  // are written if `granted` says so.
  TunWriter(int descriptor, TunFraming framing, TunOffload granted);

  // As PacketPort::Send(). Counts kSuperPacketsWritten and kSegmentsWritten; a
  // super-packet that the kernel refuses counts as all of its packets.
  void Send(Batch& batch, WorkerStats& stats);

 private:
  void SendPlain(Batch& batch, WorkerStats& stats);
  void SendJoined(Batch& batch, WorkerStats& stats);
  bool Write(const Coalescer::Run& run, std::span<Packet*> packets);

  int descriptor_;
  TunFraming framing_;
  Coalescer coalescer_;
};

}  // namespace postern

#endif  // POSTERN_TUN_TUN_WRITER_H_
