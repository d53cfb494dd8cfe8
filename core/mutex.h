// SPDX-License-Identifier: Apache-2.0
//
// A mutex that clang's -Wthread-safety understands: what a lock guards is
// written at the data, and an access without the lock does not compile. Under
// g++ the annotations vanish.
//
//     class Queue {
//       ...
//      private:
//       Mutex mutex_;
//       std::deque<Event> events_ POSTERN_GUARDED_BY(mutex_);
//     };
//
//     void Queue::Push(Event event) {
//       const MutexLock lock(mutex_);
//       events_.push_back(std::move(event));
//     }
//
// Never held across a system call or on the packet path.
//
// Thread safety: Thread-safe.

#ifndef POSTERN_CORE_MUTEX_H_
#define POSTERN_CORE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#include "core/clock.h"

#if defined(__clang__)
#define POSTERN_THREAD_ANNOTATION(annotation) __attribute__((annotation))
#else
#define POSTERN_THREAD_ANNOTATION(annotation)
#endif

// At a member: read and written only while `mutex` is held.
#define POSTERN_GUARDED_BY(mutex) POSTERN_THREAD_ANNOTATION(guarded_by(mutex))
// At a pointer: what it points to is.
#define POSTERN_PT_GUARDED_BY(mutex) \
  POSTERN_THREAD_ANNOTATION(pt_guarded_by(mutex))
// At a function: the caller holds (does not hold) `mutex`.
#define POSTERN_REQUIRES(mutex) \
  POSTERN_THREAD_ANNOTATION(requires_capability(mutex))
#define POSTERN_EXCLUDES(mutex) POSTERN_THREAD_ANNOTATION(locks_excluded(mutex))

namespace postern {

class POSTERN_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() POSTERN_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }

  void Unlock() POSTERN_THREAD_ANNOTATION(release_capability()) {
    mutex_.unlock();
  }

 private:
  friend class Condition;

  std::mutex mutex_;
};

// Holds a Mutex while it lives.
class POSTERN_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex)
      POSTERN_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }

  ~MutexLock() POSTERN_THREAD_ANNOTATION(release_capability()) {
    mutex_.Unlock();
  }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits for another thread to change what a Mutex guards. Wakes up for no
// reason at times: wait in a loop that looks at the data.
class Condition {
 public:
  void Wait(Mutex& mutex) POSTERN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();  // the caller's MutexLock still holds it
  }

  // Returns at `deadline` at the latest.
  void WaitUntil(Mutex& mutex, Instant deadline) POSTERN_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_until(lock, deadline);
    lock.release();
  }

  void NotifyOne() { condition_.notify_one(); }

  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace postern

#endif  // POSTERN_CORE_MUTEX_H_
