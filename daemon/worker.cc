// SPDX-License-Identifier: Apache-2.0

#include "daemon/worker.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>
#include <utility>

namespace postern {
namespace {

using Side = LaneLoan::Side;

constexpr int kNever =
    -1;  // a timeout, and a descriptor that is not waited for
constexpr std::size_t kOutbound = 0;
constexpr std::size_t kInbound = 1;
constexpr std::size_t kWake = 2;

// As poll() wants it: rounded up, so that the time has come when it returns.
int Milliseconds(Duration time) {
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(time);
  return static_cast<int>(std::clamp<std::int64_t>(rounded.count(), 0, 60'000));
}

pollfd WaitFor(int descriptor) {
  return {.fd = descriptor, .events = POLLIN, .revents = 0};
}

// A signal is for the control thread; a new thread inherits the mask.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }

  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Worker::Worker(Parts parts)
    : parts_(std::move(parts)),
      busy_(parts_.rules),
      quiet_(parts_.rules),
      waits_({WaitFor(parts_.outbound != nullptr ? parts_.outbound->descriptor()
                                                 : kNever),
              WaitFor(parts_.inbound.descriptor()),
              WaitFor(parts_.wake.get())}) {}

Worker::~Worker() {
  Stop();
}

Status Worker::Start() {
  const BlockedSignals blocked;
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return SystemError("starting a worker's thread", error.code().value());
  }
  return Ok();
}

void Worker::Stop() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_relaxed);
    Wake();
    thread_.join();
  }
}

void Worker::Run() {
  ::pthread_setname_np(::pthread_self(), parts_.name.c_str());
  RcuReader reader;
  for (;;) {
    reader.Offline();
    const Woken woken = Wait();
    reader.Online();
    if (woken != Woken::kToWork) {
      if (woken == Woken::kByFailure) {
        parts_.on_failure();
      }
      return;
    }
    CarryWhatComes(reader);
  }
}

// Until nothing is there, and looking again does not pay, or no lane is left.
void Worker::CarryWhatComes(RcuReader& reader) {
  while (!stopping_.load(std::memory_order_relaxed)) {
    const RoundCatch found = CarryOneBatchEach();
    LendIfBusy(found);
    if (GaveBack()) {
      return;
    }
    if (found.outbound + found.inbound > 0) {
      parts_.busy_poll.Found();
    } else if (!LooksAgain()) {
      return;
    }
    reader.Quiescent();
  }
}

// Whoever else wants the processor has it meanwhile: the packet that is awaited
// may be theirs to send.
bool Worker::LooksAgain() {
  if (!parts_.busy_poll.enabled() ||
      !parts_.busy_poll.LookAgain(MonotonicNow())) {
    return false;
  }
  ::sched_yield();
  return true;
}

RoundCatch Worker::CarryOneBatchEach() {
  RoundCatch found;
  if (parts_.outbound != nullptr) {
    found.outbound = parts_.outbound->Carry();
    Count(Direction::kOutbound, found.outbound);
  }
  if (HasInbound()) {
    found.inbound = parts_.inbound.Carry();
    Count(Direction::kInbound, found.inbound);
  }
  return found;
}

void Worker::Count(Direction way, std::size_t packets) {
  if (packets > 0) {
    carried_[static_cast<std::size_t>(way)].store(carried(way) + packets,
                                                  std::memory_order_relaxed);
  }
}

bool Worker::HasInbound() const {
  return parts_.loan == nullptr || parts_.loan->With(parts_.side);
}

// After a round. The borrower has nobody to lend to.
void Worker::LendIfBusy(const RoundCatch& found) {
  if (parts_.loan == nullptr) {
    return;
  }
  const BusyRounds::Load load = busy_.Round(found);
  if (load == BusyRounds::Load::kLittle) {
    return;
  }
  if (parts_.side == Side::kBorrower) {
    quiet_.Busy();
  } else if (!parts_.loan->With(Side::kLender)) {
    parts_.loan->CountBusy();
  } else if (load == BusyRounds::Load::kBothWays) {
    parts_.loan->HandOver();
    busy_ = BusyRounds(parts_.rules);
  }
}

// After a round, whose time is that of now. However little comes, it may never be
// nothing: a conversation goes on while this thread looks again.
bool Worker::GaveBack() {
  if (parts_.side == Side::kLender || !HasInbound() ||
      !quiet_.Over(parts_.inbound.looked(), parts_.loan->times_busy())) {
    return false;
  }
  parts_.loan->HandOver();
  return true;
}

std::optional<Instant> Worker::NextDeadline() const {
  std::optional<Instant> next;
  if (parts_.outbound != nullptr) {
    next = parts_.outbound->NextDeadline();
  }
  if (HasInbound()) {
    next = Earlier(next, parts_.inbound.NextDeadline());
  }
  return next;
}

// A borrower wakes to find out that it is quiet.
int Worker::Timeout() const {
  const std::optional<Instant> deadline = NextDeadline();
  const int waits =
      deadline ? Milliseconds(*deadline - MonotonicNow()) : kNever;
  if (parts_.side == Side::kLender || !HasInbound()) {
    return waits;
  }
  const int quiet = Milliseconds(parts_.rules.quiet);
  return deadline ? std::min(waits, quiet) : quiet;
}

// What poll() returns. Who hands the inbound lane over from now on wakes us.
int Worker::Sleep() {
  waits_[kInbound].fd = HasInbound() ? parts_.inbound.descriptor() : kNever;
  const int timeout = Timeout();
  if (!parts_.busy_poll.enabled()) {
    return ::poll(waits_.data(), waits_.size(), timeout);
  }
  const Instant before = MonotonicNow();
  const int woken = ::poll(waits_.data(), waits_.size(), timeout);
  parts_.busy_poll.Slept(MonotonicNow() - before);
  return woken;
}

bool Worker::Failed() {
  using State = PacketPort::DescriptorState;
  const auto state = [this](std::size_t wait) {
    return (waits_[wait].revents & ~POLLIN) != 0 ? State::kError : State::kFine;
  };
  return state(kWake) == State::kError ||
         (parts_.outbound != nullptr &&
          parts_.outbound->IsGone(state(kOutbound))) ||
         (HasInbound() && parts_.inbound.IsGone(state(kInbound)));
}

Worker::Woken Worker::Wait() {
  while (Sleep() < 0) {
    if (errno != EINTR) {
      return Woken::kByFailure;
    }
  }
  if (waits_[kWake].revents != 0) {
    eventfd_t times = 0;
    ::eventfd_read(parts_.wake.get(), &times);
  }
  if (stopping_.load(std::memory_order_relaxed)) {
    return Woken::kToStop;
  }
  return Failed() ? Woken::kByFailure : Woken::kToWork;
}

}  // namespace postern
