// SPDX-License-Identifier: Apache-2.0
//
// What a backend must be able to do with one key: the seam between the crypto
// contexts and the libraries. The contexts check sizes, judge ICVs and vouch
// (AuthProof); an engine only computes, in place, and believes its caller.
//
// For core/crypto/ only.
//
// Thread safety: Worker-confined. Cost: no allocation.

#ifndef POSTERN_CORE_CRYPTO_ENGINES_H_
#define POSTERN_CORE_CRYPTO_ENGINES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/bytes.h"

namespace postern {

class AeadEngine {
 public:
  static constexpr std::size_t kLargestTag = 16;

  AeadEngine() = default;
  AeadEngine(const AeadEngine&) = delete;
  AeadEngine& operator=(const AeadEngine&) = delete;
  virtual ~AeadEngine() = default;

  // Nonce and tag have the algorithm's sizes. False when the library refused.
  virtual bool Seal(ConstBytes nonce, ConstBytes aad, Bytes octets,
                    Bytes tag) = 0;

  // False when the tag is another one; `octets` then mean nothing.
  virtual bool Open(ConstBytes nonce, ConstBytes aad, Bytes octets,
                    ConstBytes tag) = 0;
};

// GMAC (RFC 4543): what it covers comes in two parts, as the number in front may
// not stand in the packet.
class GmacEngine {
 public:
  static constexpr std::size_t kNonceSize = 12;
  static constexpr std::size_t kTagSize = 16;

  GmacEngine() = default;
  GmacEngine(const GmacEngine&) = delete;
  GmacEngine& operator=(const GmacEngine&) = delete;
  virtual ~GmacEngine() = default;

  // Nonce and tag have the sizes above. False when the library refused.
  virtual bool Compute(ConstBytes nonce, ConstBytes head, ConstBytes body,
                       Bytes tag) = 0;
};

// One message of a burst.
struct CipherWork {
  ConstBytes iv;  // one block; with CTR the first counter block
  Bytes octets;   // whole blocks, at least one, at most 64 KiB; CTR: any octets
  bool done;      // written: false when the library refused
};

class CipherEngine {
 public:
  CipherEngine() = default;
  CipherEngine(const CipherEngine&) = delete;
  CipherEngine& operator=(const CipherEngine&) = delete;
  virtual ~CipherEngine() = default;

  virtual void Transform(std::span<CipherWork> works) = 0;
};

// One message of a burst.
struct MacWork {
  ConstBytes message;
  Bytes mac;  // the full digest; it does not overlap the message
  bool done;  // written: false when the library refused
};

class MacEngine {
 public:
  // Of the digests that there are, SHA-512's.
  static constexpr std::size_t kLargestDigest = 64;

  explicit MacEngine(std::size_t digest_size) : digest_size_(digest_size) {}

  MacEngine(const MacEngine&) = delete;
  MacEngine& operator=(const MacEngine&) = delete;
  virtual ~MacEngine() = default;

  // Octets of the full digest.
  std::size_t digest_size() const { return digest_size_; }

  virtual void Compute(std::span<MacWork> works) = 0;

 private:
  std::size_t digest_size_;
};

}  // namespace postern

#endif  // POSTERN_CORE_CRYPTO_ENGINES_H_
