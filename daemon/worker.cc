// SPDX-License-Identifier: Apache-2.0

#include "daemon/worker.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "core/rcu.h"
#include "pipeline/inbound.h"
#include "pipeline/outbound.h"

namespace postern {
namespace {

// Room for a batch on its way and what the pipeline holds meanwhile.
constexpr PacketPool::Shape kPoolShape = {.packets = 4 * Batch::kCapacity,
                                          .payload = 9216};

// One worker a direction: each has a transform of every SA to itself.
WorkerIndex IndexOf(Direction direction) {
  return direction == Direction::kOutbound ? WorkerIndex{0} : WorkerIndex{1};
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

Result<std::unique_ptr<Worker>> Worker::Start(Parts parts) {
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop.valid()) {
    return SystemError("eventfd", errno);
  }
  std::unique_ptr<Worker> worker(new Worker(std::move(parts), std::move(stop)));
  const BlockedSignals blocked;
  try {
    worker->thread_ = std::thread([raw = worker.get()] { raw->Run(); });
  } catch (const std::system_error& error) {
    return SystemError("starting a worker's thread", error.code().value());
  }
  return worker;
}

Worker::Worker(Parts parts, UniqueFd stop)
    : parts_(std::move(parts)),
      stop_(std::move(stop)),
      pool_(kPoolShape),
      flows_({.system = parts_.system,
              .sockets = parts_.sockets,
              .owner = *parts_.owner,
              .stats = stats_,
              .raw = &parts_.raw},
             kFlows) {}

Worker::~Worker() {
  if (thread_.joinable()) {
    stopping_.store(true, std::memory_order_relaxed);
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
}

void Worker::Run() {
  if (parts_.direction == Direction::kOutbound) {
    ::pthread_setname_np(::pthread_self(), "outbound");
    OutboundPipeline pipeline({.sadb = parts_.sadb,
                               .flows = flows_,
                               .acquires = parts_.events,
                               .stats = stats_,
                               .worker = IndexOf(parts_.direction),
                               .wire_mtu = parts_.exit.mtu()});
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
    const Woken woken = Wait();
    reader.Online();
    if (woken != Woken::kByPackets) {
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
  pipeline.Run(in, out, MonotonicNow());
  parts_.exit.Send(out, stats_);
  return received;
}

Worker::Woken Worker::Wait() const {
  enum : std::size_t { kEntrance, kStop };

  std::array<pollfd, 2> wanted{};
  wanted[kEntrance] = {
      .fd = parts_.entrance.descriptor(), .events = POLLIN, .revents = 0};
  wanted[kStop] = {.fd = stop_.get(), .events = POLLIN, .revents = 0};
  for (;;) {
    if (::poll(wanted.data(), wanted.size(), -1) < 0) {
      if (errno == EINTR) {
        continue;
      }
      return Woken::kByFailure;
    }
    if (wanted[kStop].revents != 0) {
      return Woken::kToStop;
    }
    const bool failed = (wanted[kEntrance].revents & ~POLLIN) != 0;
    return failed ? Woken::kByFailure : Woken::kByPackets;
  }
}

}  // namespace postern
