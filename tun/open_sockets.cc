// SPDX-License-Identifier: Apache-2.0

#include "tun/open_sockets.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace postern {

Result<OpenSockets> OpenSockets::Create() {
  UniqueFd set(::epoll_create1(EPOLL_CLOEXEC));
  if (!set.valid()) {
    return SystemError("epoll_create1", errno);
  }
  return OpenSockets(std::move(set));
}

Status OpenSockets::Watch(int descriptor, SocketCookie cookie) {
  epoll_event entry{};
  entry.data.u64 = static_cast<std::uint64_t>(cookie);
  if (::epoll_ctl(set_.get(), EPOLL_CTL_ADD, descriptor, &entry) == 0 ||
      errno == EEXIST) {
    return Ok();
  }
  if (errno == ENOSPC || errno == ENOMEM) {
    return Error{ErrorCode::kExhausted,
                 "The kernel watches no more sockets for this user; raise "
                 "fs.epoll.max_user_watches."};
  }
  return SystemError("epoll_ctl", errno);
}

// "tfd:        5 events:       18 data:             e2f1  pos:0 ino:... sdev:8"
std::vector<SocketCookie> ParseEpollInfo(std::string_view text) {
  constexpr std::string_view kData = " data:";
  constexpr int kHexadecimal = 16;
  std::vector<SocketCookie> cookies;
  for (std::size_t at = text.find(kData); at != std::string_view::npos;
       at = text.find(kData)) {
    text.remove_prefix(at + kData.size());
    const std::size_t digits = text.find_first_not_of(' ');
    if (digits == std::string_view::npos) {
      break;
    }
    text.remove_prefix(digits);
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value,
                        kHexadecimal)
            .ec == std::errc()) {
      cookies.push_back(SocketCookie{value});
    }
  }
  std::ranges::sort(cookies);
  return cookies;
}

Result<std::vector<SocketCookie>> OpenSockets::List() const {
  const std::string file = "/proc/self/fdinfo/" + std::to_string(set_.get());
  std::ifstream stream(file);
  const std::string text((std::istreambuf_iterator<char>(stream)),
                         std::istreambuf_iterator<char>());
  if (!stream || stream.bad() || text.empty()) {
    return SystemError("reading " + file, EIO);
  }
  return ParseEpollInfo(text);
}

}  // namespace postern
