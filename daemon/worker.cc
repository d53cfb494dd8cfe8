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

// As poll() wants it: rounded up, so that the time has come when it returns.
int MillisecondsTo(std::optional<Instant> deadline) {
  if (!deadline) {
    return -1;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - MonotonicNow());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

std::string NameOf(const Worker::Lanes& lanes) {
  const Lane& first = *lanes.front();
  const char* const way =
      first.direction() == Direction::kOutbound ? "outbound" : "inbound";
  const std::string what = lanes.size() > 1 ? "packets" : way;
  return first.pair() == 0 ? what : what + "-" + std::to_string(first.pair());
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

Result<std::unique_ptr<Worker>> Worker::Start(
    Lanes lanes, BusyPoll busy_poll, std::function<void()> on_failure) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return SystemError("eventfd", errno);
  }
  std::unique_ptr<Worker> worker(new Worker(
      std::move(lanes), busy_poll, std::move(on_failure), std::move(wake)));
  const BlockedSignals blocked;
  try {
    worker->thread_ = std::thread([raw = worker.get()] { raw->Run(); });
  } catch (const std::system_error& error) {
    return SystemError("starting a worker's thread", error.code().value());
  }
  return worker;
}

Worker::Worker(Lanes lanes, BusyPoll busy_poll,
               std::function<void()> on_failure, UniqueFd wake)
    : lanes_(std::move(lanes)),
      busy_poll_(busy_poll),
      name_(NameOf(lanes_)),
      on_failure_(std::move(on_failure)),
      wake_(std::move(wake)) {
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    waits_.push_back(
        {.fd = lane->descriptor(), .events = POLLIN, .revents = 0});
  }
  waits_.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
}

Worker::~Worker() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_relaxed);
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
  }
}

void Worker::Prod() {
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    lane->Prod();
  }
  ::eventfd_write(wake_.get(), 1);
}

void Worker::Emit(std::vector<std::uint8_t> packet) {
  lanes_.front()->Emit(std::move(packet));
  ::eventfd_write(wake_.get(), 1);
}

void Worker::SendDummy(const DummyOrder& order) {
  lanes_.front()->SendDummy(order);
  ::eventfd_write(wake_.get(), 1);
}

void Worker::Run() {
  ::pthread_setname_np(::pthread_self(), name_.c_str());
  RcuReader reader;
  for (;;) {
    reader.Offline();
    const Woken woken = Wait();
    reader.Online();
    if (woken != Woken::kToWork) {
      if (woken == Woken::kByFailure) {
        on_failure_();
      }
      return;
    }
    CarryWhatComes(reader);
  }
}

// Until nothing is there, and looking again does not pay.
void Worker::CarryWhatComes(RcuReader& reader) {
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (CarryOneBatchEach() > 0) {
      busy_poll_.Found();
    } else if (!LooksAgain()) {
      return;
    }
    reader.Quiescent();
  }
}

// Whoever else wants the processor has it meanwhile: the packet that is awaited
// may be theirs to send.
bool Worker::LooksAgain() {
  if (!busy_poll_.enabled() || !busy_poll_.LookAgain(MonotonicNow())) {
    return false;
  }
  ::sched_yield();
  return true;
}

// Returns how many packets waited.
std::size_t Worker::CarryOneBatchEach() {
  std::size_t waited = 0;
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    waited += lane->Carry();
  }
  return waited;
}

std::optional<Instant> Worker::NextDeadline() const {
  std::optional<Instant> next;
  for (const std::unique_ptr<Lane>& lane : lanes_) {
    const std::optional<Instant> its = lane->NextDeadline();
    next = its && (!next || *its < *next) ? its : next;
  }
  return next;
}

// What poll() returns.
int Worker::Sleep() {
  const int timeout = MillisecondsTo(NextDeadline());
  if (!busy_poll_.enabled()) {
    return ::poll(waits_.data(), waits_.size(), timeout);
  }
  const Instant before = MonotonicNow();
  const int woken = ::poll(waits_.data(), waits_.size(), timeout);
  busy_poll_.Slept(MonotonicNow() - before);
  return woken;
}

Worker::Woken Worker::Wait() {
  while (Sleep() < 0) {
    if (errno != EINTR) {
      return Woken::kByFailure;
    }
  }
  eventfd_t times = 0;
  ::eventfd_read(wake_.get(), &times);
  if (stopping_.load(std::memory_order_relaxed)) {
    return Woken::kToStop;
  }
  const bool failed = std::ranges::any_of(
      waits_, [](const pollfd& wait) { return (wait.revents & ~POLLIN) != 0; });
  return failed ? Woken::kByFailure : Woken::kToWork;
}

Result<Workers> StartWorkers(Worker::Lanes lanes, std::size_t lanes_each,
                             BusyPoll busy_poll,
                             const std::function<void()>& on_failure) {
  Workers workers;
  Worker::Lanes its;
  for (std::unique_ptr<Lane>& lane : lanes) {
    its.push_back(std::move(lane));
    if (its.size() < lanes_each) {
      continue;
    }
    Result<std::unique_ptr<Worker>> worker =
        Worker::Start(std::exchange(its, {}), busy_poll, on_failure);
    if (!worker.ok()) {
      return worker.error();
    }
    workers.push_back(std::move(*worker));
  }
  return workers;
}

}  // namespace postern
