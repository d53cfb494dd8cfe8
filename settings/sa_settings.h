// SPDX-License-Identifier: Apache-2.0
//
// Security associations as administrators write and read them: the same keys in
// the configuration's [[sa]], in the CLI's requests and in its dumps.
//
// Thread safety: plain functions, Thread-safe.

#ifndef POSTERN_SETTINGS_SA_SETTINGS_H_
#define POSTERN_SETTINGS_SA_SETTINGS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "core/crypto/secret_bytes.h"
#include "core/error.h"
#include "core/net/ip_address.h"
#include "policy/need.h"
#include "sadb/sa_parameters.h"
#include "sadb/security_association.h"
#include "settings/section.h"
#include "settings/value.h"

namespace postern {

// An SA's replay window, if nobody says: that of RFC 4303 3.4.3. A host with
// several pairs of workers has the most, since its peers, as a rule, have several,
// too: one that is held up for a moment sends numbers that lie far behind those of
// the others (docs/threads.md).
constexpr std::uint32_t DefaultReplayWindow(std::size_t pairs) {
  return pairs == 1 ? 64 : 4096;
}

// Where an SA is described decides this about it.
struct SaSettingsContext {
  // The host's addresses: an SA from one of them is outbound, to one inbound.
  std::vector<IpAddress> own_addresses;
  // Reads a key's text: "0x..." and, where files may be named, "file:PATH".
  std::function<Result<SecretBytes>(std::string_view)> read_key;
  // Whether an `owner` may be told. A configuration knows no sockets.
  enum class Owners : std::uint8_t { kUnknown, kTold };
  Owners owners = Owners::kUnknown;
  // What the SA is an answer to, if it is one: then protocol, mode, addresses,
  // owner and identities are this need's, and nothing may contradict it.
  const Need* answers = nullptr;
  // Refuses what the host's wire never carries; empty: it carries everything.
  std::function<Status(const SaParameters&)> check_carried{};
  std::int64_t window = DefaultReplayWindow(1);
  // Every SA has this direction, whatever it and its addresses say; absent: that
  // counts.
  std::optional<Direction> direction{};
};

// Keys in hexadecimal only: a request names no files of the daemon's machine.
Result<SecretBytes> ReadHexKey(std::string_view text);

// "0x..." or "file:PATH" (hexadecimal digits in a file; a relative path starts
// at `directory`).
Result<SecretBytes> ReadKeyOrFile(std::string_view text,
                                  const std::string& directory);

// Reads all keys and calls section.Finish(). Nothing when there was a defect,
// which the section then has; what is returned passed Validate().
std::optional<SaParameters> ReadAssociation(Section& section,
                                            const SaSettingsContext& context);

// protocol, spi, destination. Does not call Finish().
std::optional<SaIdentity> ReadIdentity(Section& section);

// soft_octets, hard_seconds, ... Does not call Finish().
struct Lifetimes {
  Lifetime soft;
  Lifetime hard;
};

Lifetimes ReadLifetimes(Section& section);

// An SA for a dump: parameters without keys, state, usage, counters.
Value Describe(const SecurityAssociation& association, Instant now);

// What was decided when it was made, but for its keys.
Object DescribeParameters(const SaParameters& parameters);

// protocol, spi, destination.
Object DescribeIdentity(const SaIdentity& identity);

// "esp", "ah"; "transport", "tunnel", "beet".
std::string_view NameOf(IpsecProtocol protocol);
std::string_view NameOf(IpsecMode mode);

// "larval", "mature", "dying", "dead".
std::string_view NameOf(SaState state);

}  // namespace postern

#endif  // POSTERN_SETTINGS_SA_SETTINGS_H_
