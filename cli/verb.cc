// SPDX-License-Identifier: Apache-2.0

#include "cli/verb.h"

#include <array>
#include <utility>

#include "cli/key_file.h"
#include "control/paths.h"

namespace postern {
namespace {

constexpr std::array<const char*, 3> kCategoryNames = {"esp_transport", "ah",
                                                       "esp_network"};
constexpr std::array<const char*, 3> kCategoryOptions = {
    "--esp-transport", "--auth,--ah", "--esp-network"};

std::string CheckHost(const std::string& name) {
  return IsHostName(name) ? "" : "\"" + name + "\" is no host's name";
}

}  // namespace

Verb::Verb(CLI::App& parent, const std::string& name, const std::string& help,
           Question question)
    : app_(parent.add_subcommand(name, help)), question_(std::move(question)) {
  app_->add_option("HOST", host_, "the virtual host")
      ->required()
      ->check(CLI::Validator(CheckHost, ""));
}

CLI::Option* Verb::Text(const std::string& name, const std::string& argument,
                        const std::string& help) {
  return app_->add_option_function<std::string>(
      name, [this, argument](const std::string& word) { Put(argument, word); },
      help);
}

Verb& Verb::Positional(const std::string& name, const std::string& argument,
                       const std::string& help) {
  Text(name, argument, help)->required();
  return *this;
}

Verb& Verb::Option(const std::string& name, const std::string& argument,
                   const std::string& help) {
  Text(name, argument, help);
  return *this;
}

Verb& Verb::Key(const std::string& name, const std::string& argument,
                const std::string& help) {
  app_->add_option_function<std::string>(
      name,
      [this, argument](const std::string& word) {
        const Result<std::string> key = ReadKeyWord(word);
        if (!key.ok()) {
          throw CLI::ValidationError(argument, key.error().message);
        }
        Put(argument, *key);
      },
      help);
  return *this;
}

Verb& Verb::Number(const std::string& name, const std::string& argument,
                   const std::string& help) {
  app_->add_option_function<std::int64_t>(
      name,
      [this, argument](const std::int64_t& value) { Put(argument, value); },
      help);
  return *this;
}

Verb& Verb::Count(const std::string& name, const std::string& argument,
                  const std::string& help) {
  Number(name, argument, help);
  app_->get_option(name)->required();
  return *this;
}

Verb& Verb::AllOrLast(const std::string& name,
                      const std::vector<std::string>& arguments,
                      const std::string& help) {
  using Words = std::vector<std::string>;
  const auto most = static_cast<int>(arguments.size());
  app_->add_option_function<Words>(
          name,
          [this, name, arguments](const Words& words) {
            if (words.size() != 1 && words.size() != arguments.size()) {
              throw CLI::ValidationError(name, "write all words or the last");
            }
            std::size_t at = arguments.size() - words.size();
            for (const std::string& word : words) {
              Put(arguments[at++], word);
            }
          },
          help)
      ->expected(1, most)
      ->required();
  return *this;
}

Verb& Verb::Flag(const std::string& name, Argument argument,
                 const std::string& help) {
  app_->add_flag_callback(
      name,
      [this, argument = std::move(argument)] {
        question_.arguments.push_back(argument);
      },
      help);
  return *this;
}

Verb& Verb::Levels(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < kCategoryNames.size(); ++i) {
    Text(kCategoryOptions[i], kCategoryNames[i], "a level")
        ->check(CLI::IsMember(names));
  }
  return *this;
}

Verb& Add(Verbs& verbs, CLI::App& parent, const std::string& name,
          const std::string& help, Question question) {
  verbs.push_back(
      std::make_unique<Verb>(parent, name, help, std::move(question)));
  return *verbs.back();
}

}  // namespace postern
