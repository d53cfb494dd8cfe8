// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/traffic/datagram.h"
#include "bench/traffic/programs.h"

namespace {

constexpr const char* kUsage =
    "postern_traffic send ADDRESS PORT OCTETS PER_SECOND SECONDS\n"
    "                     [PER_FLOW [PORTS]]\n"
    "                sink ADDRESS PORT [PORTS]\n"
    "                echo ADDRESS PORT\n"
    "                ask ADDRESS PORT OCTETS COUNT\n"
    "                accept ADDRESS PORT\n"
    "                connect ADDRESS PORT SECONDS OUTSTANDING\n"
    "OCTETS: 8 to 9000. bench/traffic/programs.h says what they tell.\n";

int Play(const std::vector<std::string>& words) {
  namespace bench = postern::bench;
  const std::string& part = words[0];
  const bench::Endpoint end = bench::ParseEndpoint(words[1], words[2]);
  const auto number = [&](std::size_t at) {
    return at < words.size() ? std::strtod(words[at].c_str(), nullptr) : 0.0;
  };
  const auto octets = static_cast<std::size_t>(number(3));  // or ports
  const bool fits =
      octets >= bench::kLeastDatagram && octets <= bench::kLargestDatagram;
  if (part == "send" && words.size() >= 6 && fits) {
    return bench::Send(end, {.octets = octets,
                             .per_second = static_cast<std::int64_t>(number(4)),
                             .seconds = number(5),
                             .per_flow = static_cast<std::uint64_t>(number(6)),
                             .ports = std::max<std::size_t>(
                                 1, static_cast<std::size_t>(number(7)))});
  }
  if (part == "ask" && words.size() == 5 && fits) {
    return bench::Ask(end, octets, static_cast<std::size_t>(number(4)));
  }
  if (part == "connect" && words.size() == 5) {
    return bench::Connect(end, number(3), static_cast<std::size_t>(number(4)));
  }
  if (part == "sink") {
    return bench::Sink(end, std::max<std::size_t>(1, octets));
  }
  if (words.size() == 3) {
    if (part == "echo") {
      return bench::Echo(end);
    }
    if (part == "accept") {
      return bench::Accept(end);
    }
  }
  std::fputs(kUsage, stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return Play(words);
}
