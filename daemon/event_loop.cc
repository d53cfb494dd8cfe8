// SPDX-License-Identifier: Apache-2.0

#include "daemon/event_loop.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace postern {

namespace asio = boost::asio;
using ErrorValue = boost::system::error_code;

struct EventLoop::State {
  asio::io_context context{1};  // one thread runs it
};

EventLoop::EventLoop() : state_(std::make_unique<State>()) {}

EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  const auto work = asio::make_work_guard(state_->context);
  state_->context.restart();
  state_->context.run();
}

void EventLoop::Stop() {
  state_->context.stop();
}

void EventLoop::Post(std::function<void()> call) {
  asio::post(state_->context, std::move(call));
}

// The handlers share the state: a call that destroys the watch does not pull
// the ground from under itself.
struct DescriptorWatch::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, int fd) : descriptor(context, fd) {}

  void Await() {
    waits = true;
    descriptor.async_wait(
        asio::posix::stream_descriptor::wait_read,
        [self = shared_from_this()](const ErrorValue& error) {
          self->waits = false;
          if (error || self->ended || !self->readable) {
            return;
          }
          const std::function<void()> call = self->readable;
          call();
          if (!self->ended && self->readable && !self->waits) {
            self->Await();
          }
        });
  }

  asio::posix::stream_descriptor descriptor;
  std::function<void()> readable;
  bool waits = false;
  bool ended = false;
};

DescriptorWatch::DescriptorWatch(EventLoop& loop, int descriptor)
    : state_(std::make_shared<State>(loop.state_->context, descriptor)) {}

DescriptorWatch::~DescriptorWatch() {
  state_->ended = true;
  state_->descriptor.release();  // cancels; the descriptor is not ours to close
}

void DescriptorWatch::OnReadable(std::function<void()> call) {
  state_->readable = std::move(call);
  if (!state_->waits) {
    state_->Await();
  }
}

void DescriptorWatch::Pause() {
  state_->readable = nullptr;
}

void DescriptorWatch::OnceWritable(std::function<void()> call) {
  state_->descriptor.async_wait(
      asio::posix::stream_descriptor::wait_write,
      [state = state_, call = std::move(call)](const ErrorValue& error) {
        if (!error && !state->ended) {
          call();
        }
      });
}

struct TimerWatch::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, Duration every, std::function<void()> what)
      : timer(context), period(every), call(std::move(what)) {}

  void Await() {
    timer.expires_after(period);
    timer.async_wait([self = shared_from_this()](const ErrorValue& error) {
      if (error || self->ended) {
        return;
      }
      self->call();
      if (!self->ended) {
        self->Await();
      }
    });
  }

  asio::steady_timer timer;
  Duration period;
  std::function<void()> call;
  bool ended = false;
};

TimerWatch::TimerWatch(EventLoop& loop, Duration period,
                       std::function<void()> call)
    : state_(std::make_shared<State>(loop.state_->context, period,
                                     std::move(call))) {
  state_->Await();
}

TimerWatch::~TimerWatch() {
  state_->ended = true;
  state_->timer.cancel();
}

struct SignalWatch::State : std::enable_shared_from_this<State> {
  State(asio::io_context& context, std::function<void(int)> what)
      : signals(context), call(std::move(what)) {}

  void Await() {
    signals.async_wait(
        [self = shared_from_this()](const ErrorValue& error, int signal) {
          if (error || self->ended) {
            return;
          }
          self->call(signal);
          if (!self->ended) {
            self->Await();
          }
        });
  }

  asio::signal_set signals;
  std::function<void(int)> call;
  bool ended = false;
};

SignalWatch::SignalWatch(EventLoop& loop, const std::vector<int>& signals,
                         std::function<void(int)> call)
    : state_(std::make_shared<State>(loop.state_->context, std::move(call))) {
  for (const int signal : signals) {
    state_->signals.add(signal);
  }
  state_->Await();
}

SignalWatch::~SignalWatch() {
  state_->ended = true;
  state_->signals.cancel();
}

}  // namespace postern
