// SPDX-License-Identifier: Apache-2.0
//
// A bounded queue from many threads to one, without locks: what workers tell
// the control thread. A full queue refuses; nobody ever waits.
//
// Each cell carries a number that says whose turn it is (D. Vyukov's bounded
// queue): its position when it may be written, position + 1 when it may be
// read, position + capacity when the next round may write it.
//
// Thread safety: TryPush() is Thread-safe; TryPop() is for one thread.
// Cost: one compare-and-swap to push, none to pop; allocates only in the
// constructor (besides what a T itself does).

#ifndef POSTERN_DAEMON_EVENT_QUEUE_H_
#define POSTERN_DAEMON_EVENT_QUEUE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

namespace postern {

template <typename T>
class EventQueue {
 public:
  // REQUIRES: capacity is a power of two. Checked in every build.
  explicit EventQueue(std::size_t capacity)
      : mask_(capacity - 1), cells_(std::make_unique<Cell[]>(capacity)) {
    if (capacity == 0 || (capacity & mask_) != 0) {
      std::abort();
    }
    for (std::size_t i = 0; i < capacity; ++i) {
      cells_[i].turn.store(i, std::memory_order_relaxed);
    }
  }

  // False when the queue is full.
  bool TryPush(const T& event) {
    std::size_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[at & mask_];
      const std::size_t turn = cell.turn.load(std::memory_order_acquire);
      if (turn == at) {
        if (tail_.compare_exchange_weak(at, at + 1,
                                        std::memory_order_relaxed)) {
          cell.event = event;
          cell.turn.store(at + 1, std::memory_order_release);
          return true;
        }
      } else if (turn < at) {
        return false;
      } else {
        at = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  std::optional<T> TryPop() {
    Cell& cell = cells_[head_ & mask_];
    if (cell.turn.load(std::memory_order_acquire) != head_ + 1) {
      return std::nullopt;
    }
    std::optional<T> event(std::move(cell.event));
    cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    return event;
  }

 private:
  struct Cell {
    std::atomic<std::size_t> turn{0};
    T event{};
  };

  const std::size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  alignas(64) std::size_t head_ = 0;
};

}  // namespace postern

#endif  // POSTERN_DAEMON_EVENT_QUEUE_H_
