// SPDX-License-Identifier: Apache-2.0

#include "sadb/sa_parameters.h"

#include <utility>

#include "core/net/protocols.h"

namespace postern {
namespace {

template <typename T>
bool AnyOr(const std::optional<T>& wanted, const T& actual) {
  return !wanted.has_value() || *wanted == actual;
}

bool AnyOr(const std::optional<IpPrefix>& wanted, const IpAddress& actual) {
  return !wanted.has_value() || wanted->Contains(actual);
}

bool IsOneAddress(const std::optional<IpPrefix>& prefix) {
  return prefix.has_value() &&
         prefix->length() == BitsOf(prefix->address().family());
}

std::optional<TunnelHeader> TunnelOf(const SaParameters& parameters) {
  if (parameters.mode != IpsecMode::kTunnel) {
    return std::nullopt;
  }
  TunnelHeader tunnel;
  tunnel.endpoints = {parameters.source, parameters.destination};
  tunnel.dont_fragment = parameters.dont_fragment;
  tunnel.dscp = parameters.dscp;
  return tunnel;
}

}  // namespace

bool Selector::Matches(const FlowKey& key, Direction direction) const {
  const bool outbound = direction == Direction::kOutbound;
  if (!AnyOr(source, outbound ? key.local : key.remote) ||
      !AnyOr(destination, outbound ? key.remote : key.local) ||
      !AnyOr(protocol, key.protocol)) {
    return false;
  }
  if (!HasPorts(key.protocol)) {
    return true;
  }
  return AnyOr(source_port, outbound ? key.local_port : key.remote_port) &&
         AnyOr(destination_port, outbound ? key.remote_port : key.local_port);
}

std::optional<FlowKey> Selector::OnlyFlow() const {
  if (!IsOneAddress(source) || !IsOneAddress(destination) || !protocol ||
      !HasPorts(*protocol) || !source_port || !destination_port) {
    return std::nullopt;
  }
  return FlowKey{.local = source->address(),
                 .remote = destination->address(),
                 .local_port = *source_port,
                 .remote_port = *destination_port,
                 .protocol = *protocol};
}

std::string ToString(const SaIdentity& identity) {
  std::string text = identity.protocol == IpsecProtocol::kEsp ? "esp " : "ah ";
  text += ToString(identity.spi);
  text += " to ";
  text += identity.destination.ToString();
  return text;
}

esp::Parameters SaParameters::ForEsp() const {
  // The salt follows the key (RFC 4106 8.1, SAD-22).
  const ConstBytes material = encryption_key.octets();
  const std::size_t salt = InfoOf(encryption).salt;

  esp::Parameters transform;
  transform.spi = spi;
  transform.mode = mode;
  transform.tunnel = TunnelOf(*this);
  transform.numbers = numbers;
  transform.encryption = encryption;
  transform.encryption_key =
      SecretBytes(material.first(material.size() - salt));
  transform.salt = SecretBytes(material.last(salt));
  transform.integrity = integrity;
  transform.integrity_key = integrity_key;
  return transform;
}

ah::Parameters SaParameters::ForAh() const {
  ah::Parameters transform;
  transform.spi = spi;
  transform.mode = mode;
  transform.tunnel = TunnelOf(*this);
  transform.numbers = numbers;
  transform.integrity = integrity;
  transform.integrity_key = integrity_key;
  return transform;
}

}  // namespace postern
