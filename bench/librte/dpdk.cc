// SPDX-License-Identifier: Apache-2.0
#include "bench/librte/dpdk.h"

#include <netinet/in.h>
#include <rte_cryptodev.h>
#include <rte_eal.h>
#include <rte_ip.h>
#include <rte_ipsec.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace postern::bench {

namespace {

constexpr std::uint32_t kSpi = 0x1001;
constexpr std::uint32_t kReplayWindow = 64;

void StartOn(const std::string& core) {
  std::vector<std::string> words{"librte_bench",
                                 "--no-huge",
                                 "--no-shconf",
                                 "--no-pci",
                                 "--no-telemetry",
                                 "--log-level=4",
                                 "--vdev=crypto_aesni_gcm",
                                 "-m",
                                 "256",
                                 "-l",
                                 core};
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  Must(rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) >= 0,
       "DPDK does not start here");
}

rte_crypto_sym_xform TransformOf(Side side) {
  rte_crypto_sym_xform gcm{};
  gcm.type = RTE_CRYPTO_SYM_XFORM_AEAD;
  gcm.aead.op = side == Side::kOut ? RTE_CRYPTO_AEAD_OP_ENCRYPT
                                   : RTE_CRYPTO_AEAD_OP_DECRYPT;
  gcm.aead.algo = RTE_CRYPTO_AEAD_AES_GCM;
  gcm.aead.key.data = kKey.data();
  gcm.aead.key.length = kKey.size();
  gcm.aead.iv.offset = sizeof(rte_crypto_op) + sizeof(rte_crypto_sym_op);
  gcm.aead.iv.length = 12;
  gcm.aead.digest_length = kIcv;
  gcm.aead.aad_length = 8;
  return gcm;
}

rte_ipsec_sa_prm ParametersOf(Side side, rte_crypto_sym_xform* gcm) {
  rte_ipsec_sa_prm of{};
  of.ipsec_xform.spi = kSpi;
  std::memcpy(&of.ipsec_xform.salt, kSalt.data(), kSalt.size());
  of.ipsec_xform.direction = side == Side::kOut
                                 ? RTE_SECURITY_IPSEC_SA_DIR_EGRESS
                                 : RTE_SECURITY_IPSEC_SA_DIR_INGRESS;
  of.ipsec_xform.proto = RTE_SECURITY_IPSEC_SA_PROTO_ESP;
  of.ipsec_xform.mode = RTE_SECURITY_IPSEC_SA_MODE_TRANSPORT;
  of.ipsec_xform.replay_win_sz = side == Side::kOut ? 0 : kReplayWindow;
  of.crypto_xform = gcm;
  of.trs.proto = IPPROTO_IPIP;  // the packets are IPv4
  return of;
}

}  // namespace

void Must(bool value, const char* otherwise) {
  if (!value) {
    std::fprintf(stderr, "librte_bench: %s\n", otherwise);
    std::exit(1);
  }
}

Dpdk::Dpdk() {
  StartOn(std::to_string(sched_getcpu()));
  const int found = rte_cryptodev_get_dev_id("crypto_aesni_gcm");
  Must(found >= 0, "DPDK has no crypto_aesni_gcm here");
  device = static_cast<std::uint8_t>(found);
  mbufs = rte_pktmbuf_pool_create("mbufs", 1023, 256, 0,
                                  RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  rte_mempool* const pool = rte_crypto_op_pool_create(
      "operations", RTE_CRYPTO_OP_TYPE_SYMMETRIC, 255, 0, 64, SOCKET_ID_ANY);
  sessions = rte_cryptodev_sym_session_pool_create(
      "sessions", 64, rte_cryptodev_sym_get_private_session_size(device), 0, 0,
      SOCKET_ID_ANY);
  Must(mbufs != nullptr && pool != nullptr && sessions != nullptr,
       "no memory for DPDK's pools");
  Must(rte_crypto_op_bulk_alloc(pool, RTE_CRYPTO_OP_TYPE_SYMMETRIC,
                                operations.data(), kBurst) == kBurst,
       "no crypto operations");
  rte_cryptodev_config queues{};
  queues.socket_id = SOCKET_ID_ANY;
  queues.nb_queue_pairs = 1;
  rte_cryptodev_qp_conf queue{};
  queue.nb_descriptors = 2048;
  queue.mp_session = sessions;
  Must(rte_cryptodev_configure(device, &queues) == 0 &&
           rte_cryptodev_queue_pair_setup(device, 0, &queue, SOCKET_ID_ANY) ==
               0 &&
           rte_cryptodev_start(device) == 0,
       "crypto_aesni_gcm does not start");
}

Packets::Packets(const Dpdk& dpdk, std::size_t payload)
    : pool_(dpdk.mbufs),
      size_(static_cast<std::uint16_t>(payload + kIpHeader)) {
  rte_ipv4_hdr ip{};
  ip.version_ihl = 0x45;
  ip.total_length = htons(size_);
  ip.time_to_live = 64;
  ip.next_proto_id = IPPROTO_UDP;
  ip.src_addr = htonl(RTE_IPV4(10, 9, 1, 1));
  ip.dst_addr = htonl(RTE_IPV4(10, 9, 2, 1));
  ip.hdr_checksum = rte_ipv4_cksum(&ip);
  const std::array<std::uint16_t, 4> udp{
      htons(4711), htons(9), htons(static_cast<std::uint16_t>(payload)), 0};
  std::memcpy(headers_.data(), &ip, sizeof ip);
  std::memcpy(headers_.data() + sizeof ip, udp.data(), sizeof udp);
}

void Packets::Take(Mbufs& mbufs) const {
  // Copies, since the compiler must assume that the packets lie over our own.
  const std::array<std::uint8_t, 28> headers = headers_;
  const std::uint16_t size = size_;
  Must(rte_pktmbuf_alloc_bulk(pool_, mbufs.data(), kBurst) == 0, "no mbufs");
  for (rte_mbuf* const mbuf : mbufs) {
    // As it is already, which spares reading it back.
    mbuf->data_off = RTE_PKTMBUF_HEADROOM;
    mbuf->tx_offload = 0;
    mbuf->data_len = size;
    mbuf->pkt_len = size;
    mbuf->packet_type = RTE_PTYPE_L3_IPV4 | RTE_PTYPE_L4_UDP;
    mbuf->l3_len = kIpHeader;
    std::memcpy(rte_pktmbuf_mtod(mbuf, void*), headers.data(), headers.size());
  }
}

void Packets::Return(Mbufs& mbufs) {
  rte_pktmbuf_free_bulk(mbufs.data(), kBurst);
}

Sa::Sa(Dpdk& dpdk, Way way, Side side)
    : dpdk_(dpdk), way_(way), session_(std::make_unique<rte_ipsec_session>()) {
  rte_crypto_sym_xform gcm = TransformOf(side);
  const rte_ipsec_sa_prm parameters = ParametersOf(side, &gcm);
  const int size = rte_ipsec_sa_size(&parameters);
  Must(size > 0, "librte_ipsec knows no such SA");
  const auto octets = static_cast<std::uint32_t>(size);
  session_->sa = static_cast<rte_ipsec_sa*>(
      rte_zmalloc(nullptr, octets, RTE_CACHE_LINE_SIZE));
  Must(session_->sa != nullptr &&
           rte_ipsec_sa_init(session_->sa, &parameters, octets) > 0,
       "librte_ipsec makes no SA");
  session_->type = way == Way::kCpu ? RTE_SECURITY_ACTION_TYPE_CPU_CRYPTO
                                    : RTE_SECURITY_ACTION_TYPE_NONE;
  session_->crypto.dev_id = dpdk.device;
  session_->crypto.ses = static_cast<rte_cryptodev_sym_session*>(
      rte_cryptodev_sym_session_create(dpdk.device, &gcm, dpdk.sessions));
  Must(session_->crypto.ses != nullptr &&
           rte_ipsec_session_prepare(session_.get()) == 0,
       "crypto_aesni_gcm makes no session");
}

Sa::~Sa() {
  rte_cryptodev_sym_session_free(dpdk_.device, session_->crypto.ses);
  rte_free(session_->sa);
}

unsigned Sa::Cross(Mbufs& mbufs) {
  if (way_ == Way::kLookaside) {
    return CrossQueue(mbufs);
  }
  const std::uint16_t ready =
      rte_ipsec_pkt_cpu_prepare(session_.get(), mbufs.data(), kBurst);
  return rte_ipsec_pkt_process(session_.get(), mbufs.data(), ready);
}

unsigned Sa::CrossQueue(Mbufs& mbufs) {
  rte_crypto_op** const operations = dpdk_.operations.data();
  const std::uint16_t ready = rte_ipsec_pkt_crypto_prepare(
      session_.get(), mbufs.data(), operations, kBurst);
  const std::uint16_t sent =
      rte_cryptodev_enqueue_burst(dpdk_.device, 0, operations, ready);
  std::array<rte_crypto_op*, kBurst> back;
  std::uint16_t came = 0;
  for (int tries = 0; came < sent && tries < 1000; ++tries) {
    came +=
        rte_cryptodev_dequeue_burst(dpdk_.device, 0, &back[came], sent - came);
  }
  std::array<rte_ipsec_group, kBurst> groups;
  const std::uint16_t count =
      rte_ipsec_pkt_crypto_group(const_cast<const rte_crypto_op**>(back.data()),
                                 mbufs.data(), groups.data(), came);
  unsigned done = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    const rte_ipsec_group& group = groups[i];
    done +=
        rte_ipsec_pkt_process(static_cast<rte_ipsec_session*>(group.id.ptr),
                              group.m, static_cast<std::uint16_t>(group.cnt));
  }
  return done;
}

}  // namespace postern::bench
