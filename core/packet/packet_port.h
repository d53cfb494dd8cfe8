// SPDX-License-Identifier: Apache-2.0
//
// A PacketPort is a place where whole IP packets come in and go out. The TUN,
// every wire, the pcap recorder, the fault injector and the in-memory twins of
// the tests are ports; the pipelines know nothing else of the outside.
//
// Thread safety: Receive() and Send() may run in two different threads at the
// same time, each in one thread at a time.

#ifndef POSTERN_CORE_PACKET_PACKET_PORT_H_
#define POSTERN_CORE_PACKET_PACKET_PORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/clock.h"
#include "core/drop_reason.h"
#include "core/packet/batch.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"

namespace postern {

class PacketPort {
 public:
  virtual ~PacketPort() = default;

  // Appends the packets that wait, never blocking, until none waits, the batch
  // is full or the pool is empty. Returns how many were appended.
  // Call it until it returns 0 before waiting on descriptor(): what a port has
  // taken from there and had no room for (the rest of a super-packet) comes with
  // the next call, and descriptor() may not tell of it.
  // A packet that cannot be received is counted in `stats` by its reason.
  virtual std::size_t Receive(Batch& batch, PacketPool& pool,
                              WorkerStats& stats) = 0;

  // Sends every packet of the batch, in order, and clears it. What the device
  // refuses is counted in `stats` (kPortBusy, kPortRefused, kTooBig); nothing
  // is retried.
  virtual void Send(Batch& batch, WorkerStats& stats) = 0;

  // The same, for the thread that calls Receive(): answers to those who sent what
  // it received. A port that takes none drops them (kPortRefused).
  virtual void SendBack(Batch& batch, WorkerStats& stats) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      stats.Drop(DropReason::kPortRefused);
    }
    batch.Clear();
  }

  // The largest IP packet, in octets, that Send() takes.
  virtual std::size_t mtu() const = 0;

  // Readable when Receive() would return packets; -1 if there is nothing to
  // wait on (in-memory ports).
  virtual int descriptor() const = 0;

  enum class DescriptorState : std::uint8_t { kFine, kError };

  // Whether the device is gone for good; if not, an error has been taken, and the
  // port goes on. Asked each time that who waits on descriptor() wakes, with what
  // it reports, in the thread that calls Receive().
  virtual bool IsGone(DescriptorState state) {
    return state == DescriptorState::kError;
  }

  // When who waits shall wake though nothing comes, and call Receive() as ever (a
  // neighbour has not answered); nothing: never. For the same thread.
  virtual std::optional<Instant> NextDeadline() const { return std::nullopt; }
};

}  // namespace postern

#endif  // POSTERN_CORE_PACKET_PACKET_PORT_H_
