// SPDX-License-Identifier: Apache-2.0

#include "settings/sa_settings.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "core/crypto/algorithm.h"
#include "settings/sa_tunnel_settings.h"
#include "settings/selector_settings.h"

namespace postern {
namespace {

constexpr std::int64_t kNoBound = std::numeric_limits<std::int64_t>::max();

Result<IpsecProtocol> ParseProtocol(std::string_view text) {
  if (text == "esp") {
    return IpsecProtocol::kEsp;
  }
  if (text == "ah") {
    return IpsecProtocol::kAh;
  }
  return Invalid("\"" + std::string(text) +
                 "\" is no IPsec protocol: write esp or ah.");
}

Result<IpsecMode> ParseMode(std::string_view text) {
  if (text == "transport") {
    return IpsecMode::kTransport;
  }
  if (text == "tunnel") {
    return IpsecMode::kTunnel;
  }
  if (text == "beet") {
    return IpsecMode::kBeet;
  }
  return Invalid("\"" + std::string(text) +
                 "\" is no mode: write transport, tunnel or beet.");
}

Result<Direction> ParseDirection(std::string_view text) {
  if (text == "outbound") {
    return Direction::kOutbound;
  }
  if (text == "inbound") {
    return Direction::kInbound;
  }
  return Invalid("\"" + std::string(text) +
                 "\" is no direction: write outbound or inbound.");
}

Result<Encryption> ParseEncryption(std::string_view text) {
  if (const EncryptionInfo* info = FindEncryption(text)) {
    return info->id;
  }
  return Invalid("\"" + std::string(text) +
                 "\" is no encryption algorithm here: write one of " +
                 EverydayEncryptions() + ".");
}

Result<Integrity> ParseIntegrity(std::string_view text) {
  if (const IntegrityInfo* info = FindIntegrity(text)) {
    return info->id;
  }
  return Invalid("\"" + std::string(text) +
                 "\" is no integrity algorithm here: write one of " +
                 EverydayIntegrities() + ".");
}

Result<std::uint32_t> ParseNumber(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hexadecimal ? text.substr(2) : text;
  std::uint32_t number = 0;
  const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), number,
                      hexadecimal ? 16 : 10);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) {
    return Invalid("\"" + std::string(text) +
                   "\" is no 32-bit number: write it like 4097 or 0x1001.");
  }
  return number;
}

// A number, or a text with one (the way ToString(Spi) writes it).
std::optional<Spi> ReadSpi(Section& section) {
  if (!section.Has("spi")) {
    static_cast<void>(section.RequireText("spi"));
    return std::nullopt;
  }
  const Value* value = section.Take("spi");
  if (value->whole() != nullptr) {
    const auto number = section.Whole("spi", {0, 0xffffffff});
    return number ? std::optional(Spi{static_cast<std::uint32_t>(*number)})
                  : std::nullopt;
  }
  const auto number = section.Parsed("spi", ParseNumber);
  return number ? std::optional(Spi{*number}) : std::nullopt;
}

template <typename Parse>
auto Require(Section& section, std::string_view key, Parse&& parse)
    -> decltype(section.Parsed(key, parse)) {
  return section.RequireText(key) ? section.Parsed(key, parse) : std::nullopt;
}

// What the acquire says, if there is one; else what the section must say. What
// both say must agree.
template <typename T, typename Parse>
std::optional<T> Agreed(Section& section, std::string_view key, Parse&& parse,
                        const std::optional<T>& asked) {
  if (!asked) {
    return Require(section, key, parse);
  }
  const auto told = section.Parsed(key, parse);
  if (told && *told != *asked) {
    section.Refuse(key, "the acquire asks for another " + std::string(key) +
                            ": leave it out.");
  }
  return asked;
}

std::optional<std::uint16_t> ReadPort(Section& section, std::string_view key) {
  const auto port = section.Whole(key, {1, 65535});
  return port ? std::optional(static_cast<std::uint16_t>(*port)) : std::nullopt;
}

void ReadEncapsulation(Section& section, SaParameters& parameters) {
  std::optional<Section> table = section.Table("udp");
  if (!table) {
    return;
  }
  UdpPorts ports;
  ports.source = ReadPort(*table, "source_port").value_or(kIkeNatPort);
  ports.destination =
      ReadPort(*table, "destination_port").value_or(kIkeNatPort);
  parameters.encapsulation = ports;
  if (const auto most = table->Whole("keepalive_seconds", {1, 3600})) {
    parameters.keepalive = std::chrono::seconds(*most);
  }
  table->Finish();
}

Lifetime ReadLifetime(Section& section, std::string_view octets,
                      std::string_view packets, std::string_view seconds) {
  constexpr std::int64_t kLongestSeconds = 100LL * 365 * 24 * 3600;
  Lifetime lifetime;
  if (const auto bound = section.Whole(octets, {1, kNoBound})) {
    lifetime.octets = static_cast<std::uint64_t>(*bound);
  }
  if (const auto bound = section.Whole(packets, {1, kNoBound})) {
    lifetime.packets = static_cast<std::uint64_t>(*bound);
  }
  if (const auto bound = section.Whole(seconds, {1, kLongestSeconds})) {
    lifetime.time = std::chrono::seconds(*bound);
  }
  return lifetime;
}

// RFC 4301 knows an SA's direction; whoever writes one should not have to.
void DeriveDirection(Section& section, const SaSettingsContext& context,
                     SaParameters& parameters) {
  const auto& own = context.own_addresses;
  const auto is_own = [&own](const IpAddress& address) {
    return std::find(own.begin(), own.end(), address) != own.end();
  };
  const bool from_us = is_own(parameters.source);
  const bool to_us = is_own(parameters.destination);
  if (from_us == to_us) {
    section.Refuse("", from_us ? "source and destination are both this host's: "
                                 "write direction = \"outbound\" or "
                                 "\"inbound\"."
                               : "neither source nor destination is an address "
                                 "of this host: correct one of them, or write "
                                 "the direction.");
    return;
  }
  parameters.direction = from_us ? Direction::kOutbound : Direction::kInbound;
}

void ReadAlgorithms(Section& section, const SaSettingsContext& context,
                    SaParameters& parameters) {
  parameters.encryption =
      section.Parsed("encryption", ParseEncryption).value_or(Encryption::kNull);
  if (auto key = section.Parsed("encryption_key", context.read_key)) {
    parameters.encryption_key = std::move(*key);
  }
  parameters.integrity =
      section.Parsed("integrity", ParseIntegrity).value_or(Integrity::kNone);
  if (auto key = section.Parsed("integrity_key", context.read_key)) {
    parameters.integrity_key = std::move(*key);
  }
}

// What follows from no other key.
void ReadOptions(Section& section, const SaSettingsContext& context,
                 SaParameters& parameters) {
  parameters.numbers = section.Flag("esn").value_or(false)
                           ? SequenceNumbers::kExtended
                           : SequenceNumbers::k32Bit;
  parameters.replay_window = static_cast<std::uint32_t>(
      section.Whole("replay_window", {0, kMaxReplayWindow})
          .value_or(context.window));
  const Lifetimes lifetimes = ReadLifetimes(section);
  parameters.soft = lifetimes.soft;
  parameters.hard = lifetimes.hard;
  ReadTunnelOptions(section, parameters);
  ReadDummies(section, parameters);
  if (std::optional<Section> table = section.Table("selector")) {
    parameters.selector = ReadSelector(*table, kPacketsEnds);
    table->Finish();
  }
  ReadEncapsulation(section, parameters);
  parameters.local_identity = section.Parsed("local_identity", Identity::Parse);
  parameters.peer_identity = section.Parsed("peer_identity", Identity::Parse);
}

// The ends, and how packets are carried between them.
void ReadPath(Section& section, const Need* answers, SaParameters& parameters) {
  std::optional<IpsecProtocol> protocol;
  std::optional<IpsecMode> mode;
  std::optional<IpAddress> source;
  std::optional<IpAddress> destination;
  if (answers != nullptr) {
    protocol = ProtocolOf(answers->category);
    mode = ModeOf(answers->category);
    source = answers->source;
    destination = answers->destination;
  }
  parameters.protocol = Agreed(section, "protocol", ParseProtocol, protocol)
                            .value_or(IpsecProtocol::kEsp);
  parameters.spi = ReadSpi(section).value_or(Spi{});
  parameters.destination =
      Agreed(section, "destination", IpAddress::Parse, destination)
          .value_or(IpAddress());
  parameters.source =
      Agreed(section, "source", IpAddress::Parse, source).value_or(IpAddress());
  // Who is asked for a tunnel may answer with BEET.
  const auto parse_mode = [&mode](std::string_view text) {
    const Result<IpsecMode> told = ParseMode(text);
    if (mode == IpsecMode::kTunnel && told.ok() && *told == IpsecMode::kBeet) {
      mode = IpsecMode::kBeet;
    }
    return told;
  };
  parameters.mode =
      Agreed(section, "mode", parse_mode, mode).value_or(IpsecMode::kTransport);
}

void ReadOwner(Section& section, const SaSettingsContext& context,
               SaParameters& parameters) {
  constexpr Section::Range kCookies = {
      1, std::numeric_limits<std::int64_t>::max()};
  if (context.owners == SaSettingsContext::Owners::kTold) {
    if (const auto cookie = section.Whole("owner", kCookies)) {
      parameters.owner = SocketCookie{static_cast<std::uint64_t>(*cookie)};
    }
  }
  if (context.answers == nullptr) {
    return;
  }
  if (parameters.owner && parameters.owner != context.answers->owner) {
    section.Refuse("owner",
                   "the acquire asks for an SA of another socket, or of none: "
                   "leave it out.");
  }
  parameters.owner = context.answers->owner;
}

// What the socket wishes holds where the section says nothing.
void TakeIdentities(const Need& need, SaParameters& parameters) {
  if (!need.wishes) {
    return;
  }
  if (!parameters.local_identity) {
    parameters.local_identity = need.wishes->mine;
  }
  if (!parameters.peer_identity) {
    parameters.peer_identity = need.wishes->peer;
  }
}

// An SA that would leave the acquire waiting is no answer to it.
void CheckAnswer(Section& section, const Need& need,
                 const SaParameters& parameters) {
  if (parameters.direction != Direction::kOutbound) {
    section.Refuse("direction", "an acquire asks for an outbound SA.");
  }
  if (!parameters.selector.Matches(need.traffic(), Direction::kOutbound)) {
    section.Refuse("selector", "it does not match the flow of the acquire, " +
                                   ToString(need.flow) + ".");
  }
  if (!Accepts(need.wishes.get(), parameters)) {
    section.Refuse("",
                   "the socket that asks wishes other algorithms, a longer key "
                   "or other identities: see `postern acquire list --json`.");
  }
}

}  // namespace

Lifetimes ReadLifetimes(Section& section) {
  return {.soft = ReadLifetime(section, "soft_octets", "soft_packets",
                               "soft_seconds"),
          .hard = ReadLifetime(section, "hard_octets", "hard_packets",
                               "hard_seconds")};
}

std::optional<SaIdentity> ReadIdentity(Section& section) {
  const auto protocol = Require(section, "protocol", ParseProtocol);
  const auto spi = ReadSpi(section);
  const auto destination = Require(section, "destination", IpAddress::Parse);
  if (!protocol || !spi || !destination) {
    return std::nullopt;
  }
  return SaIdentity{
      .spi = *spi, .destination = *destination, .protocol = *protocol};
}

std::optional<SaParameters> ReadAssociation(Section& section,
                                            const SaSettingsContext& context) {
  SaParameters parameters;
  ReadPath(section, context.answers, parameters);
  ReadAlgorithms(section, context, parameters);
  ReadOptions(section, context, parameters);
  ReadOwner(section, context, parameters);
  if (context.answers != nullptr) {
    TakeIdentities(*context.answers, parameters);
  }
  const auto direction = section.Parsed("direction", ParseDirection);
  section.Finish();
  if (!section.clean()) {
    return std::nullopt;
  }
  if (context.direction || direction) {
    parameters.direction = context.direction ? *context.direction : *direction;
  } else if (context.answers == nullptr) {
    DeriveDirection(section, context, parameters);
  }
  if (const Status valid = Validate(parameters);
      section.clean() && !valid.ok()) {
    section.Refuse("", valid.error().message);
  }
  if (section.clean() && context.answers != nullptr) {
    CheckAnswer(section, *context.answers, parameters);
  }
  if (section.clean() && context.check_carried) {
    if (const Status carried = context.check_carried(parameters);
        !carried.ok()) {
      section.Refuse("", carried.error().message);
    }
  }
  return section.clean() ? std::optional(std::move(parameters)) : std::nullopt;
}

}  // namespace postern
