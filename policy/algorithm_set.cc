// SPDX-License-Identifier: Apache-2.0

#include "policy/algorithm_set.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "core/crypto/algorithm.h"
#include "core/crypto/legacy.h"
#include "sadb/sa_strength.h"

namespace postern {
namespace {

// One algorithm with one key size, and the words that mean it.
struct Variant {
  unsigned key_bits = 0;
  std::string word;       // "aesgcm16"
  std::string word_bits;  // "aes256gcm16"
};

struct Encrypting : Variant {
  Encryption id = Encryption::kNull;
};

struct Protecting : Variant {
  Integrity id = Integrity::kNone;
};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// "AES-GCM-16" -> "aesgcm16".
std::string Compact(std::string_view text) {
  std::string word;
  for (const char c : text) {
    if (c != '-' && c != '_') {
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return word;
}

// "aesgcm16" and 256 -> "aes256gcm16"; the letters of the cipher are those of
// the name's first part.
std::string WithBits(std::string_view name, unsigned key_bits) {
  const std::string_view cipher = name.substr(0, name.find('-'));
  return Compact(cipher) + std::to_string(key_bits) +
         Compact(name.substr(cipher.size()));
}

const std::vector<Encrypting>& Encryptions() {
  static const std::vector<Encrypting> kAll = [] {
    std::vector<Encrypting> all;
    for (const EncryptionInfo& info : AllEncryptions()) {
      for (const std::size_t octets : info.key_sizes) {
        const auto bits = static_cast<unsigned>(octets * 8);
        all.push_back(
            {{bits, Compact(info.name), WithBits(info.name, bits)}, info.id});
      }
    }
    return all;
  }();
  return kAll;
}

const std::vector<Protecting>& Integrities() {
  static const std::vector<Protecting> kAll = [] {
    std::vector<Protecting> all;
    for (const IntegrityInfo& info : AllIntegrities()) {
      if (info.id != Integrity::kNone) {
        all.push_back(
            {{static_cast<unsigned>(info.key * 8), Compact(info.name), {}},
             info.id});
      }
    }
    return all;
  }();
  return kAll;
}

// The table's compact name for a common short one, or the word itself.
std::string Unabbreviated(const std::string& word) {
  struct Short {
    std::string_view word;
    std::string_view name;
  };

  static constexpr std::array<Short, 8> kShort = {{{"sha1", "hmacsha196"},
                                                   {"sha256", "hmacsha2256128"},
                                                   {"sha384", "hmacsha2384192"},
                                                   {"sha512", "hmacsha2512256"},
                                                   {"aes", "aescbc"},
                                                   {"aes128", "aes128cbc"},
                                                   {"aes192", "aes192cbc"},
                                                   {"aes256", "aes256cbc"}}};
  for (const Short& known : kShort) {
    if (known.word == word) {
      return std::string(known.name);
    }
  }
  return word;
}

bool IsWord(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '_';
  });
}

template <typename Entry>
std::bitset<128> Matching(const std::vector<Entry>& all,
                          const std::string& word) {
  std::bitset<128> found;
  for (std::size_t i = 0; i < all.size(); ++i) {
    found[i] = all[i].word == word || all[i].word_bits == word;
  }
  return found;
}

// Errors: kForbidden for the first of them that no SA may have.
template <typename Entry>
Status CheckLegacy(const std::vector<Entry>& all,
                   const std::bitset<128>& named) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (named[i]) {
      if (Status allowed = CheckAllowed(all[i].id); !allowed.ok()) {
        return allowed;
      }
    }
  }
  return Ok();
}

template <typename Entry>
std::bitset<128> Everything(const std::vector<Entry>& all) {
  std::bitset<128> every;
  for (std::size_t i = 0; i < all.size(); ++i) {
    every.set(i);
  }
  return every;
}

// What the key does for whoever must not read or forge: that of GMAC encrypts
// nothing, and 3DES gives 112 bits (NIST SP 800-57).
unsigned StrengthOf(const Encrypting& entry) {
  switch (entry.id) {
    case Encryption::kNullAuthAesGmac:
      return 0;
    case Encryption::kTripleDesCbc:
      return 112;
    case Encryption::kDesCbc:
      return 56;
    default:
      return entry.key_bits;
  }
}

unsigned StrengthOf(const Protecting& entry) {
  return entry.key_bits;
}

template <typename Entry>
bool KeepsTheStrongest(const std::vector<Entry>& all,
                       const std::bitset<128>& kept) {
  std::optional<unsigned> weakest_kept;
  unsigned strongest_left_out = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const unsigned strength = StrengthOf(all[i]);
    if (!kept[i]) {
      strongest_left_out = std::max(strongest_left_out, strength);
    } else if (!weakest_kept || strength < *weakest_kept) {
      weakest_kept = strength;
    }
  }
  return weakest_kept && *weakest_kept >= strongest_left_out;
}

}  // namespace

AlgorithmSet::AlgorithmSet()
    : encryptions_(Everything(Encryptions())),
      integrities_(Everything(Integrities())) {}

// Whether there is such an algorithm.
Result<bool> AlgorithmSet::Take(std::string_view word, Legacy legacy) {
  const std::string name = Unabbreviated(Compact(word));
  const Variants ciphers = Matching(Encryptions(), name);
  const Variants macs = Matching(Integrities(), name);
  for (Status allowed : {CheckLegacy(Encryptions(), ciphers),
                         CheckLegacy(Integrities(), macs)}) {
    if (legacy == Legacy::kAsAllowed && !allowed.ok()) {
      return allowed.error();
    }
  }
  encryptions_ |= ciphers;
  integrities_ |= macs;
  return (ciphers | macs).any();
}

Result<AlgorithmSet> AlgorithmSet::Parse(std::string_view text, Legacy legacy) {
  AlgorithmSet set;
  if (text.empty()) {
    return set;
  }
  if (text.size() > kMostOctets) {
    return Invalid("a list of algorithms has at most " +
                   std::to_string(kMostOctets) + " octets.");
  }
  set.text_ = text;
  set.encryptions_.reset();
  set.integrities_.reset();
  bool known = false;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (!IsWord(word)) {
      return Invalid("\"" + std::string(text) +
                     "\" is no list of algorithms: write it like "
                     "aes256gcm16,aes128gcm16.");
    }
    const Result<bool> taken = set.Take(word, legacy);
    if (!taken.ok()) {
      return taken.error();
    }
    known = *taken || known;
    at = end + 1;
  }
  if (!known) {
    return Error{ErrorCode::kUnsupported,
                 "\"" + std::string(text) +
                     "\" names no algorithm that an SA can have here."};
  }
  const AlgorithmSet everything;
  if (set.encryptions_.none()) {
    set.encryptions_ = everything.encryptions_;
  }
  if (set.integrities_.none()) {
    set.integrities_ = everything.integrities_;
  }
  return set;
}

bool AlgorithmSet::Allows(const SaParameters& sa) const {
  if (sa.protocol == IpsecProtocol::kEsp) {
    const unsigned bits = CipherKeyBits(sa);
    const auto& all = Encryptions();
    const auto found =
        std::ranges::find_if(all, [&sa, bits](const Encrypting& variant) {
          return variant.id == sa.encryption && variant.key_bits == bits;
        });
    if (found == all.end() ||
        !encryptions_[static_cast<std::size_t>(found - all.begin())]) {
      return false;
    }
  }
  if (sa.integrity == Integrity::kNone) {
    return true;
  }
  const auto& all = Integrities();
  const auto found = std::ranges::find(all, sa.integrity, &Protecting::id);
  return found != all.end() &&
         integrities_[static_cast<std::size_t>(found - all.begin())];
}

bool AlgorithmSet::IsWithin(const AlgorithmSet& other) const {
  return (encryptions_ & ~other.encryptions_).none() &&
         (integrities_ & ~other.integrities_).none();
}

bool AlgorithmSet::LeavesOutTheWeakest() const {
  return KeepsTheStrongest(Encryptions(), encryptions_) &&
         KeepsTheStrongest(Integrities(), integrities_);
}

unsigned StrongestKeyBits() {
  unsigned most = 0;
  for (const Encrypting& variant : Encryptions()) {
    most = std::max(most, variant.key_bits);
  }
  for (const Protecting& variant : Integrities()) {
    most = std::max(most, variant.key_bits);
  }
  return most;
}

}  // namespace postern
