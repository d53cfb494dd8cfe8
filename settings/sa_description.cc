// SPDX-License-Identifier: Apache-2.0
//
// The half of sa_settings.h that tells what is there.

#include <chrono>
#include <string>
#include <utility>

#include "sadb/sa_strength.h"
#include "settings/sa_settings.h"
#include "settings/sa_tunnel_settings.h"
#include "settings/selector_settings.h"

namespace postern {
namespace {

void Add(Object& to, std::string name, Value value) {
  to.push_back({std::move(name), std::move(value), {}});
}

std::int64_t SecondsOf(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

Value Describe(const Lifetime& lifetime) {
  Object members;
  if (lifetime.octets) {
    Add(members, "octets", Value::Count(*lifetime.octets));
  }
  if (lifetime.packets) {
    Add(members, "packets", Value::Count(*lifetime.packets));
  }
  if (lifetime.time) {
    Add(members, "seconds", Value::Whole(SecondsOf(*lifetime.time)));
  }
  return MakeObject(std::move(members));
}

Value Describe(UdpPorts ports) {
  return MakeObject(
      {{"source_port", Value::Whole(ports.source), {}},
       {"destination_port", Value::Whole(ports.destination), {}}});
}

}  // namespace

std::string_view NameOf(IpsecProtocol protocol) {
  return protocol == IpsecProtocol::kEsp ? "esp" : "ah";
}

std::string_view NameOf(IpsecMode mode) {
  switch (mode) {
    case IpsecMode::kTransport:
      return "transport";
    case IpsecMode::kTunnel:
      return "tunnel";
    case IpsecMode::kBeet:
      break;
  }
  return "beet";
}

Object DescribeIdentity(const SaIdentity& identity) {
  Object members;
  Add(members, "protocol", NameOf(identity.protocol));
  Add(members, "spi", ToString(identity.spi));
  Add(members, "destination", identity.destination.ToString());
  return members;
}

Object DescribeParameters(const SaParameters& parameters) {
  Object members;
  const bool outbound = parameters.direction == Direction::kOutbound;
  const bool esp = parameters.protocol == IpsecProtocol::kEsp;
  const bool extended = parameters.numbers == SequenceNumbers::kExtended;
  Add(members, "protocol", NameOf(parameters.protocol));
  Add(members, "mode", NameOf(parameters.mode));
  Add(members, "direction", outbound ? "outbound" : "inbound");
  Add(members, "spi", ToString(parameters.spi));
  Add(members, "source", parameters.source.ToString());
  Add(members, "destination", parameters.destination.ToString());
  if (esp) {
    Add(members, "encryption", InfoOf(parameters.encryption).name);
  }
  if (parameters.integrity != Integrity::kNone) {
    Add(members, "integrity", InfoOf(parameters.integrity).name);
  }
  Add(members, "esn", Value::Flag(extended));
  Add(members, "replay_window", Value::Whole(parameters.replay_window));
  Add(members, "key_bits", Value::Whole(KeyBits(parameters)));
  if (parameters.encapsulation) {
    Add(members, "udp", Describe(*parameters.encapsulation));
  }
  if (parameters.owner) {
    Add(members, "owner",
        Value::Count(static_cast<std::uint64_t>(*parameters.owner)));
  }
  if (parameters.local_identity) {
    Add(members, "local_identity", parameters.local_identity->ToString());
  }
  if (parameters.peer_identity) {
    Add(members, "peer_identity", parameters.peer_identity->ToString());
  }
  if (parameters.mode == IpsecMode::kTunnel) {
    DescribeTunnelOptions(parameters, members);
  }
  DescribeDummies(parameters, members);
  Add(members, "selector",
      MakeObject(Describe(parameters.selector, kPacketsEnds)));
  return members;
}

std::string_view NameOf(SaState state) {
  switch (state) {
    case SaState::kLarval:
      return "larval";
    case SaState::kMature:
      return "mature";
    case SaState::kDying:
      return "dying";
    case SaState::kDead:
      break;
  }
  return "dead";
}

Value Describe(const SecurityAssociation& association, Instant now) {
  Object members = DescribeParameters(association.parameters());
  Add(members, "soft", Describe(association.soft()));
  Add(members, "hard", Describe(association.hard()));
  if (const NatMapping* nat = association.nat()) {
    Add(members, "udp_now", Describe(nat->ports()));
  }
  const SaUsage usage = association.usage();
  Add(members, "state", NameOf(association.state()));
  Add(members, "age_seconds",
      Value::Whole(SecondsOf(now - association.created())));
  Add(members, "octets", Value::Count(usage.octets));
  Add(members, "packets", Value::Count(usage.packets));
  Add(members, "sequence", Value::Count(association.sequence()));
  if (association.parameters().direction == Direction::kInbound) {
    Add(members, "replays", Value::Count(association.replays()));
    Add(members, "bad_icvs", Value::Count(association.bad_icvs()));
  }
  return MakeObject(std::move(members));
}

}  // namespace postern
