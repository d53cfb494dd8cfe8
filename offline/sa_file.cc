// SPDX-License-Identifier: Apache-2.0

#include "offline/sa_file.h"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "core/crypto/legacy.h"
#include "settings/defect.h"
#include "settings/sa_settings.h"
#include "settings/section.h"
#include "settings/toml_text.h"

namespace postern {
namespace {

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

Error AsError(const std::string& path, const Defects& defects) {
  std::string lines;
  for (const Defect& defect : defects) {
    lines += (lines.empty() ? "" : "\n") + InFile(path, defect);
  }
  return Invalid(std::move(lines));
}

// The file's own SAs are judged by it.
void ChooseLegacyBy(Section& root) {
  if (std::optional<Section> crypto = root.Table("crypto");
      crypto && crypto->Flag("legacy").value_or(false)) {
    ChooseLegacy(LegacyChoice::kAllow);
  }
}

}  // namespace

Result<std::vector<SaParameters>> LoadSaFile(const std::string& path,
                                             Direction direction) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return SystemError("the file of SAs " + path + " cannot be read", errno);
  }
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  const Expected<Value, Defect> parsed = ParseToml(text);
  if (!parsed.ok()) {
    return AsError(path, {parsed.error()});
  }
  Defects defects;
  Section root(*parsed, "", defects);
  ChooseLegacyBy(root);
  const SaSettingsContext context{.own_addresses = {},
                                  .read_key =
                                      [&path](std::string_view key) {
                                        return ReadKeyOrFile(key,
                                                             DirectoryOf(path));
                                      },
                                  .direction = direction};
  std::vector<SaParameters> all;
  for (Section& section : root.Tables("sa")) {
    if (auto parameters = ReadAssociation(section, context)) {
      all.push_back(std::move(*parameters));
    }
  }
  if (defects.empty() && all.empty()) {
    return Invalid(path + " has no SA: write a table [[sa]].");
  }
  return defects.empty() ? Result<std::vector<SaParameters>>(std::move(all))
                         : AsError(path, defects);
}

}  // namespace postern
