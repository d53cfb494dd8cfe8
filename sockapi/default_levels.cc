// SPDX-License-Identifier: Apache-2.0

#include "sockapi/default_levels.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sockapi/daemon_call.h"
#include "sockapi/socket_kind.h"

namespace postern {
namespace {

// The answer as one word, so that threads that race for it all find the same:
// three levels of four bits, the kind, and a bit that says it is there.
constexpr unsigned kLevelBits = 4;
constexpr unsigned kKindShift = 16;
constexpr std::uint32_t kKnown = 1u << 31;

std::uint32_t Pack(const Defaults& defaults) {
  std::uint32_t word = kKnown | static_cast<std::uint32_t>(defaults.kind)
                                    << kKindShift;
  for (std::size_t i = 0; i < defaults.wishes.size(); ++i) {
    word |= static_cast<std::uint32_t>(defaults.wishes[i]) << (i * kLevelBits);
  }
  return word;
}

Defaults Unpack(std::uint32_t word) {
  Defaults defaults{
      .kind = static_cast<DefaultLevels>((word >> kKindShift) & 0xff)};
  for (std::size_t i = 0; i < defaults.wishes.size(); ++i) {
    defaults.wishes[i] =
        static_cast<ApiLevel>((word >> (i * kLevelBits)) & 0xf);
  }
  return defaults;
}

Defaults Read() {
  const char* text = ::secure_getenv("POSTERN_LEVELS");
  if (text == nullptr || *text == '\0') {
    return {};
  }
  const auto wishes = ParseLevelWishes(text);
  if (!wishes) {
    return {.kind = DefaultLevels::kMalformed};
  }
  return {.kind = DefaultLevels::kSet, .wishes = *wishes};
}

std::string_view ReasonOf(int error) {
  switch (error) {
    case EACCES:
      return "BYPASS is for privileged programs";
    case ECONNREFUSED:
      return "posternd does not answer";
    case ENETUNREACH:
      return "no posternd serves this network namespace";
    case EOPNOTSUPP:
      return "posternd does not protect this kind of socket at this level";
    case EPROTO:
      return "posternd and libpostern are of different versions";
    default: {
      const char* name = ::strerrorname_np(error);
      return name != nullptr ? name : "an unknown error";
    }
  }
}

// Under inetd standard error is a connection to somebody else.
bool StandardErrorIsANetworkSocket() {
  return FamilyOf(STDERR_FILENO).ok();
}

// Writes "postern: <what><why>\n" to standard error, the first time.
void ComplainOnce(std::string_view what, std::string_view why) {
  static constinit std::atomic<bool> complained{false};
  if (complained.exchange(true) || StandardErrorIsANetworkSocket()) {
    return;
  }
  const auto part = [](std::string_view text) {
    return iovec{.iov_base = const_cast<char*>(text.data()),
                 .iov_len = text.size()};
  };
  const std::array<iovec, 4> line{part("postern: "), part(what), part(why),
                                  part("\n")};
  [[maybe_unused]] const ssize_t written =
      ::writev(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

Defaults DefaultsOfThisProcess() {
  static constinit std::atomic<std::uint32_t> known{0};
  std::uint32_t word = known.load(std::memory_order_relaxed);
  if (word == 0) {
    word = Pack(Read());
    known.store(word, std::memory_order_relaxed);
  }
  return Unpack(word);
}

int ApplyDefaults(int socket, const Defaults& defaults) {
  if (defaults.kind == DefaultLevels::kMalformed) {
    ComplainOnce("socket() fails: ",
                 "POSTERN_LEVELS must be like "
                 "esp_transport=use,ah=require,esp_network=none");
    return EINVAL;
  }
  const auto family = FamilyOf(socket);
  int refused = family.ok() ? RefusalOf(socket, *family) : family.error();
  for (std::size_t i = 0; refused == 0 && i < defaults.wishes.size(); ++i) {
    if (defaults.wishes[i] != ApiLevel::kAbsent) {
      refused = AskToSetLevel(socket, kCategoryWords[i].category, *family,
                              defaults.wishes[i]);
    }
  }
  if (refused != 0) {
    ComplainOnce("socket() fails, as POSTERN_LEVELS cannot be fulfilled: ",
                 ReasonOf(refused));
  }
  return refused;
}

}  // namespace postern
