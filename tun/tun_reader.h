// SPDX-License-Identifier: Apache-2.0
//
// A TunReader takes packets from the descriptor of a TUN and hands them on one
// by one, ordinary and complete:
//
//     | VnetHeader | SocketStamp | IP packet or super-packet |
//       with        with
//       kVnetHeader ExpectStamps()
//
// One readv() puts an ordinary packet straight into the pool's buffer. What is
// longer than the link's MTU goes on in a buffer of the reader's own, where a
// super-packet is put together and cut from (core/net/segmenter.h): each
// packet's payload is copied once, and summed on the way. What a batch has no
// room for waits there for the next Receive().
//
// Thread safety: Worker-confined; ExpectStamps() before the worker starts.
// Cost: one system call a packet or super-packet; 64 KB of memory with
// kVnetHeader.

#ifndef POSTERN_TUN_TUN_READER_H_
#define POSTERN_TUN_TUN_READER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/flow/socket_owner.h"
#include "core/net/segmenter.h"
#include "core/net/vnet_header.h"
#include "core/packet/batch.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "tun/socket_stamp.h"
#include "tun/tun_framing.h"

namespace postern {

class TunReader {
 public:
  // The descriptor stays the caller's and does not block.
  TunReader(int descriptor, TunFraming framing);

  void ExpectStamps(const SocketStamp& stamp) { stamp_ = stamp; }

  // As PacketPort::Receive(). Packets of a super-packet are no larger than
  // `mtu`; counts kSuperPacketsRead and kSegmentsRead.
  // Errors, counted: kBadOffload, kNotStamped, kTooBig (also a packet larger
  // than the pool's payload), kTruncated, those of Segmenter.
  std::size_t Receive(Batch& batch, PacketPool& pool, WorkerStats& stats,
                      std::size_t mtu);

 private:
  // What stands in front of a packet, as far as it does.
  using Front =
      std::array<std::uint8_t, sizeof(VnetHeader) + SocketStamp::kOctets>;

  // What one read brought.
  struct Arrival {
    std::int64_t octets = -1;   // with the front; none: <= 0
    std::size_t in_packet = 0;  // so many may lie in the packet, the rest in
                                // super_, at the same place
    VnetHeader vnet;
    Front front{};
  };

  Arrival ReadInto(Packet& packet, std::size_t mtu);
  Passage Accept(Packet& packet, Arrival& arrival, std::size_t most);
  Passage AcceptOrdinary(Packet& packet, const Arrival& arrival,
                         std::size_t size) const;
  Passage BeginCut(const Packet& packet, const Arrival& arrival,
                   std::size_t size, std::size_t most);
  void Cut(Batch& batch, PacketPool& pool, WorkerStats& stats);

  std::size_t front_size() const {
    return vnet_size_ + (stamp_ ? SocketStamp::kOctets : 0);
  }

  int descriptor_;
  std::size_t vnet_size_;             // 0 with kPlain
  std::optional<SocketStamp> stamp_;  // empty: packets bring none
  std::vector<std::uint8_t> super_;
  Segmenter segmenter_;  // of what lies in super_
  Owner sender_;         // of that
};

}  // namespace postern

#endif  // POSTERN_TUN_TUN_READER_H_
