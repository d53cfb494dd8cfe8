// SPDX-License-Identifier: Apache-2.0
//
// The control thread's event loop: descriptors, timers and signals, each with a
// call to make. Everything runs in the thread that runs Run(), one call at a
// time; a call must not block for long.
//
//     EventLoop loop;
//     DescriptorWatch watch(loop, fd);
//     watch.OnReadable([&] { ... });
//     TimerWatch age(loop, std::chrono::seconds(1), [&] { ... });
//     loop.Run();
//
// A watch ends with its object, also when that is destroyed by the call that it
// makes; after that the call is not made any more. Watches must not outlive
// their loop.
//
// Thread safety: Control-confined.

#ifndef POSTERN_DAEMON_EVENT_LOOP_H_
#define POSTERN_DAEMON_EVENT_LOOP_H_

#include <functional>
#include <memory>
#include <vector>

#include "core/clock.h"

namespace postern {

class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Returns after Stop(). An exception from a call comes out here.
  void Run();

  // Thread-safe, unlike everything else.
  void Stop();

  // Makes the call once, after what is ready now.
  void Post(std::function<void()> call);

 private:
  friend class DescriptorWatch;
  friend class TimerWatch;
  friend class SignalWatch;
  struct State;

  std::unique_ptr<State> state_;
};

// One per descriptor, which must stay open as long as the watch.
class DescriptorWatch {
 public:
  DescriptorWatch(EventLoop& loop, int descriptor);
  ~DescriptorWatch();
  DescriptorWatch(const DescriptorWatch&) = delete;
  DescriptorWatch& operator=(const DescriptorWatch&) = delete;

  // Whenever there is something to read, until the next OnReadable() or
  // Pause().
  void OnReadable(std::function<void()> call);
  void Pause();

  // Once, when there is room to write.
  void OnceWritable(std::function<void()> call);

 private:
  struct State;

  std::shared_ptr<State> state_;
};

// A call every `period`; missed ones are not made up for.
class TimerWatch {
 public:
  TimerWatch(EventLoop& loop, Duration period, std::function<void()> call);
  ~TimerWatch();
  TimerWatch(const TimerWatch&) = delete;
  TimerWatch& operator=(const TimerWatch&) = delete;

 private:
  struct State;

  std::shared_ptr<State> state_;
};

// Takes these signals from their default action.
class SignalWatch {
 public:
  SignalWatch(EventLoop& loop, const std::vector<int>& signals,
              std::function<void(int)> call);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;

  std::shared_ptr<State> state_;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_EVENT_LOOP_H_
