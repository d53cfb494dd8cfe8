// SPDX-License-Identifier: Apache-2.0

#include "tests/vectors/vector_file.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace postern::vectors {
namespace {

bool IsListed(std::initializer_list<std::string_view> known,
              std::string_view name) {
  return std::find(known.begin(), known.end(), name) != known.end();
}

bool IsRemark(std::string_view name, const Json& value) {
  return value.is_boolean() ||
         IsListed({"id", "note", "notes", "comment", "source", "generators"},
                  name);
}

}  // namespace

Octets HexOf(const Json& text) {
  const auto& hex = text.get_ref<const std::string&>();
  const auto secret = SecretBytes::FromHex(hex);
  if (!secret.ok()) {
    throw VectorError("not hexadecimal: " + hex);
  }
  return {secret->octets().begin(), secret->octets().end()};
}

Octets HexOf(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found == object.end() ? Octets() : HexOf(*found);
}

SecretBytes SecretOf(const Json& object, const char* field) {
  return SecretBytes(HexOf(object, field));
}

std::string ToHex(ConstBytes octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t octet : octets) {
    hex += kDigits[octet >> 4];
    hex += kDigits[octet & 0x0f];
  }
  return hex;
}

void CheckFields(const Json& object,
                 std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (!IsListed(known, name)) {
      throw VectorError("unknown field: " + name);
    }
  }
}

void CheckCaseFields(const Json& object,
                     std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (!IsListed(known, name) && !IsRemark(name, value)) {
      throw VectorError("unknown field: " + name);
    }
  }
}

Outcome Passed() {
  return {Outcome::Kind::kPassed, ""};
}

Outcome Failed(std::string why) {
  return {Outcome::Kind::kFailed, std::move(why)};
}

Outcome Skipped(std::string reason) {
  return {Outcome::Kind::kSkipped, std::move(reason)};
}

Outcome NotApplicable(std::string reason) {
  return {Outcome::Kind::kNotApplicable, std::move(reason)};
}

Outcome Compare(std::string_view what, ConstBytes got, ConstBytes expected) {
  if (std::equal(got.begin(), got.end(), expected.begin(), expected.end())) {
    return Passed();
  }
  return Failed(std::string(what) + ": got " + ToHex(got) + ", expected " +
                ToHex(expected));
}

void Tally::Run(const std::string& id, const std::function<Outcome()>& vector) {
  Outcome outcome = Passed();
  try {
    outcome = vector();
  } catch (const std::exception& error) {
    outcome = Failed(error.what());
  }
  switch (outcome.kind) {
    case Outcome::Kind::kPassed:
      ++passed_;
      break;
    case Outcome::Kind::kFailed:
      failed_.push_back(id + ": " + outcome.text);
      break;
    case Outcome::Kind::kSkipped:
      ++skipped_[outcome.text];
      break;
    case Outcome::Kind::kNotApplicable:
      ++not_applicable_[outcome.text];
      break;
  }
}

std::size_t Tally::skipped_count() const {
  std::size_t count = 0;
  for (const auto& [reason, times] : skipped_) {
    count += times;
  }
  return count;
}

void Tally::Add(const Tally& other) {
  passed_ += other.passed_;
  failed_.insert(failed_.end(), other.failed_.begin(), other.failed_.end());
  for (const auto& [reason, times] : other.skipped_) {
    skipped_[reason] += times;
  }
  for (const auto& [reason, times] : other.not_applicable_) {
    not_applicable_[reason] += times;
  }
}

}  // namespace postern::vectors
