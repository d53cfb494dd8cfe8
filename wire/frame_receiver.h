// SPDX-License-Identifier: Apache-2.0
//
// A FrameReceiver takes frames from a packet socket with PACKET_VNET_HDR, many a
// system call, each straight into a packet:
//
//     message   | VnetHeader | frame ...... | ... what is longer than the packet |
//                              the packet     a buffer of our own
//
// A super-packet is put together in that buffer and cut from it. What a batch has
// no room for then waits in the buffers for the next Receive(), never in packets:
// those are their pool's.
//
// Thread safety: Worker-confined.
// Cost: recvmmsg() for up to kMessages frames; 1 MiB of buffers, of which only
// what is touched counts.

#ifndef POSTERN_WIRE_FRAME_RECEIVER_H_
#define POSTERN_WIRE_FRAME_RECEIVER_H_

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/bytes.h"
#include "core/drop_reason.h"
#include "core/net/segmenter.h"
#include "core/net/vnet_header.h"
#include "core/packet/batch.h"
#include "core/packet/packet_pool.h"
#include "core/stats.h"
#include "wire/ethernet.h"

namespace postern {

class FrameReceiver {
 public:
  static constexpr std::size_t kMessages = 16;

  // The descriptor stays the caller's. `is_down` becomes true when the kernel says
  // that the interface is.
  FrameReceiver(int descriptor, std::atomic<bool>& is_down);

  // As PacketPort::Receive(): IP packets and others, in their frames. Counts
  // kSuperPacketsRead and kSegmentsRead, kWireReceiveCalls,
  // kWireDatagramsReceived.
  // Errors, counted: kBadOffload, kTooBig, kTruncated, those of Segmenter.
  std::size_t Receive(Batch& batch, PacketPool& pool, WorkerStats& stats);

  // Whether the buffers hold something for the next Receive().
  bool has_more() const { return !segmenter_.done() || next_ < size_; }

 private:
  // The largest frame, and an octet more.
  static constexpr std::size_t kLongest = kEthernetHeaderSize + 40 + 65535 + 1;

  struct Message {
    Packet frame;  // its beginning; empty: all of it lies in the buffer
    VnetHeader vnet;
    std::size_t size = 0;  // of the frame
    std::array<iovec, 3> parts{};
  };

  void Fetch(std::size_t most, PacketPool& pool, WorkerStats& stats);
  bool TakeNext(Batch& batch, PacketPool& pool, WorkerStats& stats);
  Passage Complete(Message& message, PacketPool& pool);
  Passage BeginCut(std::size_t index, const PacketPool& pool);
  void Cut(Batch& batch, PacketPool& pool, WorkerStats& stats);
  void MoveToBuffer(std::size_t index);
  Bytes Buffer(std::size_t index);

  void TakeError(WorkerStats& stats);

  int descriptor_;
  std::atomic<bool>& is_down_;
  std::unique_ptr<std::uint8_t[]> buffers_;
  std::array<Message, kMessages> messages_;
  std::array<mmsghdr, kMessages> headers_{};
  std::size_t size_ = 0;  // messages that came
  std::size_t next_ = 0;  // the first that was not yet looked at
  Segmenter segmenter_;   // of what lies in the buffer of ...
  std::size_t cut_ = 0;   // ... this message
};

}  // namespace postern

#endif  // POSTERN_WIRE_FRAME_RECEIVER_H_
