// SPDX-License-Identifier: Apache-2.0

#include "wire/frame_receiver.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/net/checksum.h"
#include "core/net/ip_view.h"
#include "core/net/protocols.h"
#include "core/net/transport_fields.h"

namespace postern {
namespace {

// The kernel counted from the Ethernet header on.
VnetHeader BehindEthernet(VnetHeader vnet) {
  constexpr std::uint16_t kFront = kEthernetHeaderSize;
  for (std::uint16_t* offset : {&vnet.header_length, &vnet.checksum_start}) {
    *offset =
        *offset < kFront ? 0 : static_cast<std::uint16_t>(*offset - kFront);
  }
  return vnet;
}

// A card that joined packets itself (LRO) has checked their checksums, and leaves
// none open; who cuts them wants the sum of the pseudo-header in its place.
Passage LeaveChecksumOpen(VnetHeader& vnet, Bytes packet) {
  const Opinion<IpView> view = IpView::Parse(packet);
  if (!view.ok()) {
    return view.error();
  }
  const bool is_tcp = view->protocol() == Number(IpProtocol::kTcp);
  const std::size_t field = is_tcp ? tcp::kChecksum : udp::kChecksum;
  const std::size_t at = view->payload_offset();
  if (packet.size() < at + field + sizeof(std::uint16_t)) {
    return DropReason::kBadOffload;
  }
  InternetSum sum;
  sum.AddPseudoHeader(view->source(), view->destination(), view->protocol(),
                      view->payload().size());
  StoreBe(packet.subspan(at + field), sum.Folded());
  vnet.flags |= VnetHeader::kNeedsChecksum;
  vnet.checksum_start = static_cast<std::uint16_t>(at);
  vnet.checksum_offset = static_cast<std::uint16_t>(field);
  return Pass();
}

}  // namespace

FrameReceiver::FrameReceiver(int descriptor, std::atomic<bool>& is_down)
    : descriptor_(descriptor),
      is_down_(is_down),
      buffers_(new std::uint8_t[kMessages * kLongest]) {
  for (std::size_t i = 0; i < kMessages; ++i) {
    Message& message = messages_[i];
    message.parts[0] = {&message.vnet, sizeof(message.vnet)};
    headers_[i].msg_hdr.msg_iov = message.parts.data();
    headers_[i].msg_hdr.msg_iovlen = message.parts.size();
  }
}

Bytes FrameReceiver::Buffer(std::size_t index) {
  return {&buffers_[index * kLongest], kLongest};
}

std::size_t FrameReceiver::Receive(Batch& batch, PacketPool& pool,
                                   WorkerStats& stats) {
  const std::size_t before = batch.size();
  Cut(batch, pool, stats);
  if (segmenter_.done() && next_ == size_) {
    Fetch(Batch::kCapacity - batch.size(), pool, stats);
  }
  while (segmenter_.done() && next_ < size_ && !batch.full() &&
         TakeNext(batch, pool, stats)) {
  }
  for (std::size_t i = next_; i < size_; ++i) {
    MoveToBuffer(i);
  }
  return batch.size() - before;
}

void FrameReceiver::Fetch(std::size_t most, PacketPool& pool,
                          WorkerStats& stats) {
  std::size_t room = 0;
  for (; room < std::min(most, kMessages); ++room) {
    Message& message = messages_[room];
    message.frame = pool.Take(pool.shape().payload);
    if (!message.frame) {
      break;
    }
    const Bytes head = message.frame.bytes();
    const Bytes rest = Buffer(room).subspan(head.size());
    message.parts[1] = {head.data(), head.size()};
    message.parts[2] = {rest.data(), rest.size()};
  }
  const int came =
      ::recvmmsg(descriptor_, headers_.data(), static_cast<unsigned>(room),
                 MSG_DONTWAIT | MSG_TRUNC, nullptr);
  if (came < 0) {
    TakeError(stats);
  }
  size_ = came > 0 ? static_cast<std::size_t>(came) : 0;
  next_ = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const std::size_t octets = headers_[i].msg_len;
    messages_[i].size = octets - std::min(octets, sizeof(VnetHeader));
  }
  for (std::size_t i = size_; i < room; ++i) {
    messages_[i].frame.Release();
  }
  if (size_ > 0) {
    stats.Add(Count::kWireReceiveCalls);
    stats.Add(Count::kWireDatagramsReceived, size_);
  }
}

// What a VnetHeader cannot describe (UDP's super-packets before Linux 6.2) the
// kernel drops, and says so, if not to a send that comes first.
void FrameReceiver::TakeError(WorkerStats& stats) {
  if (errno == ENETDOWN) {
    is_down_.store(true, std::memory_order_relaxed);
  } else if (errno == EINVAL) {
    stats.Drop(DropReason::kBadOffload);
  }
}

// False when the pool had no packet for it.
bool FrameReceiver::TakeNext(Batch& batch, PacketPool& pool,
                             WorkerStats& stats) {
  Message& message = messages_[next_];
  if (!message.frame && pool.free() == 0) {
    return false;
  }
  const std::size_t index = next_++;
  message.vnet = BehindEthernet(message.vnet);
  Passage taken = Pass();
  if (message.size <= kEthernetHeaderSize) {
    taken = DropReason::kTruncated;
  } else if (message.vnet.is_super_packet()) {
    taken = BeginCut(index, pool);
  } else {
    if (!message.frame && message.size <= pool.shape().payload) {
      message.frame = pool.Take(message.size);
      CopyBytes(message.frame.bytes(), Buffer(index).first(message.size));
    }
    taken = Complete(message, pool);
  }
  if (!taken.ok()) {
    stats.Drop(taken.error());
  } else if (message.frame) {
    batch.Push(std::move(message.frame));
    return true;
  }
  message.frame.Release();
  if (!segmenter_.done()) {
    stats.Add(Count::kSuperPacketsRead);
    Cut(batch, pool, stats);
  }
  return true;
}

Passage FrameReceiver::Complete(Message& message, PacketPool& pool) {
  if (message.size > pool.shape().payload) {
    return DropReason::kTooBig;
  }
  message.frame.TrimBack(message.frame.size() - message.size);
  return FinishChecksum(message.vnet,
                        message.frame.bytes().subspan(kEthernetHeaderSize));
}

Passage FrameReceiver::BeginCut(std::size_t index, const PacketPool& pool) {
  MoveToBuffer(index);
  Message& message = messages_[index];
  if (message.size >= kLongest) {
    return DropReason::kTooBig;
  }
  const Bytes packet =
      Buffer(index).first(message.size).subspan(kEthernetHeaderSize);
  if ((message.vnet.flags & VnetHeader::kNeedsChecksum) == 0) {
    if (const Passage open = LeaveChecksumOpen(message.vnet, packet);
        !open.ok()) {
      return open.error();
    }
  }
  const Opinion<Segmenter> segmenter = Segmenter::Start(message.vnet, packet);
  if (!segmenter.ok()) {
    return segmenter.error();
  }
  if (kEthernetHeaderSize + segmenter->next_size() > pool.shape().payload) {
    return DropReason::kTooBig;
  }
  segmenter_ = *segmenter;
  cut_ = index;
  return Pass();
}

void FrameReceiver::Cut(Batch& batch, PacketPool& pool, WorkerStats& stats) {
  while (!segmenter_.done() && !batch.full()) {
    Packet frame = pool.Take(kEthernetHeaderSize + segmenter_.next_size());
    if (!frame) {
      return;
    }
    CopyBytes(frame.bytes(), Buffer(cut_).first(kEthernetHeaderSize));
    segmenter_.CutNext(frame.bytes().subspan(kEthernetHeaderSize));
    batch.Push(std::move(frame));
    stats.Add(Count::kSegmentsRead);
  }
}

// With what came behind its packet's end already.
void FrameReceiver::MoveToBuffer(std::size_t index) {
  Message& message = messages_[index];
  if (message.frame) {
    const ConstBytes head = message.frame.bytes();
    CopyBytes(Buffer(index), head.first(std::min(head.size(), message.size)));
    message.frame.Release();
  }
}

}  // namespace postern
