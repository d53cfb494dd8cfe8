// SPDX-License-Identifier: Apache-2.0

#include "sockapi/next_call.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace postern {
namespace {

using Socket = int (*)(int, int, int);
using Setsockopt = int (*)(int, int, int, const void*, socklen_t);
using Getsockopt = int (*)(int, int, int, void*, socklen_t*);
using Accept = int (*)(int, sockaddr*, socklen_t*);
using Accept4 = int (*)(int, sockaddr*, socklen_t*, int);

constinit std::atomic<Socket> next_socket{nullptr};
constinit std::atomic<Setsockopt> next_setsockopt{nullptr};
constinit std::atomic<Getsockopt> next_getsockopt{nullptr};
constinit std::atomic<Accept> next_accept{nullptr};
constinit std::atomic<Accept4> next_accept4{nullptr};

template <typename Function>
void LookUp(const char* name, std::atomic<Function>& slot) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): dlsym's type
  slot.store(reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name)),
             std::memory_order_release);
}

__attribute__((constructor)) void LookUpAll() {
  LookUp("socket", next_socket);
  LookUp("setsockopt", next_setsockopt);
  LookUp("getsockopt", next_getsockopt);
  LookUp("accept", next_accept);
  LookUp("accept4", next_accept4);
}

// The next function if it was found, else the system call of that number.
template <typename Function, typename... Arguments>
int Call(const std::atomic<Function>& slot, long number,
         Arguments... arguments) {
  if (Function next = slot.load(std::memory_order_acquire); next != nullptr) {
    return next(arguments...);
  }
  return static_cast<int>(::syscall(number, arguments...));
}

}  // namespace

int NextSocket(int domain, int type, int protocol) {
  return Call(next_socket, SYS_socket, domain, type, protocol);
}

int NextSetsockopt(int fd, int level, int name, const void* value,
                   socklen_t size) {
  return Call(next_setsockopt, SYS_setsockopt, fd, level, name, value, size);
}

int NextGetsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  return Call(next_getsockopt, SYS_getsockopt, fd, level, name, value, size);
}

int NextAccept(int fd, sockaddr* address, socklen_t* size) {
  return Call(next_accept, SYS_accept, fd, address, size);
}

int NextAccept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  return Call(next_accept4, SYS_accept4, fd, address, size, flags);
}

}  // namespace postern
