// SPDX-License-Identifier: Apache-2.0

#include "cli/run.h"

#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "cli/cgroup.h"
#include "cli/execution.h"
#include "cli/grammar.h"
#include "cli/render.h"
#include "cli/request.h"
#include "control/admin_client.h"
#include "control/paths.h"
#include "offline/capture_job.h"
#include "offline/sa_file.h"
#include "offline/wireshark_table.h"

namespace postern {
namespace {

ExitStatus Complain(std::ostream& err, const Error& error) {
  err << "postern: " << error.message << "\n";
  return error.code == ErrorCode::kUnavailable ? ExitStatus::kNoDaemon
                                               : ExitStatus::kRefused;
}

// With --json refusals are JSON, too, and where answers are.
ExitStatus Refused(const Invocation& invocation, const AdminAnswer& answer,
                   std::ostream& out, std::ostream& err) {
  if (invocation.output == Output::kJson) {
    out << answer.text << "\n";
  } else {
    err << "postern: " << RenderRefusal(answer.text) << "\n";
  }
  return ExitStatus::kRefused;
}

void Show(const Invocation& invocation, const Question& question,
          const std::string& answer, std::ostream& out) {
  if (invocation.output == Output::kJson) {
    out << answer << "\n";
  } else {
    out << Render(question.view, answer);
  }
}

std::optional<Question> RuleOf(const Execution& execution) {
  if (execution.cgroup.empty() || execution.cgroup_levels.empty()) {
    return std::nullopt;
  }
  Question rule{.verb = "cgroup.set", .arguments = execution.cgroup_levels};
  rule.arguments.push_back({.name = "path", .value = "/" + execution.cgroup});
  return rule;
}

// The cgroup, and its rule, before anything runs in it.
ExitStatus PrepareCgroup(const Invocation& invocation,
                         const Execution& execution, std::ostream& out,
                         std::ostream& err) {
  if (execution.cgroup.empty()) {
    return ExitStatus::kFine;
  }
  Status fine = MakeCgroup(execution.cgroup);
  std::vector<Question> questions;
  if (const std::optional<Question> rule = RuleOf(execution)) {
    questions.push_back(*rule);
  }
  questions.push_back({.verb = "cgroup.list", .arguments = {}});
  std::string rules;
  for (const Question& question : questions) {
    if (!fine.ok()) {
      break;
    }
    Result<AdminAnswer> answer =
        AskAdmin(AdminSocketPath(invocation.host), RequestOf(question));
    if (answer.ok() && answer->type == AdminType::kError) {
      return Refused(invocation, *answer, out, err);
    }
    fine = answer.ok() ? Ok() : Status(answer.error());
    rules = answer.ok() ? std::move(answer->text) : "";
  }
  if (fine.ok()) {
    fine = CheckIsDaemons(execution.cgroup, rules);
  }
  return fine.ok() ? ExitStatus::kFine : Complain(err, fine.error());
}

ExitStatus Follow(const Invocation& invocation, const Following& following,
                  std::ostream& out, std::ostream& err) {
  std::uint64_t seen = 0;
  const Result<AdminAnswer> answer =
      FollowAdmin(AdminSocketPath(invocation.host),
                  RequestOf({.verb = "monitor", .arguments = {}}),
                  [&](std::string_view event) {
                    if (invocation.output == Output::kJson) {
                      out << event << "\n";
                    } else {
                      out << RenderEvent(event);
                    }
                    out.flush();  // who reads this acts upon it
                    ++seen;
                    return !out || seen == following.count ? Appetite::kSated
                                                           : Appetite::kMore;
                  });
  if (!answer.ok()) {
    return Complain(err, answer.error());
  }
  return answer->type == AdminType::kError
             ? Refused(invocation, *answer, out, err)
             : ExitStatus::kFine;
}

ExitStatus ComplainOfFile(std::ostream& err, const Error& error) {
  err << "postern: " << error.message << "\n";
  return ExitStatus::kMisused;
}

ExitStatus WorkOn(const CaptureJob& job, std::ostream& out, std::ostream& err) {
  const Result<CaptureTotals> totals = Run(job, out);
  if (!totals.ok()) {
    return ComplainOfFile(err, totals.error());
  }
  return totals->refused == 0 ? ExitStatus::kFine : ExitStatus::kRefused;
}

ExitStatus Export(const SaExport& what, std::ostream& out, std::ostream& err) {
  const auto associations = LoadSaFile(what.associations, Direction::kOutbound);
  if (!associations.ok()) {
    return ComplainOfFile(err, associations.error());
  }
  out << WiresharkTable(*associations);
  return ExitStatus::kFine;
}

}  // namespace

ExitStatus RunPostern(const std::vector<std::string>& words, std::ostream& out,
                      std::ostream& err) {
  const Expected<Invocation, Ending> invocation = ParseInvocation(words);
  if (!invocation.ok()) {
    const Ending& ending = invocation.error();
    (ending.status == ExitStatus::kFine ? out : err) << ending.text;
    return ending.status;
  }
  if (const auto* following = std::get_if<Following>(&invocation->what)) {
    return Follow(*invocation, *following, out, err);
  }
  if (const auto* job = std::get_if<CaptureJob>(&invocation->what)) {
    return WorkOn(*job, out, err);
  }
  if (const auto* table = std::get_if<SaExport>(&invocation->what)) {
    return Export(*table, out, err);
  }
  const auto* execution = std::get_if<Execution>(&invocation->what);
  const Question question =
      execution == nullptr ? std::get<Question>(invocation->what)
                           : Question{.verb = "namespace", .arguments = {}};
  const Result<AdminAnswer> answer =
      AskAdmin(AdminSocketPath(invocation->host), RequestOf(question));
  if (!answer.ok()) {
    return Complain(err, answer.error());
  }
  if (answer->type == AdminType::kError) {
    return Refused(*invocation, *answer, out, err);
  }
  if (execution != nullptr) {
    if (const ExitStatus prepared =
            PrepareCgroup(*invocation, *execution, out, err);
        prepared != ExitStatus::kFine) {
      return prepared;
    }
    return Complain(err, Execute(*execution, answer->fd.get()));
  }
  Show(*invocation, question, answer->text, out);
  return ExitStatus::kFine;
}

}  // namespace postern
