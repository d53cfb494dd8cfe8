// SPDX-License-Identifier: Apache-2.0
//
// Read-copy-update over liburcu's QSBR flavour: readers never lock, never
// write shared memory on the packet path, and announce once a batch that they
// hold nothing (a quiescent state).
//
//     RcuReader reader;                 // registers this thread
//     for (;;) {
//       reader.Offline();  poll(...);  reader.Online();
//       ... use shared pointers ...
//       reader.Quiescent();             // holds none of them any more
//     }
//
// RcuSynchronize() returns when every registered, online thread has passed a
// quiescent state since the call: what was unlinked before is no longer seen.
// That one grace period is also setsockopt's promise (docs/threads.md).
//
// Thread safety: Thread-safe, except that an RcuReader belongs to the thread
// that made it.

#ifndef POSTERN_CORE_RCU_H_
#define POSTERN_CORE_RCU_H_

#include <atomic>
#include <functional>
#include <memory>

namespace postern {

// Registers the thread that makes it, online, for as long as it lives.
// REQUIRES: at most one at a time in a thread. Checked in every build.
class RcuReader {
 public:
  RcuReader();
  ~RcuReader();
  RcuReader(const RcuReader&) = delete;
  RcuReader& operator=(const RcuReader&) = delete;

  void Quiescent();
  void Offline();  // before blocking
  void Online();
};

// Waits for one grace period. REQUIRES: called by a thread that is not a
// registered reader, or is one that holds nothing (it is put offline
// meanwhile). A registered thread that stays online without ever announcing a
// quiescent state makes it wait for ever.
void RcuSynchronize();

// Runs `action` after a grace period, in liburcu's own thread.
void RcuDefer(std::function<void()> action);

// Waits until every action deferred before the call has run. Call at shutdown
// and at the end of tests.
void RcuBarrier();

// RcuBarrier() when it goes: a member behind what deferred actions refer to.
class RcuBarrierAtEnd {
 public:
  RcuBarrierAtEnd() = default;
  RcuBarrierAtEnd(const RcuBarrierAtEnd&) = delete;
  RcuBarrierAtEnd& operator=(const RcuBarrierAtEnd&) = delete;

  ~RcuBarrierAtEnd() { RcuBarrier(); }
};

// ThreadSanitizer does not see into liburcu. These tell it that what was done
// to `object` before the release comes before what follows an acquire of it:
// call the first before linking an object into one of liburcu's tables, the
// second after finding it there. In other builds they do nothing.
void RcuAnnotateRelease(const void* object);
void RcuAnnotateAcquire(const void* object);

// A pointer to an immutable T that readers follow and one writer replaces.
// The old value is destroyed after a grace period.
template <typename T>
class RcuPointer {
 public:
  explicit RcuPointer(std::unique_ptr<const T> value)
      : value_(value.release()) {}

  ~RcuPointer() {
    const std::unique_ptr<const T> last(value_.load(std::memory_order_relaxed));
  }

  RcuPointer(const RcuPointer&) = delete;
  RcuPointer& operator=(const RcuPointer&) = delete;

  // Valid until the reader's next quiescent state. Never null.
  const T& Read() const { return *value_.load(std::memory_order_acquire); }

  // Writers must not race with each other. Returns after a grace period.
  void Replace(std::unique_ptr<const T> value) {
    const std::unique_ptr<const T> old(
        value_.exchange(value.release(), std::memory_order_acq_rel));
    RcuSynchronize();
  }

 private:
  std::atomic<const T*> value_;
};

}  // namespace postern

#endif  // POSTERN_CORE_RCU_H_
