// SPDX-License-Identifier: Apache-2.0
//
// The exported calls: ours are answered, everybody else's are passed on.
//
// setsockopt() and getsockopt() judge in the kernel's order: the descriptor,
// the option, the length, the memory, the value; only then is the daemon asked.

#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>

#include "control/api_protocol.h"
#include "control/seqpacket.h"
#include "sockapi/call_scope.h"
#include "sockapi/certificate.h"
#include "sockapi/daemon_call.h"
#include "sockapi/default_levels.h"
#include "sockapi/level_option.h"
#include "sockapi/next_call.h"
#include "sockapi/socket_kind.h"
#include "sockapi/wish_call.h"

namespace postern {
namespace {

// Whether this process has to do with levels at all. Programs that have not
// pay nothing for accept().
constinit std::atomic<bool> sets_levels{false};

// What a system call returns that failed with `error`, or succeeded with 0. Only
// a failure touches errno.
int Report(int error) {
  if (error != 0) {
    errno = error;
    return -1;
  }
  return 0;
}

// Whether `size` octets at `at` can be read, as the kernel sees it: setting the
// read-only SO_TYPE fails in any case, but with EFAULT only if it cannot copy
// the value.
bool IsReadableInt(int fd, const void* at) {
  return NextSetsockopt(fd, SOL_SOCKET, SO_TYPE, at, sizeof(int)) == 0 ||
         errno != EFAULT;
}

int SetIpcomp(ApiLevel level) {
  return level == ApiLevel::kBypass || level == ApiLevel::kNone ? 0
                                                                : EOPNOTSUPP;
}

int SetOption(int fd, const LevelOption& option, const void* value,
              socklen_t size) {
  const CallScope scope;
  if (const int refusal = RefusalOf(fd, option.family); refusal != 0) {
    return refusal;
  }
  if (option.kind == OptionKind::kStatus) {
    return EOPNOTSUPP;
  }
  if (size != sizeof(int)) {
    return EINVAL;
  }
  if (!IsReadableInt(fd, value)) {
    return EFAULT;
  }
  int number = 0;
  std::memcpy(&number, value, sizeof(number));
  const auto level = ApiLevelOf(number);
  if (!level) {
    return EINVAL;
  }
  if (option.kind == OptionKind::kIpcomp) {
    return SetIpcomp(*level);
  }
  const int refused = AskToSetLevel(fd, option.category, option.family, *level);
  if (refused == 0) {
    sets_levels.store(true, std::memory_order_relaxed);
  }
  return refused;
}

// Puts the level where the caller wants it. SO_TYPE has the same size and form,
// so that asking the kernel for it first proves both places writable.
int StoreLevel(int fd, ApiLevel level, void* value, socklen_t* size) {
  if (NextGetsockopt(fd, SOL_SOCKET, SO_TYPE, value, size) != 0) {
    return errno;
  }
  const int number = ValueOf(level);
  std::memcpy(value, &number, sizeof(number));
  *size = sizeof(number);
  return 0;
}

// Whether the kernel can write an int at `at`, as StoreLevel() finds out.
bool IsWritableInt(int fd, char* at) {
  socklen_t size = sizeof(int);
  return NextGetsockopt(fd, SOL_SOCKET, SO_TYPE, at, &size) == 0;
}

// `value` and `size` are where the caller wants it; *size is readable.
int GetStatus(int fd, void* value, socklen_t* size) {
  if (*size < sizeof(ipsec_status) || *size > INT_MAX) {
    return EINVAL;
  }
  WishReply reply;
  if (const int refused =
          AskAbout(fd, {.type = WishRequestType::kGetStatus}, reply);
      refused != 0) {
    return refused;
  }
  ipsec_status status{};
  StoreCategory(reply.status[0], status.esp_transport);
  StoreCategory(reply.status[1], status.auth);
  StoreCategory(reply.status[2], status.esp_network);
  // Less than a page: what can be written at both ends can be between them.
  static_assert(sizeof(status) < 4096);
  char* const at = static_cast<char*>(value);
  if (!IsWritableInt(fd, at) ||
      !IsWritableInt(fd, at + sizeof(status) - sizeof(int))) {
    return EFAULT;
  }
  std::memcpy(at, &status, sizeof(status));
  *size = sizeof(status);
  return 0;
}

int GetOption(int fd, const LevelOption& option, void* value, socklen_t* size) {
  const CallScope scope;
  if (const int refusal = RefusalOf(fd, option.family); refusal != 0) {
    return refusal;
  }
  if (!IsReadableInt(fd, size)) {
    return EFAULT;
  }
  if (option.kind == OptionKind::kStatus) {
    return GetStatus(fd, value, size);
  }
  if (*size < sizeof(int) || *size > INT_MAX) {
    return EINVAL;
  }
  if (option.kind == OptionKind::kIpcomp) {
    return StoreLevel(fd, ApiLevel::kNone, value, size);
  }
  const auto level = AskForLevel(fd, option.category, option.family);
  return level.ok() ? StoreLevel(fd, *level, value, size) : level.error();
}

// A new socket with the levels that POSTERN_LEVELS demands, or no socket.
// Errors (errno values): what socket() says, what ApplyDefaults() says.
Expected<UniqueFd, int> OpenWithDefaults(int domain, int type, int protocol,
                                         const Defaults& defaults) {
  const CallScope scope;
  if (defaults.kind == DefaultLevels::kMalformed) {
    return ApplyDefaults(-1, defaults);
  }
  UniqueFd opened(NextSocket(domain, type, protocol));
  if (!opened.valid()) {
    return errno;
  }
  if (const int refused = ApplyDefaults(opened.get(), defaults); refused != 0) {
    return refused;
  }
  return opened;
}

// What accept() returned, after the daemon was told of it.
int Announced(int child) {
  const bool concerns_us =
      child >= 0 && (sets_levels.load(std::memory_order_relaxed) ||
                     DefaultsOfThisProcess().kind == DefaultLevels::kSet);
  if (concerns_us) {
    const CallScope scope;
    if (FamilyOf(child).ok()) {
      AnnounceChild(child);
    }
  }
  return child;
}

}  // namespace
}  // namespace postern

// The C library's declarations name their parameters in the reserved way.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
#define POSTERN_EXPORT extern "C" __attribute__((visibility("default")))

POSTERN_EXPORT int setsockopt(int fd, int level, int name, const void* value,
                              socklen_t size) noexcept {
  const auto option = postern::LevelOptionOf(level, name);
  if (!option) {
    return postern::NextSetsockopt(fd, level, name, value, size);
  }
  return postern::Report(postern::SetOption(fd, *option, value, size));
}

POSTERN_EXPORT int getsockopt(int fd, int level, int name,
                              void* __restrict value,
                              socklen_t* __restrict size) noexcept {
  const auto option = postern::LevelOptionOf(level, name);
  if (!option) {
    return postern::NextGetsockopt(fd, level, name, value, size);
  }
  return postern::Report(postern::GetOption(fd, *option, value, size));
}

POSTERN_EXPORT int socket(int domain, int type, int protocol) noexcept {
  if (domain != AF_INET && domain != AF_INET6) {
    return postern::NextSocket(domain, type, protocol);
  }
  const postern::Defaults defaults = postern::DefaultsOfThisProcess();
  if (defaults.kind == postern::DefaultLevels::kNone) {
    return postern::NextSocket(domain, type, protocol);
  }
  auto opened = postern::OpenWithDefaults(domain, type, protocol, defaults);
  return opened.ok() ? opened->release() : postern::Report(opened.error());
}

POSTERN_EXPORT int accept(int fd, sockaddr* __restrict address,
                          socklen_t* __restrict size) {
  return postern::Announced(postern::NextAccept(fd, address, size));
}

POSTERN_EXPORT int accept4(int fd, sockaddr* __restrict address,
                           socklen_t* __restrict size, int flags) {
  return postern::Announced(postern::NextAccept4(fd, address, size, flags));
}

// NOLINTEND(readability-inconsistent-declaration-parameter-name)
