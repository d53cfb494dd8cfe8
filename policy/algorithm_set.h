// SPDX-License-Identifier: Apache-2.0
//
// Which algorithms the SAs of a socket may have (the draft's section 4: "select
// its IPsec algorithm(s)"). Written as a list, in no order of preference:
//
//     aes256gcm16,chacha20poly1305       these two, with these key sizes
//     aes-gcm-16                         every key size
//     aes256,sha256                      AES-CBC and HMAC-SHA2-256-128
//
// A word is a name of the algorithm table (core/crypto/algorithm.h), dashes and
// capitals aside; behind its first letters may stand a key size in bits. "aes",
// "aes128", ... mean AES-CBC; "sha1", "sha256", "sha384" and "sha512" the HMACs.
// Words that are no algorithm here are passed over, as no SA can have them, as
// long as one is left.
//
// A list that names no encryption leaves encryption free, and one that names no
// integrity algorithm leaves that free: "aes256gcm16" says nothing about AH.
//
// Thread safety: a plain value; Parse() asks for the process's choice of legacy
// algorithms.

#ifndef POSTERN_POLICY_ALGORITHM_SET_H_
#define POSTERN_POLICY_ALGORITHM_SET_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.h"
#include "sadb/sa_parameters.h"

namespace postern {

class AlgorithmSet {
 public:
  static constexpr std::size_t kMostOctets = 255;

  // Every algorithm.
  AlgorithmSet();

  // Whether a list may name legacy algorithms (core/crypto/legacy.h): as the
  // configuration allows; or whatever it allows, since somebody took the list.
  enum class Legacy : std::uint8_t { kAsAllowed, kTaken };

  // The empty text is every algorithm.
  // Errors: kInvalid (too long, an empty word, other characters than letters,
  //   digits, dashes and underscores), kUnsupported (no word is one of ours),
  //   kForbidden (a word is a legacy algorithm, and these are not
  //   allowed).
  static Result<AlgorithmSet> Parse(std::string_view text,
                                    Legacy legacy = Legacy::kAsAllowed);

  bool Allows(const SaParameters& sa) const;

  bool is_everything() const { return *this == AlgorithmSet(); }

  bool IsWithin(const AlgorithmSet& other) const;

  // Whether what is left out is nowhere stronger than what is kept, by the
  // length of the keys: such a set cannot weaken anything.
  bool LeavesOutTheWeakest() const;

  // As it was written; empty for everything.
  const std::string& text() const { return text_; }

  friend bool operator==(const AlgorithmSet& a, const AlgorithmSet& b) {
    return a.encryptions_ == b.encryptions_ && a.integrities_ == b.integrities_;
  }

 private:
  static constexpr std::size_t kMostVariants = 128;
  using Variants = std::bitset<kMostVariants>;

  Result<bool> Take(std::string_view word, Legacy legacy);

  Variants encryptions_;  // one bit for each algorithm and key size
  Variants integrities_;
  std::string text_;
};

// The bits of the strongest key that any algorithm here has.
unsigned StrongestKeyBits();

}  // namespace postern

#endif  // POSTERN_POLICY_ALGORITHM_SET_H_
