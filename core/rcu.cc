// SPDX-License-Identifier: Apache-2.0

#include "core/rcu.h"

#include <urcu/urcu-qsbr.h>

#include <cstdlib>
#include <utility>

#include "core/mutex.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define POSTERN_THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define POSTERN_THREAD_SANITIZER 1
#endif

#ifdef POSTERN_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

namespace postern {

void RcuAnnotateRelease([[maybe_unused]] const void* object) {
#ifdef POSTERN_THREAD_SANITIZER
  ::__tsan_release(const_cast<void*>(object));
#endif
}

void RcuAnnotateAcquire([[maybe_unused]] const void* object) {
#ifdef POSTERN_THREAD_SANITIZER
  ::__tsan_acquire(const_cast<void*>(object));
#endif
}

namespace {

// The two orders that a grace period creates, as two objects that
// ThreadSanitizer can see: a reader's last use comes before the writer goes
// on, and what the writer did before comes before the reader goes on.
constexpr char kReadersBeforeWriters = 0;
constexpr char kWritersBeforeReaders = 0;

thread_local bool this_thread_reads = false;

struct Deferred {
  rcu_head head{};  // first: liburcu gives its address back
  std::function<void()> action;
};

void RunDeferred(rcu_head* head) {
  // A standard-layout type's first member has its address.
  auto* const raw = reinterpret_cast<Deferred*>(head);  // NOLINT
  const std::unique_ptr<Deferred> deferred(raw);
  RcuAnnotateAcquire(raw);
  RcuAnnotateAcquire(&kReadersBeforeWriters);
  deferred->action();
  deferred->action = nullptr;  // its captures go before the barrier returns
  RcuAnnotateRelease(&kReadersBeforeWriters);
}

}  // namespace

RcuReader::RcuReader() {
  if (std::exchange(this_thread_reads, true)) {
    std::abort();
  }
  ::urcu_qsbr_register_thread();
  RcuAnnotateAcquire(&kWritersBeforeReaders);
}

RcuReader::~RcuReader() {
  RcuAnnotateRelease(&kReadersBeforeWriters);
  ::urcu_qsbr_unregister_thread();
  this_thread_reads = false;
}

void RcuReader::Quiescent() {
  RcuAnnotateRelease(&kReadersBeforeWriters);
  ::urcu_qsbr_quiescent_state();
  RcuAnnotateAcquire(&kWritersBeforeReaders);
}

void RcuReader::Offline() {
  RcuAnnotateRelease(&kReadersBeforeWriters);
  ::urcu_qsbr_thread_offline();
}

void RcuReader::Online() {
  ::urcu_qsbr_thread_online();
  RcuAnnotateAcquire(&kWritersBeforeReaders);
}

void RcuSynchronize() {
  RcuAnnotateRelease(&kWritersBeforeReaders);
  RcuAnnotateRelease(&kReadersBeforeWriters);  // if this thread reads, too
  ::urcu_qsbr_synchronize_rcu();
  RcuAnnotateAcquire(&kReadersBeforeWriters);
}

void RcuDefer(std::function<void()> action) {
  auto deferred = std::make_unique<Deferred>();
  deferred->action = std::move(action);
  RcuAnnotateRelease(deferred.get());
  RcuAnnotateRelease(&kWritersBeforeReaders);
  // RunDeferred() owns it from here on.
  ::urcu_qsbr_call_rcu(&deferred.release()->head, &RunDeferred);
}

// All actions go through one queue in order (we make no further call_rcu
// threads), so an action of our own at its end is a barrier. liburcu's own
// barrier allocates what another thread frees, where ThreadSanitizer sees a
// race.
void RcuBarrier() {
  Mutex mutex;
  Condition changed;
  bool reached = false;
  RcuDefer([&] {
    const MutexLock lock(mutex);
    reached = true;
    changed.NotifyOne();
  });

  // A reader that blocks online would hold up the grace period it waits for.
  const bool was_online = ::urcu_qsbr_read_ongoing() != 0;
  if (was_online) {
    RcuAnnotateRelease(&kReadersBeforeWriters);
    ::urcu_qsbr_thread_offline();
  }
  {
    const MutexLock lock(mutex);
    while (!reached) {
      changed.Wait(mutex);
    }
  }
  if (was_online) {
    ::urcu_qsbr_thread_online();
    RcuAnnotateAcquire(&kWritersBeforeReaders);
  }
  RcuAnnotateAcquire(&kReadersBeforeWriters);
}

}  // namespace postern
