// SPDX-License-Identifier: Apache-2.0
//
// A NetworkNamespace is a handle to one network namespace of the kernel. The
// virtual host's applications run in a *sealed* one, in which there is nothing
// but lo and our TUN: no daemon, no packets.
//
//     auto host = NetworkNamespace::OpenOrCreateNamed("blue", "postern0");
//     auto socket = host->RunInside([] { return OpenSomething(); });
//
// The calling thread never changes its own namespace: whatever must happen
// inside happens in a temporary thread that enters it and ends.
//
// Entering and creating need CAP_SYS_ADMIN: do all of it before privileges are
// dropped. A socket or a TUN opened inside stays inside.
//
// Thread safety: Immutable.
// Cost: RunInside() starts and joins a thread, about 50 us. Not for packets.

#ifndef POSTERN_TUN_NETWORK_NAMESPACE_H_
#define POSTERN_TUN_NETWORK_NAMESPACE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/unique_fd.h"

namespace postern {

// The kernel's SO_NETNS_COOKIE: never reused while the kernel runs.
enum class NamespaceCookie : std::uint64_t {};

class NetworkNamespace {
 public:
  // A new sealed namespace without a name, with lo up. It lives as long as this
  // object, a process or a descriptor in it does.
  // Errors: kForbidden (no CAP_SYS_ADMIN), kSystem.
  static Result<NetworkNamespace> Create();

  // The namespace that `ip netns` calls `name`; if there is none, a new sealed
  // one of that name, with lo up, which stays until RemoveNamed() or
  // `ip netns delete`.
  // One that exists is taken only if it is sealed: it may hold lo, a TUN called
  // `tun_name`, and the fallback tunnels that some kernels put into every
  // namespace (their packets, too, leave by the TUN only).
  // Errors: kInvalid (not a file name), kForbidden, kExists (it holds another
  // interface, or the file is no namespace), kSystem.
  static Result<NetworkNamespace> OpenOrCreateNamed(
      const std::string& name, const std::string& tun_name);

  // The namespace of the calling thread: the outer one, for the daemon.
  static Result<NetworkNamespace> OpenCurrent();

  // Takes the name away; the namespace goes with the last user of it.
  // Errors: kInvalid, kNotFound, kForbidden, kSystem.
  static Status RemoveNamed(const std::string& name);

  int fd() const { return fd_.get(); }

  NamespaceCookie cookie() const { return cookie_; }

  // Calls `call` in a thread inside the namespace and waits for it. Returns
  // what it returns: a Result<T> as it is, another T as Result<T>, nothing as
  // Status. An exception comes out here.
  // Errors: kForbidden, kExhausted (no thread), kSystem.
  template <typename Call>
  auto RunInside(Call&& call) const {
    using T = std::invoke_result_t<Call>;
    if constexpr (std::is_void_v<T>) {
      return RunThread(std::forward<Call>(call));
    } else {
      using Answer = typename AnswerOf<T>::Type;
      std::optional<Answer> answer;
      const Status entered = RunThread([&] { answer.emplace(call()); });
      return entered.ok() ? std::move(*answer) : Answer(entered.error());
    }
  }

 private:
  template <typename T>
  struct AnswerOf {
    using Type = Result<T>;
  };

  template <typename T>
  struct AnswerOf<Result<T>> {
    using Type = Result<T>;
  };

  NetworkNamespace(UniqueFd fd, NamespaceCookie cookie)
      : fd_(std::move(fd)), cookie_(cookie) {}

  static Result<NetworkNamespace> FromDescriptor(UniqueFd fd);
  static Result<NetworkNamespace> OpenNamed(const std::string& path,
                                            const std::string& tun_name);
  static Result<NetworkNamespace> CreateNamed(const std::string& path);
  Status BringLoopbackUp() const;
  Status RequireSealed(const std::string& path,
                       const std::string& tun_name) const;
  Status RunThread(const std::function<void()>& call) const;

  UniqueFd fd_;
  NamespaceCookie cookie_;
};

}  // namespace postern

#endif  // POSTERN_TUN_NETWORK_NAMESPACE_H_
