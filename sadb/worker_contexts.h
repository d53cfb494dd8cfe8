// SPDX-License-Identifier: Apache-2.0
//
// The keyed transforms of one SA, one per worker, each made at the worker's
// first packet: an idle SA holds a single pointer.
//
//     head --> worker 1's --> worker 0's --> null
//
// The list is as long as the number of workers that have used the SA, and a
// worker's flows stay with it, so it is mostly one. A transform that could not
// be keyed is remembered as such, and not tried again for each packet.
//
// Thread safety: Thread-safe, if each worker asks with its own index.
// Cost: one or two loads; at the first call the key schedule.

#ifndef POSTERN_SADB_WORKER_CONTEXTS_H_
#define POSTERN_SADB_WORKER_CONTEXTS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "ah/signer.h"
#include "ah/verifier.h"
#include "core/error.h"
#include "esp/opener.h"
#include "esp/sealer.h"

namespace postern {

// A worker's number: 0 .. kMaxWorkers-1.
enum class WorkerIndex : std::uint8_t {};
inline constexpr std::size_t kMaxWorkers = 64;

class WorkerContexts {
 public:
  WorkerContexts() = default;
  WorkerContexts(const WorkerContexts&) = delete;
  WorkerContexts& operator=(const WorkerContexts&) = delete;

  ~WorkerContexts() {
    const Context* next = head_.load(std::memory_order_acquire);
    while (next != nullptr) {
      const std::unique_ptr<const Context> context(next);
      next = context->next;
    }
  }

  // The worker's transform; null when T::Create(parameters()) failed.
  // `parameters` is called only to make one.
  template <typename T, typename ParametersOf>
  T* Get(WorkerIndex worker, const ParametersOf& parameters) {
    for (Context* context = head_.load(std::memory_order_acquire);
         context != nullptr; context = context->next) {
      if (context->worker == worker) {
        return std::get_if<T>(&context->transform);
      }
    }
    auto made = std::make_unique<Context>();
    made->worker = worker;
    if (Result<T> transform = T::Create(parameters()); transform.ok()) {
      made->transform = std::move(transform).value();
    }
    return std::get_if<T>(&Publish(std::move(made)).transform);
  }

 private:
  struct Context {
    WorkerIndex worker{};
    std::variant<std::monostate, esp::Sealer, esp::Opener, ah::Signer,
                 ah::Verifier>
        transform;
    Context* next = nullptr;
  };

  // Several workers may publish at once; nobody removes.
  Context& Publish(std::unique_ptr<Context> context) {
    Context* const added = context.release();
    added->next = head_.load(std::memory_order_relaxed);
    while (!head_.compare_exchange_weak(added->next, added,
                                        std::memory_order_release,
                                        std::memory_order_relaxed)) {
    }
    return *added;
  }

  std::atomic<Context*> head_{nullptr};
};

}  // namespace postern

#endif  // POSTERN_SADB_WORKER_CONTEXTS_H_
