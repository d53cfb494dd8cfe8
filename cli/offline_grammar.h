// SPDX-License-Identifier: Apache-2.0
//
// The part of the grammar that asks no daemon: `postern pcap`, and `postern sa
// export`.
//
// Thread safety: one thread's.

#ifndef POSTERN_CLI_OFFLINE_GRAMMAR_H_
#define POSTERN_CLI_OFFLINE_GRAMMAR_H_

#include <optional>
#include <string>

#include "cli/invocation.h"
#include "core/expected.h"
#include <CLI/CLI.hpp>

namespace postern {

// CLI11 fills the members, so the address must not change.
class OfflineVerbs {
 public:
  // REQUIRES: `root` has the subcommand "sa".
  explicit OfflineVerbs(CLI::App& root);
  OfflineVerbs(const OfflineVerbs&) = delete;
  OfflineVerbs& operator=(const OfflineVerbs&) = delete;

  bool chosen() const {
    return protect_->parsed() || open_->parsed() || export_->parsed();
  }

  // REQUIRES: chosen(). Errors: a sentence.
  Expected<Invocation, std::string> Chosen(Output output) const;

 private:
  CLI::App* AddCaptureVerb(CLI::App& pcap, const std::string& name,
                           const std::string& help);

  CLI::App* protect_;
  CLI::App* open_;
  CLI::App* export_;
  CaptureJob job_;
  std::string host_;
  std::string associations_;
  bool wireshark_ = false;
};

}  // namespace postern

#endif  // POSTERN_CLI_OFFLINE_GRAMMAR_H_
