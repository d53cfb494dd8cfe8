// SPDX-License-Identifier: Apache-2.0

#include "cli/sa_grammar.h"

#include <algorithm>

#include "core/crypto/algorithm.h"

namespace postern {
namespace {

Verb& Identity(Verb& verb) {
  return verb.Positional("PROTOCOL", "protocol", "esp or ah")
      .Positional("SPI", "spi", "like 0x1001")
      .Positional("DESTINATION", "destination", "an address");
}

Verb& Lifetimes(Verb& verb) {
  for (const std::string bound : {"soft", "hard"}) {
    for (const std::string unit : {"octets", "packets", "seconds"}) {
      std::string argument = bound;
      argument += "_" + unit;
      verb.Number("--" + bound + "-" + unit, argument,
                  "the SA's " + bound + " lifetime");
    }
  }
  return verb;
}

// Only an acquire knows the rest.
void CheckEnds(const Verb& add) {
  const auto has = [&add](std::string_view name) {
    const auto& arguments = add.question().arguments;
    return std::any_of(
        arguments.begin(), arguments.end(),
        [name](const Argument& argument) { return argument.name == name; });
  };
  if (has("acquire")) {
    return;
  }
  for (const auto& [argument, option] :
       {std::pair{"protocol", "PROTOCOL MODE"}, std::pair{"source", "--from"},
        std::pair{"destination", "--to"}}) {
    if (!has(argument)) {
      throw CLI::RequiredError(option);
    }
  }
}

void AddSaAdd(Verbs& verbs, CLI::App& sa) {
  Verb& add = Add(verbs, sa, "add", "make an SA with keys by hand",
                  {.verb = "sa.add", .arguments = {}});
  add.AllOrLast(
         "[PROTOCOL MODE] SPI", {"protocol", "mode", "spi"},
         "esp or ah, transport, tunnel or beet, and a number like 0x1001; "
         "with --acquire, the number is enough")
      .Option("--from", "source", "source address")
      .Option("--to", "destination", "destination address")
      .Number("--acquire", "acquire", "answer this acquire")
      .Number("--owner", "owner", "the cookie of the socket whose alone it is")
      .Option("--direction", "direction",
              "outbound or inbound; else told by the addresses")
      .Option("--encryption", "encryption", EverydayEncryptions())
      .Key("--encryption-key", "encryption_key", "0x... or file:PATH")
      .Option("--integrity", "integrity", EverydayIntegrities())
      .Key("--integrity-key", "integrity_key", "0x... or file:PATH")
      .Flag("--esn", {.name = "esn", .value = true}, "64-bit sequence numbers")
      .Number("--replay-window", "replay_window", "packets; 0: no check")
      .Option("--dont-fragment", "dont_fragment", "copy, set or clear")
      .Option("--dscp", "dscp", "copy, zero or a number up to 63")
      .Number("--hop-limit", "hop_limit", "of the outer header")
      .Option("--flow-label", "flow_label", "zero or copy")
      .Number("--tfc-pad-to", "tfc_pad_to",
              "octets to which shorter inner packets are padded")
      .Number("--dummy-interval-ms", "dummy_interval_ms",
              "a dummy packet leaves so often, on average")
      .Number("--dummy-octets", "dummy_octets",
              "of what dummy packets pretend to hold")
      .Number("--udp-source-port", "udp.source_port", "ESP in UDP, from it")
      .Number("--udp-keepalive-seconds", "udp.keepalive_seconds",
              "ESP in UDP, with NAT keepalives")
      .Number("--udp-destination-port", "udp.destination_port",
              "ESP in UDP, to it; the port not given is 4500")
      .Option("--local-identity", "local_identity", "like fqdn:host.example")
      .Option("--peer-identity", "peer_identity", "like fqdn:host.example")
      .Option("--selector-source", "selector.source",
              "prefixes, and ranges like 192.0.2.3-192.0.2.10")
      .Option("--selector-destination", "selector.destination", "likewise")
      .Option("--selector-protocol", "selector.protocol", "tcp, udp, ...")
      .Option("--selector-source-port", "selector.source_port",
              "ports and ranges, like 80,1000-2000, or opaque")
      .Option("--selector-destination-port", "selector.destination_port",
              "likewise")
      .Option("--selector-icmp", "selector.icmp",
              "types and codes, like 8,3/0-15")
      .Option("--selector-mobility", "selector.mobility",
              "Mobility Header types, like 5-6");
  Lifetimes(add);
  add.app().parse_complete_callback([&add] { CheckEnds(add); });
}

}  // namespace

void AddSa(Verbs& verbs, CLI::App& root) {
  CLI::App& sa = *root.add_subcommand("sa", "security associations");
  sa.require_subcommand(1);
  AddSaAdd(verbs, sa);
  Add(verbs, sa, "list", "show all",
      {.verb = "sa.dump", .arguments = {}, .view = View::kAssociations});
  Identity(
      Add(verbs, sa, "get", "show one",
          {.verb = "sa.get", .arguments = {}, .view = View::kAssociation}));
  Identity(Add(verbs, sa, "delete", "delete one",
               {.verb = "sa.delete", .arguments = {}}));
  Lifetimes(Identity(Add(verbs, sa, "update", "change one's lifetimes",
                         {.verb = "sa.update", .arguments = {}})));
  Add(verbs, sa, "flush", "delete all", {.verb = "sa.flush", .arguments = {}});
}

void AddAcquire(Verbs& verbs, CLI::App& root) {
  CLI::App& acquire = *root.add_subcommand("acquire", "SAs that are asked for");
  acquire.require_subcommand(1);
  Add(verbs, acquire, "list", "show all",
      {.verb = "acquire.list", .arguments = {}, .view = View::kAcquires});
  Add(verbs, acquire, "refuse", "say that there will be none",
      {.verb = "acquire.refuse", .arguments = {}})
      .Count("ID", "acquire", "its number");
}

}  // namespace postern
