// SPDX-License-Identifier: Apache-2.0

#include "daemon/worker.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "core/rcu.h"
#include "pipeline/inbound.h"
#include "pipeline/outbound.h"

namespace postern {
namespace {

// Room for a batch on its way and for what the pipeline holds meanwhile.
PacketPool::Shape PoolShape(const HeldPackets::Limits& hold) {
  return {.packets = 4 * Batch::kCapacity + hold.in_all, .payload = 9216};
}

// One worker a direction: each has a transform of every SA to itself.
WorkerIndex IndexOf(Direction direction) {
  return direction == Direction::kOutbound ? WorkerIndex{0} : WorkerIndex{1};
}

// As poll() wants it: rounded up, so that the time has come when it returns.
int MillisecondsTo(std::optional<Instant> deadline) {
  if (!deadline) {
    return -1;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(*deadline - MonotonicNow());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

// Only outbound packets wait for anything.
std::optional<Instant> DeadlineOf(const OutboundPipeline& pipeline) {
  return pipeline.NextDeadline();
}

std::optional<Instant> DeadlineOf(const InboundPipeline& /*pipeline*/) {
  return std::nullopt;
}

void Prod(OutboundPipeline& pipeline) {
  pipeline.Prod();
}

void Prod(InboundPipeline& /*pipeline*/) {}

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

Result<std::unique_ptr<Worker>> Worker::Start(Parts parts) {
  UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return SystemError("eventfd", errno);
  }
  std::unique_ptr<Worker> worker(new Worker(std::move(parts), std::move(wake)));
  const BlockedSignals blocked;
  try {
    worker->thread_ = std::thread([raw = worker.get()] { raw->Run(); });
  } catch (const std::system_error& error) {
    return SystemError("starting a worker's thread", error.code().value());
  }
  return worker;
}

Worker::Worker(Parts parts, UniqueFd wake)
    : parts_(std::move(parts)),
      wake_(std::move(wake)),
      pool_(PoolShape(parts_.hold)),
      flows_({.system = parts_.system,
              .sockets = parts_.sockets,
              .owner = *parts_.owner,
              .stats = stats_,
              .raw = &parts_.raw,
              .cgroups = parts_.cgroups,
              .arrivals = &parts_.arrivals},
             kFlows) {}

Worker::~Worker() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_relaxed);
    ::eventfd_write(wake_.get(), 1);
    thread_.join();
  }
}

void Worker::Prod() {
  prodded_.store(true, std::memory_order_release);
  ::eventfd_write(wake_.get(), 1);
}

void Worker::Run() {
  if (parts_.direction == Direction::kOutbound) {
    ::pthread_setname_np(::pthread_self(), "outbound");
    OutboundPipeline pipeline({.sadb = parts_.sadb,
                               .flows = flows_,
                               .acquires = parts_.acquires,
                               .stats = stats_,
                               .worker = IndexOf(parts_.direction),
                               .wire_mtu = parts_.exit.mtu(),
                               .hold = parts_.hold});
    RunWith(pipeline);
  } else {
    ::pthread_setname_np(::pthread_self(), "inbound");
    InboundPipeline pipeline({.sadb = parts_.sadb,
                              .system = parts_.system,
                              .flows = flows_,
                              .audit = parts_.events,
                              .stats = stats_,
                              .worker = IndexOf(parts_.direction)});
    RunWith(pipeline);
  }
}

template <typename Pipeline>
void Worker::RunWith(Pipeline& pipeline) {
  RcuReader reader;
  Batch in;
  Batch out;
  for (;;) {
    reader.Offline();
    const Woken woken = Wait(DeadlineOf(pipeline));
    reader.Online();
    if (woken != Woken::kToWork) {
      if (woken == Woken::kByFailure) {
        parts_.on_failure();
      }
      return;
    }
    while (CarryOneBatch(pipeline, in, out) > 0 &&
           !stopping_.load(std::memory_order_relaxed)) {
      reader.Quiescent();
    }
  }
}

// Returns how many packets waited.
template <typename Pipeline>
std::size_t Worker::CarryOneBatch(Pipeline& pipeline, Batch& in, Batch& out) {
  const std::size_t received = parts_.entrance.Receive(in, pool_, stats_);
  if (prodded_.load(std::memory_order_relaxed) &&
      prodded_.exchange(false, std::memory_order_acq_rel)) {
    postern::Prod(pipeline);
  }
  for (Rest rest = Rest::kMore; rest == Rest::kMore;) {
    rest = pipeline.Run(in, out, MonotonicNow());
    parts_.exit.Send(out, stats_);
  }
  return received;
}

Worker::Woken Worker::Wait(std::optional<Instant> deadline) {
  enum : std::size_t { kEntrance, kWake };

  std::array<pollfd, 2> wanted{};
  wanted[kEntrance] = {
      .fd = parts_.entrance.descriptor(), .events = POLLIN, .revents = 0};
  wanted[kWake] = {.fd = wake_.get(), .events = POLLIN, .revents = 0};
  while (::poll(wanted.data(), wanted.size(), MillisecondsTo(deadline)) < 0) {
    if (errno != EINTR) {
      return Woken::kByFailure;
    }
  }
  eventfd_t times = 0;
  ::eventfd_read(wake_.get(), &times);
  if (stopping_.load(std::memory_order_relaxed)) {
    return Woken::kToStop;
  }
  const bool failed = (wanted[kEntrance].revents & ~POLLIN) != 0;
  return failed ? Woken::kByFailure : Woken::kToWork;
}

}  // namespace postern
