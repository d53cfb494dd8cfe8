// SPDX-License-Identifier: Apache-2.0
//
// What one virtual host is to be: the content of posternd's configuration file
// (docs/configuration.md has every key), read, checked and free of TOML.
//
// Thread safety: plain values.

#ifndef POSTERN_DAEMON_HOST_CONFIG_H_
#define POSTERN_DAEMON_HOST_CONFIG_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/crypto/backend.h"
#include "core/expected.h"
#include "core/log/log.h"
#include "core/net/ip_address.h"
#include "daemon/acquire_settings.h"
#include "daemon/api_rules.h"
#include "daemon/audit_log.h"
#include "daemon/keepalives.h"
#include "daemon/network_config.h"
#include "daemon/path_mtu_settings.h"
#include "daemon/selector_news.h"
#include "pipeline/notices.h"
#include "pipeline/outbound.h"
#include "policy/cgroup_table.h"
#include "policy/route_table.h"
#include "policy/rule_table.h"
#include "sadb/sa_parameters.h"
#include "settings/defect.h"

namespace postern {

struct HostConfig {
  std::string name;
  std::optional<std::string> state_directory;
  std::optional<std::string> run_directory;  // else what paths.h says
  LogLevel log_level = LogLevel::kInfo;
  AuditLog::Switch audit = AuditLog::Switch::kOn;
  std::uint32_t selector_mismatches = SelectorNews::kUsualRate;  // a second
  std::size_t threads = 2;  // a pair has, at most
  Duration busy_poll{0};    // how long a thread looks before it sleeps
  Duration keepalive_afterlife = Keepalives::kUsualAfterlife;
  ApiRules api;
  AcquireSettings acquire;
  PathMtuRules path_mtu;
  NoticeRules notices;
  CryptoBackend crypto = CryptoBackend::kLibcrypto;

  NetworkConfig network;
  std::vector<Route> routes;
  std::vector<Rule> rules;  // in their order
  RuleTable::Otherwise otherwise = RuleTable::Otherwise::kNoLevels;
  OutboundPipeline::Parts::Discards discards{};
  std::vector<CgroupRule> cgroups;
  std::vector<SaParameters> associations;

  std::vector<IpAddress> OwnAddresses() const;
};

// `directory` is where relative file names in the text start. What the text
// says of legacy algorithms holds for the process from here on
// (core/crypto/legacy.h).
// Errors: every defect of the text, in no order.
Expected<HostConfig, Defects> ParseHostConfig(std::string_view text,
                                              const std::string& directory);

// Errors: as above; a file that cannot be read is a defect without a place.
Expected<HostConfig, Defects> LoadHostConfig(const std::string& file);

}  // namespace postern

#endif  // POSTERN_DAEMON_HOST_CONFIG_H_
