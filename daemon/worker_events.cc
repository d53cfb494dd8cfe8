// SPDX-License-Identifier: Apache-2.0

#include "daemon/worker_events.h"

#include <sys/eventfd.h>

#include <cerrno>

namespace postern {

Result<std::unique_ptr<WorkerEvents>> WorkerEvents::Create() {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return SystemError("eventfd", errno);
  }
  return std::unique_ptr<WorkerEvents>(new WorkerEvents(std::move(wake)));
}

bool WorkerEvents::Post(const SaEvent& event) {
  const bool taken = sa_events_.TryPush(event);
  Wake();
  return taken;
}

void WorkerEvents::Audit(const AuditEvent& event) {
  if (!audits_.TryPush(event)) {
    CountLost();
  }
  Wake();
}

void WorkerEvents::Wake() {
  if (awake_.exchange(true, std::memory_order_acq_rel)) {
    return;
  }
  const std::uint64_t one = 1;
  // It can only fail when it is readable already.
  [[maybe_unused]] const ssize_t written =
      ::write(wake_.get(), &one, sizeof(one));
}

void WorkerEvents::Rearm() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read =
      ::read(wake_.get(), &count, sizeof(count));
  // An exchange, not a store: it sees what the last poster saw, and with it
  // that poster's event.
  awake_.exchange(false, std::memory_order_acq_rel);
}

}  // namespace postern
