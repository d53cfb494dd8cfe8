// SPDX-License-Identifier: Apache-2.0
//
// WorkerEvents carries what workers notice to the control thread: SA events and
// audit records, each in a bounded queue of its own, so that a flood of forged
// packets does not push out an SA's expiry. One eventfd wakes the control thread,
// also for acquires, which are kept elsewhere (policy/acquires.h).
//
// Thread safety: the sinks are Thread-safe and never block; Next*() and
// Rearm() are Control-confined.
// Cost of a post: a compare-and-swap, and a system call for the first since
// the last Rearm().

#ifndef POSTERN_DAEMON_WORKER_EVENTS_H_
#define POSTERN_DAEMON_WORKER_EVENTS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/unique_fd.h"
#include "daemon/event_queue.h"
#include "pipeline/audit_sink.h"
#include "sadb/sa_events.h"

namespace postern {

class WorkerEvents : public SaEventSink, public AuditSink {
 public:
  // Errors: kSystem (no eventfd).
  static Result<std::unique_ptr<WorkerEvents>> Create();

  bool Post(const SaEvent& event) override;
  void Audit(const AuditEvent& event) override;

  // Readable when there is an event.
  int descriptor() const { return wake_.get(); }

  // Before taking the events: whoever posts from now on wakes us again.
  void Rearm();

  // Makes the descriptor readable: not all events were taken, or there is
  // something to look at elsewhere. Thread-safe.
  void Wake();

  std::optional<SaEvent> NextSaEvent() { return sa_events_.TryPop(); }

  std::optional<AuditEvent> NextAudit() { return audits_.TryPop(); }

  // Audit records that found their queue full.
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  explicit WorkerEvents(UniqueFd wake) : wake_(std::move(wake)) {}

  void CountLost() { lost_.fetch_add(1, std::memory_order_relaxed); }

  UniqueFd wake_;
  std::atomic<bool> awake_{false};
  std::atomic<std::uint64_t> lost_{0};
  EventQueue<SaEvent> sa_events_{4096};
  EventQueue<AuditEvent> audits_{1024};
};

}  // namespace postern

#endif  // POSTERN_DAEMON_WORKER_EVENTS_H_
