// SPDX-License-Identifier: Apache-2.0

#include "sadb/sa_parameters.h"

#include <utility>

namespace postern {
namespace {

std::optional<TunnelHeader> TunnelOf(const SaParameters& parameters) {
  if (!HasOuterHeader(parameters.mode)) {
    return std::nullopt;
  }
  TunnelHeader tunnel;
  tunnel.endpoints = {parameters.source, parameters.destination};
  tunnel.dont_fragment = parameters.dont_fragment;
  tunnel.dscp = parameters.dscp;
  tunnel.dscp_value = parameters.dscp_value;
  tunnel.hop_limit = parameters.hop_limit;
  tunnel.flow_label = parameters.flow_label;
  return tunnel;
}

}  // namespace

std::string ToString(const SaIdentity& identity) {
  std::string text = identity.protocol == IpsecProtocol::kEsp ? "esp " : "ah ";
  text += ToString(identity.spi);
  text += " to ";
  text += identity.destination.ToString();
  return text;
}

TunnelEndpoints SaParameters::inner_ends() const {
  if (mode != IpsecMode::kBeet) {
    return {source, destination};
  }
  return {selector.source.only().value_or(source),
          selector.destination.only().value_or(destination)};
}

esp::Parameters SaParameters::ForEsp() const {
  // The salt follows the key (RFC 4106 8.1, SAD-22).
  const ConstBytes material = encryption_key.octets();
  const std::size_t salt = InfoOf(encryption).salt;

  esp::Parameters transform;
  transform.spi = spi;
  transform.mode = mode;
  transform.tunnel = TunnelOf(*this);
  if (mode == IpsecMode::kBeet) {
    transform.inner = inner_ends();
  }
  transform.numbers = numbers;
  transform.encryption = encryption;
  transform.encryption_key =
      SecretBytes(material.first(material.size() - salt));
  transform.salt = SecretBytes(material.last(salt));
  transform.integrity = integrity;
  transform.integrity_key = integrity_key;
  transform.tfc_pad_to = tfc_pad_to;
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
