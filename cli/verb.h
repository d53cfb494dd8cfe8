// SPDX-License-Identifier: Apache-2.0
//
// A Verb is one subcommand of `postern` that becomes a question: its options
// name the arguments that the daemon gets.
//
//     Add(verbs, parent, "delete", "delete one", {.verb = "route.delete"})
//         .Positional("PREFIX", "prefix", "like 10.91.25.0/24");
//
// Thread safety: one thread's.

#ifndef POSTERN_CLI_VERB_H_
#define POSTERN_CLI_VERB_H_

#include <memory>
#include <string>
#include <vector>

#include "cli/invocation.h"
#include <CLI/CLI.hpp>

namespace postern {

// CLI11 fills the members, so the address must not change.
class Verb {
 public:
  Verb(CLI::App& parent, const std::string& name, const std::string& help,
       Question question);
  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  Verb& Positional(const std::string& name, const std::string& argument,
                   const std::string& help);
  Verb& Option(const std::string& name, const std::string& argument,
               const std::string& help);
  Verb& Key(const std::string& name, const std::string& argument,
            const std::string& help);
  Verb& Number(const std::string& name, const std::string& argument,
               const std::string& help);

  // A positional number.
  Verb& Count(const std::string& name, const std::string& argument,
              const std::string& help);

  // Positional words for all of these arguments, or for the last alone.
  Verb& AllOrLast(const std::string& name,
                  const std::vector<std::string>& arguments,
                  const std::string& help);

  // A flag that stands for an argument with this value.
  Verb& Flag(const std::string& name, Argument argument,
             const std::string& help);

  // Options for the categories' levels, each one of `names`.
  Verb& Levels(const std::vector<std::string>& names);

  CLI::App& app() { return *app_; }

  bool chosen() const { return app_->parsed(); }

  const std::string& host() const { return host_; }

  const Question& question() const { return question_; }

 private:
  CLI::Option* Text(const std::string& name, const std::string& argument,
                    const std::string& help);

  template <typename T>
  void Put(const std::string& argument, const T& value) {
    question_.arguments.push_back({.name = argument, .value = value});
  }

  CLI::App* app_;
  std::string host_;
  Question question_;
};

using Verbs = std::vector<std::unique_ptr<Verb>>;

Verb& Add(Verbs& verbs, CLI::App& parent, const std::string& name,
          const std::string& help, Question question);

}  // namespace postern

#endif  // POSTERN_CLI_VERB_H_
