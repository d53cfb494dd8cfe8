// SPDX-License-Identifier: Apache-2.0

#include "daemon/event_streams.h"

#include <utility>

#include "control/admin_protocol.h"

namespace postern {

Status EventStreams::Begin(
    ConnectionId to, std::uint32_t request_id,
    std::unique_ptr<EventFeed::Subscription> subscription) {
  if (streams_.size() >= kMost) {
    return Error{
        ErrorCode::kExhausted,
        std::to_string(kMost) + " monitors are open already: end one of them."};
  }
  subscription->OnNews([this, to] { SendLater(to); });
  streams_[to] = {.request_id = request_id,
                  .subscription = std::move(subscription),
                  .unsent = {}};
  server_.MayStaySilent(to);
  server_.Resume(to);  // to hear of its end
  SendLater(to);
  return Ok();
}

void EventStreams::End(ConnectionId id) {
  // We may be in the midst of a Send() to it.
  loop_.Post([this, id] { streams_.erase(id); });
}

// Events come in bursts, and whoever publishes them is busy.
void EventStreams::SendLater(ConnectionId to) {
  loop_.Post([this, to] { Continue(to); });
}

void EventStreams::Continue(ConnectionId to) {
  const auto found = streams_.find(to);
  if (found != streams_.end() &&
      found->second.waits == Stream::Waits::kForNews) {
    Send(to, found->second);
  }
}

void EventStreams::Send(ConnectionId to, Stream& stream) {
  // At once, so that a long backlog keeps no request waiting.
  constexpr int kAtOnce = 256;
  for (int i = 0; i < kAtOnce; ++i) {
    if (!stream.unsent) {
      stream.unsent = stream.subscription->Next();
    }
    if (!stream.unsent) {
      return;  // until OnNews
    }
    const TransferOutcome sent =
        server_.Send(to, EncodeAdminMessage(AdminType::kEvent,
                                            stream.request_id, *stream.unsent));
    if (sent == TransferOutcome::kWouldBlock) {
      stream.waits = Stream::Waits::kForRoom;
      server_.WhenWritable(to, [this, to, &stream] {
        stream.waits = Stream::Waits::kForNews;
        Continue(to);
      });
      return;
    }
    if (sent != TransferOutcome::kDone) {
      return;  // the connection is closed
    }
    stream.unsent.reset();
  }
  SendLater(to);
}

}  // namespace postern
