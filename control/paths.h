// SPDX-License-Identifier: Apache-2.0
//
// Where the daemon's sockets are. The base is $POSTERN_RUN_DIR or, without it
// or in a set-user-ID program, /run/postern:
//
//     <base>/<host>/api.sock          levels of sockets; anybody may connect
//     <base>/<host>/admin.sock        the CLI; root only, mode 0600
//     <base>/<host>/sockets           the daemon's memory of sockets' levels
//     <base>/by-netns/<cookie>.sock   -> ../<host>/api.sock
//
// The last is how the library finds the daemon of an application's socket with
// no environment and no configuration: <cookie> is that socket's
// SO_NETNS_COOKIE in decimal. run_directory.h makes these.
//
// This header needs no C++ runtime library; libpostern.so includes it.
//
// Thread safety: a UnixPath is a plain value. The functions read the
// environment, as getenv() does: not while another thread changes it.

#ifndef POSTERN_CONTROL_PATHS_H_
#define POSTERN_CONTROL_PATHS_H_

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace postern {

inline constexpr const char* kRunDirectoryVariable = "POSTERN_RUN_DIR";
inline constexpr std::string_view kDefaultRunDirectory = "/run/postern";
inline constexpr std::string_view kByNetnsDirectory = "by-netns";

// A path that fits in a sockaddr_un, or the knowledge that it does not.
class UnixPath {
 public:
  UnixPath() = default;

  explicit UnixPath(std::string_view text) { Append(text); }

  // After the first part that does not fit, ok() is false for good.
  UnixPath& Append(std::string_view part) {
    ok_ = ok_ && part.size() < text_.size() - size_;
    for (std::size_t i = 0; ok_ && i < part.size(); ++i) {
      text_[size_++] = part[i];
    }
    return *this;
  }

  UnixPath& AppendNumber(std::uint64_t number) {
    std::array<char, 20> digits{};
    std::size_t at = digits.size();
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return Append({digits.data() + at, digits.size() - at});
  }

  // Whether the whole path fitted and is absolute. Nobody may use another one.
  bool ok() const { return ok_ && text_[0] == '/'; }

  // NUL-terminated; valid as long as this object.
  const char* c_str() const { return text_.data(); }

  std::string_view view() const { return {text_.data(), size_}; }

 private:
  std::array<char, sizeof(sockaddr_un::sun_path)> text_{};
  std::size_t size_ = 0;
  bool ok_ = true;
};

// Whether `name` may be a virtual host's: 1 to 32 of [A-Za-z0-9._-], beginning
// with a letter or a digit, and not "by-netns".
constexpr bool IsHostName(std::string_view name) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > 32 || name == kByNetnsDirectory ||
      !is_alphanumeric(name[0])) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
  });
}

// The base directory. secure_getenv: a set-user-ID program must not be told by
// its caller whom to trust.
inline UnixPath RunDirectory() {
  const char* chosen = ::secure_getenv(kRunDirectoryVariable);
  return UnixPath(chosen != nullptr && *chosen != '\0'
                      ? std::string_view(chosen)
                      : kDefaultRunDirectory);
}

// REQUIRES (all five): IsHostName(host).
inline UnixPath HostDirectory(std::string_view host) {
  return RunDirectory().Append("/").Append(host);
}

inline UnixPath ApiSocketPath(std::string_view host) {
  return HostDirectory(host).Append("/api.sock");
}

inline UnixPath AdminSocketPath(std::string_view host) {
  return HostDirectory(host).Append("/admin.sock");
}

inline UnixPath SocketsPath(std::string_view host) {
  return HostDirectory(host).Append("/sockets");
}

inline UnixPath CgroupsPath(std::string_view host) {
  return HostDirectory(host).Append("/cgroups");
}

inline UnixPath NetnsSocketPath(std::uint64_t netns_cookie) {
  return RunDirectory()
      .Append("/")
      .Append(kByNetnsDirectory)
      .Append("/")
      .AppendNumber(netns_cookie)
      .Append(".sock");
}

}  // namespace postern

#endif  // POSTERN_CONTROL_PATHS_H_
