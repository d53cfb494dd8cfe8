// SPDX-License-Identifier: Apache-2.0

#include "wire/socket_buffers.h"

#include <sys/socket.h>

#include <string>

#include "core/log/log.h"

namespace postern {
namespace {

struct Buffer {
  int option;
  int forced;  // the same past the system's bound, for the privileged
  const char* sysctl;
};

// The kernel doubles what it is asked for, and tells the double.
void Enlarge(int fd, const Buffer& buffer, int wanted) {
  if (::setsockopt(fd, SOL_SOCKET, buffer.forced, &wanted, sizeof(wanted)) ==
      0) {
    return;
  }
  int granted = 0;
  socklen_t size = sizeof(granted);
  static_cast<void>(
      ::setsockopt(fd, SOL_SOCKET, buffer.option, &wanted, sizeof(wanted)));
  if (::getsockopt(fd, SOL_SOCKET, buffer.option, &granted, &size) == 0 &&
      granted / 2 < wanted) {
    Log(LogLevel::kWarning, "socket_buffer_is_small",
        {{"octets", granted / 2},
         {"wanted", wanted},
         {"effect", "bursts lose packets"},
         {"to_enlarge_it", "sysctl " + std::string(buffer.sysctl) + "=" +
                               std::to_string(wanted)}});
  }
}

}  // namespace

void EnlargeBuffers(int fd, std::size_t octets) {
  const int wanted = static_cast<int>(octets);
  Enlarge(fd, {SO_SNDBUF, SO_SNDBUFFORCE, "net.core.wmem_max"}, wanted);
  Enlarge(fd, {SO_RCVBUF, SO_RCVBUFFORCE, "net.core.rmem_max"}, wanted);
}

}  // namespace postern
