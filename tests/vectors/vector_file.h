// SPDX-License-Identifier: Apache-2.0
//
// What every kind of vector needs: reading JSON without guessing, and keeping
// count. A vector that is not understood in full is a failure, never a pass:
// whoever adds a field must say here what it means.

#ifndef POSTERN_TESTS_VECTORS_VECTOR_FILE_H_
#define POSTERN_TESTS_VECTORS_VECTOR_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/crypto/secret_bytes.h"
#include <nlohmann/json.hpp>

namespace postern::vectors {

using Json = nlohmann::json;
using Octets = std::vector<std::uint8_t>;

// The file does not say what the format allows.
class VectorError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The octets of a string of hexadecimal digits.
Octets HexOf(const Json& text);
// The same for an optional field; empty when it is not there.
Octets HexOf(const Json& object, const char* field);
SecretBytes SecretOf(const Json& object, const char* field);
std::string ToHex(ConstBytes octets);

// Throws when `object` has a field that is not listed.
void CheckFields(const Json& object,
                 std::initializer_list<std::string_view> known);
// The same for a whole case. Notes that a person reads, and yes/no remarks on
// where the case comes from, do not change what it demands.
void CheckCaseFields(const Json& object,
                     std::initializer_list<std::string_view> known);

// How one vector went.
struct Outcome {
  // Not applicable: sizes that IPsec never has; nothing is missing here.
  enum class Kind : std::uint8_t { kPassed, kFailed, kSkipped, kNotApplicable };

  Kind kind;
  std::string text;  // why it failed, or is skipped, or does not apply
};

Outcome Passed();
Outcome Failed(std::string why);
Outcome Skipped(std::string reason);
Outcome NotApplicable(std::string reason);
// Passed when the two are equal.
Outcome Compare(std::string_view what, ConstBytes got, ConstBytes expected);

class Tally {
 public:
  // Runs one vector; an exception in it is a failure.
  void Run(const std::string& id, const std::function<Outcome()>& vector);

  std::size_t passed() const { return passed_; }

  const std::vector<std::string>& failed() const { return failed_; }

  // Reason to count.
  const std::map<std::string, std::size_t>& skipped() const { return skipped_; }

  // The same of vectors that do not apply.
  const std::map<std::string, std::size_t>& not_applicable() const {
    return not_applicable_;
  }

  std::size_t skipped_count() const;

  void Add(const Tally& other);

 private:
  std::size_t passed_ = 0;
  std::vector<std::string> failed_;
  std::map<std::string, std::size_t> skipped_;
  std::map<std::string, std::size_t> not_applicable_;
};

// One file of each kind.
void RunAlgorithmVectors(const Json& file, Tally& tally);
void RunWycheproofVectors(const Json& file, Tally& tally);
void RunPacketVectors(const Json& file, Tally& tally);
void RunInboundVectors(const Json& file, Tally& tally);
void RunReplayVectors(const Json& file, Tally& tally);
void RunTableVectors(const Json& file, Tally& tally);
void RunPfKeyVectors(const Json& file, Tally& tally);
void RunSweepVectors(const Json& file, Tally& tally);

}  // namespace postern::vectors

#endif  // POSTERN_TESTS_VECTORS_VECTOR_FILE_H_
