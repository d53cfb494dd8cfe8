// SPDX-License-Identifier: Apache-2.0
//
// The MACs that are CBC chains of AES-128, of which only the last block is kept:
//
//   M1 -> E -> M2 -> E -> ... -> Mn ^ Kx -> E -> mac
//
//   AES-XCBC-MAC (RFC 3566 4)  E under K1; Kx is K2 when Mn is whole, else K3,
//                              with Mn padded by 1 0 0 ...; K1, K2, K3 are the
//                              key's encryptions of 01.., 02.., 03..
//   AES-CMAC (RFC 4493 2.4)    E under the key; Kx are its multiples of E(0)
//
// libcrypto has no XCBC, and its CMAC takes no other subkeys; with the subkeys
// made here one chain serves both.

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/crypto/fetched.h"
#include "core/crypto/libcrypto/engines.h"
#include "core/crypto/secret_bytes.h"

namespace postern::libcrypto {
namespace {

constexpr std::size_t kBlock = 16;
using Block = std::array<std::uint8_t, kBlock>;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const {
    ::EVP_CIPHER_CTX_free(context);
  }
};

using Handle = std::unique_ptr<EVP_CIPHER_CTX, Free>;

// A CBC chain that starts with zeros; null when libcrypto refuses.
Handle ChainUnder(ConstBytes key) {
  const Block zeros{};
  EVP_CIPHER* const cipher = FetchedCipher(Encryption::kAesCbc, key.size());
  Handle chain(::EVP_CIPHER_CTX_new());
  if (cipher == nullptr || chain == nullptr ||
      ::EVP_CipherInit_ex2(chain.get(), cipher, key.data(), zeros.data(), 1,
                           nullptr) != 1 ||
      ::EVP_CIPHER_CTX_set_padding(chain.get(), 0) != 1) {
    return nullptr;
  }
  return chain;
}

bool Advance(EVP_CIPHER_CTX* chain, ConstBytes in, std::uint8_t* out) {
  int written = 0;
  return ::EVP_CipherUpdate(chain, out, &written, in.data(),
                            static_cast<int>(in.size())) == 1;
}

bool Restart(EVP_CIPHER_CTX* chain) {
  static constexpr Block kZeros{};
  return ::EVP_CipherInit_ex2(chain, nullptr, nullptr, kZeros.data(), -1,
                              nullptr) == 1;
}

struct Subkeys {
  Block whole;   // for a last block that is whole
  Block padded;  // for one that is padded
};

class BlockMac final : public MacEngine {
 public:
  BlockMac(Handle chain, const Subkeys& subkeys)
      : MacEngine(kBlock), chain_(std::move(chain)), subkeys_(subkeys) {}

  ~BlockMac() override {
    CleanseObject(subkeys_);
    Cleanse(closing_);
  }

  void Compute(std::span<MacWork> works) override {
    for (MacWork& work : works) {
      work.done = ComputeOne(work.message, work.mac);
      if (!work.done) {
        ::ERR_clear_error();
      }
    }
  }

 private:
  bool ComputeOne(ConstBytes message, Bytes mac) {
    const std::size_t last = LastOf(message.size());
    FillClosing(message.last(last));
    return Restart(chain_.get()) &&
           Absorb(message.first(message.size() - last)) &&
           Advance(chain_.get(), closing_, mac.data());
  }

  // Octets of the last block, which is empty only in an empty message.
  static std::size_t LastOf(std::size_t size) {
    return size == 0 ? 0 : (size - 1) % kBlock + 1;
  }

  // What comes out on the way is nobody's.
  bool Absorb(ConstBytes blocks) {
    std::array<std::uint8_t, 64 * kBlock> passing;
    for (; !blocks.empty();
         blocks = blocks.subspan(std::min(blocks.size(), passing.size()))) {
      const std::size_t some = std::min(blocks.size(), passing.size());
      if (!Advance(chain_.get(), blocks.first(some), passing.data())) {
        return false;
      }
    }
    return true;
  }

  void FillClosing(ConstBytes last) {
    const Block& subkey =
        last.size() == kBlock ? subkeys_.whole : subkeys_.padded;
    closing_ = Block{};
    CopyBytes(closing_, last);
    if (last.size() < kBlock) {
      closing_[last.size()] = 0x80;
    }
    for (std::size_t i = 0; i < kBlock; ++i) {
      closing_[i] ^= subkey[i];
    }
  }

  Handle chain_;
  Subkeys subkeys_;
  // The last block and a subkey, which whoever knows the message could take out:
  // it is never on the stack.
  Block closing_{};
};

// One encryption under `key`.
bool Encrypt(ConstBytes key, const Block& in, Block& out) {
  const Handle chain = ChainUnder(key);
  return chain != nullptr && Advance(chain.get(), in, out.data());
}

Block Filled(std::uint8_t octet) {
  Block block;
  block.fill(octet);
  return block;
}

std::unique_ptr<MacEngine> MakeXcbc(ConstBytes key) {
  Block first;
  Subkeys subkeys;
  std::unique_ptr<MacEngine> made;
  if (Encrypt(key, Filled(1), first) &&
      Encrypt(key, Filled(2), subkeys.whole) &&
      Encrypt(key, Filled(3), subkeys.padded)) {
    if (Handle chain = ChainUnder(first); chain != nullptr) {
      made = std::make_unique<BlockMac>(std::move(chain), subkeys);
    }
  }
  Cleanse(first);
  CleanseObject(subkeys);
  return made;
}

// The block times x in GF(2^128) (RFC 4493 2.3).
Block Doubled(const Block& block) {
  Block doubled;
  std::uint8_t carry = 0;
  for (std::size_t i = kBlock; i-- > 0;) {
    doubled[i] = static_cast<std::uint8_t>(block[i] << 1 | carry);
    carry = block[i] >> 7;
  }
  // No branch on what a key made.
  doubled[kBlock - 1] ^= static_cast<std::uint8_t>(0x87 & -carry);
  return doubled;
}

std::unique_ptr<MacEngine> MakeCmac(ConstBytes key) {
  Block zero;
  Handle chain = ChainUnder(key);
  if (chain == nullptr || !Encrypt(key, Filled(0), zero)) {
    return nullptr;
  }
  Subkeys subkeys;
  subkeys.whole = Doubled(zero);
  subkeys.padded = Doubled(subkeys.whole);
  std::unique_ptr<MacEngine> made =
      std::make_unique<BlockMac>(std::move(chain), subkeys);
  Cleanse(zero);
  CleanseObject(subkeys);
  return made;
}

}  // namespace

std::unique_ptr<MacEngine> MakeBlockMac(Integrity algorithm, ConstBytes key) {
  std::unique_ptr<MacEngine> made =
      algorithm == Integrity::kAesXcbc96 ? MakeXcbc(key) : MakeCmac(key);
  ::ERR_clear_error();
  return made;
}

}  // namespace postern::libcrypto
