// SPDX-License-Identifier: Apache-2.0

#include "esp/unpredictable_ivs.h"

#include "core/crypto/secret_bytes.h"

namespace postern::esp {

Passage UnpredictableIvs::Next(Bytes iv) {
  if (used_ == drawn_.size()) {
    if (!FillRandom(drawn_).ok()) {
      return DropReason::kCryptoFailed;
    }
    used_ = 0;
  }
  CopyBytes(iv, ConstBytes(drawn_).subspan(used_, iv.size()));
  used_ += kIvSize;
  return Pass();
}

}  // namespace postern::esp
