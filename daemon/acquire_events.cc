// SPDX-License-Identifier: Apache-2.0

#include "daemon/acquire_events.h"

#include <string>
#include <utility>

#include "settings/sa_settings.h"

namespace postern {
namespace {

Value Numbered(AcquireId id) {
  return Value::Count(static_cast<std::uint32_t>(id));
}

std::string_view EventOf(AcquireEnd::How how) {
  switch (how) {
    case AcquireEnd::How::kAnswered:
      return "acquire_answered";
    case AcquireEnd::How::kRefused:
      return "acquire_refused";
    case AcquireEnd::How::kExpired:
      break;
  }
  return "acquire_expired";
}

Value DescribeFlow(const FlowKey& flow) {
  return MakeObject({{"protocol", Value::Whole(flow.protocol), {}},
                     {"source", flow.local.ToString(), {}},
                     {"source_port", Value::Whole(flow.local_port), {}},
                     {"destination", flow.remote.ToString(), {}},
                     {"destination_port", Value::Whole(flow.remote_port), {}}});
}

// Under the names that `sa.add` has for what answers them.
void AddWishes(const SocketWishes& wishes, Object& members) {
  const auto add = [&members](std::string name, Value value) {
    members.push_back({std::move(name), std::move(value), {}});
  };
  if (wishes.mine) {
    add("local_identity", wishes.mine->ToString());
  }
  if (wishes.peer) {
    add("peer_identity", wishes.peer->ToString());
  }
  if (!wishes.algorithms.is_everything()) {
    add("algorithms", wishes.algorithms.text());
  }
  if (wishes.least_key_bits != 0) {
    add("least_key_bits", Value::Whole(wishes.least_key_bits));
  }
}

}  // namespace

Object DescribeAcquire(const Acquire& acquire) {
  const Need& need = acquire.need;
  Object members{{"id", Numbered(acquire.id), {}},
                 {"category", NameOf(need.category), {}},
                 {"protocol", NameOf(ProtocolOf(need.category)), {}},
                 {"mode", NameOf(ModeOf(need.category)), {}},
                 {"source", need.source.ToString(), {}},
                 {"destination", need.destination.ToString(), {}},
                 {"flow", DescribeFlow(need.flow), {}}};
  if (need.owner) {
    members.push_back(
        {"owner", Value::Count(static_cast<std::uint64_t>(*need.owner)), {}});
  }
  if (need.wishes) {
    AddWishes(*need.wishes, members);
  }
  return members;
}

AcquireEvents::AcquireEvents(Acquires& acquires, const Sadb& sadb,
                             EventFeed& feed)
    : acquires_(acquires),
      sadb_(sadb),
      feed_(feed),
      log_(1, LogLimiter::Rate()) {}

void AcquireEvents::TellNew(Instant now) {
  Settle();
  for (const Acquire& acquire : acquires_.TakeNew()) {
    told_ = acquire.id;
    feed_.Publish(MakeEvent("acquire", DescribeAcquire(acquire)));
    LogLimited(log_, {0, now}, LogLevel::kInfo, "acquire",
               {{"id", static_cast<std::uint32_t>(acquire.id)},
                {"category", NameOf(acquire.need.category)},
                {"flow", ToString(acquire.need.flow)}});
  }
}

void AcquireEvents::Settle() {
  Tell(acquires_.Settle(sadb_));
}

void AcquireEvents::Age(Instant now) {
  Tell(acquires_.Age(now));
}

Result<Acquire> AcquireEvents::FindWaiting(AcquireId id) const {
  std::optional<Acquire> found = acquires_.Find(id);
  if (!found || found->state != Acquire::State::kWaiting) {
    return NoSuchAcquire(id);
  }
  return std::move(*found);
}

Status AcquireEvents::Refuse(AcquireId id, Instant now) {
  const Result<AcquireEnd> refused = acquires_.Refuse(id, now);
  if (!refused.ok()) {
    return refused.error();
  }
  Tell({*refused});
  return Ok();
}

void AcquireEvents::Tell(const std::vector<AcquireEnd>& ends) {
  for (const AcquireEnd& end : ends) {
    if (end.acquire.id <= told_) {
      feed_.Publish(
          MakeEvent(EventOf(end.how), {{"id", Numbered(end.acquire.id), {}}}));
    }
  }
}

std::vector<Value> AcquireEvents::Waiting(Instant now) {
  TellNew(now);  // those who watch already
  std::vector<Value> waiting;
  for (const Acquire& acquire : acquires_.List()) {
    if (acquire.state == Acquire::State::kWaiting && acquire.id <= told_) {
      waiting.push_back(MakeEvent("acquire", DescribeAcquire(acquire)));
    }
  }
  return waiting;
}

}  // namespace postern
