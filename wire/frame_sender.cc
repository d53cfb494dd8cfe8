// SPDX-License-Identifier: Apache-2.0

#include "wire/frame_sender.h"

#include <cerrno>

#include "core/packet/refused_send.h"

namespace postern {

FrameSender::FrameSender(int descriptor, std::atomic<bool>& is_down)
    : descriptor_(descriptor), is_down_(is_down) {
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    parts_[i * kParts] = {&vnet_, sizeof(vnet_)};
    messages_[i].msg_hdr.msg_iov = &parts_[i * kParts];
    messages_[i].msg_hdr.msg_iovlen = kParts;
  }
}

// Goes on behind a frame that is refused: the next may be taken.
void FrameSender::Send(Batch& batch, WorkerStats& stats) {
  std::size_t count = 0;
  for (Packet& packet : batch) {
    if (packet) {
      parts_[count * kParts + 1] = {packet.bytes().data(), packet.size()};
      ++count;
    }
  }
  for (std::size_t sent = 0; sent < count;) {
    const int put =
        ::sendmmsg(descriptor_, &messages_[sent],
                   static_cast<unsigned>(count - sent), MSG_DONTWAIT);
    if (put > 0) {
      sent += static_cast<std::size_t>(put);
      stats.Add(Count::kWireSendCalls);
      stats.Add(Count::kWireDatagramsSent, static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      if (errno == ENETDOWN || errno == ENXIO) {
        is_down_.store(true, std::memory_order_relaxed);
      }
      stats.Drop(ReasonOfRefusedSend(errno));
      ++sent;
    }
  }
  batch.Clear();
}

}  // namespace postern
