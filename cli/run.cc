// SPDX-License-Identifier: Apache-2.0

#include "cli/run.h"

#include <ostream>

#include "cli/execution.h"
#include "cli/grammar.h"
#include "cli/render.h"
#include "cli/request.h"
#include "control/admin_client.h"
#include "control/paths.h"

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

}  // namespace

ExitStatus RunPostern(const std::vector<std::string>& words, std::ostream& out,
                      std::ostream& err) {
  const Expected<Invocation, Ending> invocation = ParseInvocation(words);
  if (!invocation.ok()) {
    const Ending& ending = invocation.error();
    (ending.status == ExitStatus::kFine ? out : err) << ending.text;
    return ending.status;
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
    return Complain(err, Execute(*execution, answer->fd.get()));
  }
  Show(*invocation, question, answer->text, out);
  return ExitStatus::kFine;
}

}  // namespace postern
