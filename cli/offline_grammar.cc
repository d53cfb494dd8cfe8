// SPDX-License-Identifier: Apache-2.0

#include "cli/offline_grammar.h"

#include <cstdint>
#include <limits>

namespace postern {

OfflineVerbs::OfflineVerbs(CLI::App& root) {
  CLI::App& pcap = *root.add_subcommand(
      "pcap", "protect or open a capture's packets, without a daemon");
  pcap.require_subcommand(1);
  protect_ = AddCaptureVerb(pcap, "protect", "apply the SAs that fit");
  open_ = AddCaptureVerb(pcap, "open", "remove AH and ESP");
  export_ = root.get_subcommand("sa")->add_subcommand(
      "export", "print SAs for another program, without a daemon");
  export_->add_option("HOST", host_, "no daemon tells keys: use --sa");
  export_->add_option("--sa", associations_, "a file with [[sa]] tables");
  export_->add_flag("--wireshark", wireshark_,
                    "as Wireshark's table esp_sa: with keys");
}

CLI::App* OfflineVerbs::AddCaptureVerb(CLI::App& pcap, const std::string& name,
                                       const std::string& help) {
  CLI::App* const verb = pcap.add_subcommand(name, help);
  verb->add_option("--sa", job_.associations,
                   "a file with [[sa]] tables, as in postern.toml(5)")
      ->required();
  verb->add_option("--first", job_.first,
                   "where each SA's sequence numbers begin")
      ->check(CLI::Range(std::uint64_t{1},
                         std::numeric_limits<std::uint64_t>::max()));
  verb->add_option("IN", job_.from, "a pcap file of IP or Ethernet")
      ->required();
  verb->add_option("OUT", job_.to, "a pcap file, which is replaced")
      ->required();
  return verb;
}

Expected<Invocation, std::string> OfflineVerbs::Chosen(Output output) const {
  if (output == Output::kJson) {
    return std::string(
        "pcap and sa export answer without a daemon, and with "
        "text only: leave --json away.");
  }
  Invocation invocation{.host = {}, .output = output, .what = {}};
  if (!export_->parsed()) {
    CaptureJob job = job_;
    job.verb =
        open_->parsed() ? CaptureJob::Verb::kOpen : CaptureJob::Verb::kProtect;
    invocation.what = job;
    return invocation;
  }
  if (!host_.empty()) {
    return std::string(
        "no daemon tells the keys of its SAs, so there is nothing to export of "
        "a host: name the file they are in, --sa FILE.");
  }
  if (associations_.empty() || !wireshark_) {
    return std::string(
        "sa export needs a file and a format: --sa FILE --wireshark.");
  }
  invocation.what = SaExport{.associations = associations_};
  return invocation;
}

}  // namespace postern
