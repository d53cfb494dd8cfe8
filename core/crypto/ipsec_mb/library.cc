// SPDX-License-Identifier: Apache-2.0

#include "core/crypto/ipsec_mb/library.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/crypto/ipsec_mb/engines.h"
#include "core/crypto/secret_bytes.h"

namespace postern::ipsec_mb {
namespace {

static_assert(IMB_VERSION_NUM >= IMB_VERSION(1, 3, 0));

// What a manager stands in is ours, so that its end can overwrite it.
class LibraryState {
 public:
  LibraryState() : size_(RoundUp(::imb_get_mb_mgr_size())) {
    room_ = static_cast<std::uint8_t*>(std::aligned_alloc(kAlignment, size_));
    if (room_ == nullptr) {
      return;
    }
    IMB_MGR* const manager = ::imb_set_pointers_mb_mgr(room_, 0, 1);
    if (manager != nullptr) {
      ::init_mb_mgr_auto(manager, &arch_);
      // Not imb_get_errno(): where the manager has no error of its own it tells
      // that of whichever thread was the last.
      error_ = manager->imb_errno;
      manager_ = arch_ != IMB_ARCH_NONE && error_ == 0 ? manager : nullptr;
    }
  }

  ~LibraryState() {
    if (room_ != nullptr) {
      Cleanse({room_, size_});
      std::free(room_);  // NOLINT(cppcoreguidelines-no-malloc)
    }
  }

  LibraryState(const LibraryState&) = delete;
  LibraryState& operator=(const LibraryState&) = delete;

  IMB_MGR* get() const { return manager_; }

  IMB_ARCH arch() const { return arch_; }

  bool failed_its_test() const { return error_ == IMB_ERR_SELFTEST; }

  bool Has(std::uint64_t features) const {
    return manager_ != nullptr && (manager_->features & features) == features;
  }

 private:
  static constexpr std::size_t kAlignment = 64;

  static std::size_t RoundUp(std::size_t size) {
    return (size + kAlignment - 1) / kAlignment * kAlignment;
  }

  std::size_t size_;
  std::uint8_t* room_ = nullptr;
  IMB_MGR* manager_ = nullptr;
  IMB_ARCH arch_ = IMB_ARCH_NONE;
  int error_ = 0;
};

const LibraryState& Shared() {
  static const LibraryState state;
  return state;
}

Error Refusal(const std::string& why) {
  return {ErrorCode::kUnsupported,
          why + "; choose \"auto\" or \"libcrypto\" as crypto backend"};
}

const char* NameOf(IMB_ARCH arch) {
  switch (arch) {
    case IMB_ARCH_SSE:
      return "SSE";
    case IMB_ARCH_AVX:
      return "AVX";
    case IMB_ARCH_AVX2:
      return "AVX2";
    case IMB_ARCH_AVX512:
      return "AVX-512";
    default:
      return "no vector unit";
  }
}

}  // namespace

Status Check() {
  // The library's name is the same from 1.0 on; what we call is there from 1.3.
  if (::imb_get_version() < IMB_VERSION(1, 3, 0)) {
    return Refusal(
        std::string("the ipsec-mb that is installed is of version ") +
        ::imb_get_version_str() + " and lacks what 1.3 has");
  }
  const LibraryState& state = Shared();
  if (state.failed_its_test()) {
    return Refusal("ipsec-mb failed its own test on this CPU");
  }
  if (state.get() == nullptr || state.arch() < IMB_ARCH_SSE ||
      !state.Has(IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ)) {
    return Refusal("ipsec-mb needs a CPU with AES instructions, and memory");
  }
  if (!state.Has(IMB_FEATURE_SAFE_DATA | IMB_FEATURE_SAFE_PARAM)) {
    return Refusal(
        "the ipsec-mb that is installed was built without SAFE_DATA or "
        "SAFE_PARAM and would leave keys behind");
  }
  if (!state.Has(IMB_FEATURE_SELF_TEST | IMB_FEATURE_SELF_TEST_PASS)) {
    return Refusal("the ipsec-mb that is installed does not test itself");
  }
  return Ok();
}

std::string Describe() {
  return std::string("ipsec-mb ") + ::imb_get_version_str() + ", " +
         NameOf(Shared().arch());
}

const IMB_MGR* DirectCalls() {
  return Check().ok() ? Shared().get() : nullptr;
}

Bursts* ThreadsBursts() {
  struct Own {
    LibraryState state;
    Bursts bursts{state.get(), {}};
  };

  // By pointer: threads that work on no bursts have no 200 KB.
  thread_local const std::unique_ptr<Own> own = std::make_unique<Own>();
  return own->state.get() != nullptr ? &own->bursts : nullptr;
}

std::size_t Lanes() {
  constexpr std::size_t kAvx512 = 16;
  constexpr std::size_t kAvx2 = 8;
  constexpr std::size_t kSse = 4;
  switch (Shared().arch()) {
    case IMB_ARCH_AVX512:
      return kAvx512;
    case IMB_ARCH_AVX2:
      return kAvx2;
    default:
      return kSse;
  }
}

}  // namespace postern::ipsec_mb
