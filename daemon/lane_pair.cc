// SPDX-License-Identifier: Apache-2.0

#include "daemon/lane_pair.h"

#include <sys/eventfd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace postern {
namespace {

using Side = LaneLoan::Side;

std::string NameOf(Side side, std::size_t pair) {
  const std::string what = side == Side::kLender ? "packets" : "inbound";
  return pair == 0 ? what : what + "-" + std::to_string(pair);
}

}  // namespace

Result<std::unique_ptr<LanePair>> LanePair::Start(
    Lanes lanes, const Threads& threads, std::function<void()> on_failure) {
  std::unique_ptr<LanePair> pair(
      new LanePair(std::move(lanes), std::move(on_failure)));
  if (Status started = pair->StartWorkers(threads); !started.ok()) {
    return started.error();
  }
  return pair;
}

LanePair::LanePair(Lanes lanes, std::function<void()> on_failure)
    : lanes_(std::move(lanes)), on_failure_(std::move(on_failure)) {}

// Either may wake the other as long as it runs.
LanePair::~LanePair() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->Stop();
  }
}

Status LanePair::StartWorkers(const Threads& threads) {
  constexpr std::array kSides = {Side::kLender, Side::kBorrower};
  std::array<UniqueFd, kSides.size()> wakes;
  for (UniqueFd& wake : wakes) {
    wake.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake.valid()) {
      return SystemError("eventfd", errno);
    }
  }
  if (threads.number > 1) {
    loan_.emplace(wakes[0].get(), wakes[1].get());
  }
  for (std::size_t i = 0; i < threads.number; ++i) {
    workers_.push_back(std::make_unique<Worker>(
        PartsOf(kSides[i], threads, std::move(wakes[i]))));
  }
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (Status started = worker->Start(); !started.ok()) {
      return started;
    }
  }
  return Ok();
}

Worker::Parts LanePair::PartsOf(Side side, const Threads& threads,
                                UniqueFd wake) {
  return {.name = NameOf(side, lanes_.inbound->pair()),
          .outbound = side == Side::kLender ? lanes_.outbound.get() : nullptr,
          .inbound = *lanes_.inbound,
          .loan = loan_ ? &*loan_ : nullptr,
          .side = side,
          .rules = threads.loans,
          .busy_poll = threads.busy_poll,
          .on_failure = [this] { Fail(); },
          .wake = std::move(wake)};
}

void LanePair::Fail() {
  if (!failed_.exchange(true)) {
    on_failure_();
  }
}

void LanePair::Prod() {
  lanes_.outbound->Prod();
  lender().Wake();
}

void LanePair::Emit(std::vector<std::uint8_t> packet) {
  lanes_.outbound->Emit(std::move(packet));
  lender().Wake();
}

void LanePair::SendDummy(const DummyOrder& order) {
  lanes_.outbound->SendDummy(order);
  lender().Wake();
}

}  // namespace postern
