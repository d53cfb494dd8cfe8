// SPDX-License-Identifier: Apache-2.0

#include "state/sequence_store.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/unique_fd.h"
#include "state/sqlite.h"
#include "state/state_directory.h"

namespace postern {
namespace {

constexpr std::size_t kSecretSize = 32;
constexpr std::string_view kFileName = "sequence-numbers.db";

// "PSTN", so that file(1) and we know the file; and the schema's version.
constexpr std::string_view kApplicationId = "1347638350";
constexpr std::string_view kVersion = "1";

// Numbers as 8 octets, big end first: SQLite's integers are signed.
constexpr std::string_view kSchema =
    "PRAGMA application_id = 1347638350;"
    "PRAGMA user_version = 1;"
    "CREATE TABLE secret (octets BLOB NOT NULL CHECK (length(octets) = 32));"
    "CREATE TABLE reservation ("
    "  fingerprint BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),"
    "  reserved BLOB NOT NULL CHECK (length(reserved) = 8)"
    ") WITHOUT ROWID;";

using NumberOctets = std::array<std::uint8_t, 8>;

Error Damaged(const std::filesystem::path& file, std::string_view why) {
  return Invalid(file.string() + " is damaged or not ours (" +
                 std::string(why) +
                 "); restore it, or remove it and give every SA a new key");
}

// `error`, told as damage when it is.
Error Judge(const std::filesystem::path& file, const Error& error) {
  return error.code == ErrorCode::kInvalid ? Damaged(file, error.message)
                                           : error;
}

Status FillNew(const std::filesystem::path& file) {
  Result<SqliteConnection> database = SqliteConnection::Open(file);
  if (!database.ok()) {
    return database.error();
  }
  std::array<std::uint8_t, kSecretSize> secret{};
  if (Status random = FillRandom(secret); !random.ok()) {
    return random;
  }
  if (Status made = database->Run(std::string(kSchema)); !made.ok()) {
    return made;
  }
  Result<SqliteStatement> insert =
      database->Prepare("INSERT INTO secret VALUES (?1)");
  if (!insert.ok()) {
    return insert.error();
  }
  insert->Bind(1, secret);
  const SqliteStatement::Step inserted = insert->Next();
  Cleanse(secret);
  return inserted == SqliteStatement::Step::kDone ? Ok()
                                                  : Status(database->Failure());
}

// Complete under another name, then renamed: whatever bears the file's name was
// once whole.
Status Create(const StateDirectory& directory,
              const std::filesystem::path& file) {
  const std::filesystem::path draft = file.string() + ".new";
  for (const char* suffix : {"", "-journal"}) {
    std::error_code ignored;
    std::filesystem::remove(draft.string() + suffix, ignored);
  }
  const UniqueFd made(::open(
      draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!made.valid()) {
    return SystemError(draft.string() + " cannot be made", errno);
  }
  if (Status filled = FillNew(draft); !filled.ok()) {
    return filled;
  }
  if (Status flushed = FlushToDisk(draft); !flushed.ok()) {
    return flushed;
  }
  std::error_code refused;
  std::filesystem::rename(draft, file, refused);
  if (refused) {
    return SystemError(draft.string() + " cannot be renamed", refused.value());
  }
  return directory.Flush();
}

// Nothing is written before the file is known to be ours.
Status CheckOurs(SqliteConnection& database,
                 const std::filesystem::path& file) {
  struct Row {
    std::string_view question;
    std::string_view answer;
  };

  // Before the first look: shared memory would be a file, too.
  Status exclusive = database.Run(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF");
  if (!exclusive.ok()) {
    return exclusive;
  }
  for (const Row& row : {Row{"PRAGMA application_id", kApplicationId},
                         Row{"PRAGMA user_version", kVersion},
                         Row{"PRAGMA quick_check", "ok"}}) {
    const Result<std::string> answer = database.Ask(std::string(row.question));
    if (!answer.ok()) {
      return Judge(file, answer.error());
    }
    if (*answer != row.answer) {
      return Damaged(file, std::string(row.question) + " gives " + *answer);
    }
  }
  return Ok();
}

// Why these: see the header.
Status MakeDurable(SqliteConnection& database,
                   const std::filesystem::path& file) {
  if (Status set = database.Run("PRAGMA synchronous = FULL"); !set.ok()) {
    return set;
  }
  const Result<std::string> mode = database.Ask("PRAGMA journal_mode = WAL");
  if (!mode.ok()) {
    return Judge(file, mode.error());
  }
  const Result<std::string> flushing = database.Ask("PRAGMA synchronous");
  if (*mode != "wal" || !flushing.ok() || *flushing != "2") {
    return Error{ErrorCode::kSystem,
                 file.string() +
                     " cannot be written durably; put the state "
                     "directory on a local disk"};
  }
  return Ok();
}

Result<SecretBytes> ReadSecret(SqliteConnection& database,
                               const std::filesystem::path& file) {
  Result<SqliteStatement> select =
      database.Prepare("SELECT octets FROM secret");
  if (!select.ok()) {
    return Damaged(file, select.error().message);
  }
  if (select->Next() != SqliteStatement::Step::kRow ||
      select->Blob(0).size() != kSecretSize) {
    return Damaged(file, "its secret is missing");
  }
  return SecretBytes(select->Blob(0));
}

}  // namespace

class SequenceStore::Database {
 public:
  struct Parts {
    StateDirectory directory;
    SqliteConnection connection;
    SecretBytes secret;
    SqliteStatement select;
    SqliteStatement upsert;
    std::uint64_t keys;
  };

  explicit Database(Parts parts) : parts_(std::move(parts)) {}

  const SecretBytes& secret() const { return parts_.secret; }

  // The end of what was ever reserved; 0 for a key that is new.
  Result<std::uint64_t> Reserved(const KeyFingerprint& key);
  Status Reserve(const KeyFingerprint& key, std::uint64_t up_to);

  Result<SecurityAssociation::Start> Begin(const KeyFingerprint& key,
                                           std::uint64_t block,
                                           std::uint64_t limit);
  Result<std::uint64_t> Extend(const KeyFingerprint& key, std::uint64_t up_to);

  void End(const KeyFingerprint& key) { in_use_.erase(key); }

 private:
  struct Use {
    std::uint64_t reserved;
    std::uint64_t limit;
  };

  Error Fail();

  Parts parts_;
  std::map<KeyFingerprint, Use> in_use_;
  std::optional<Error> broken_;
};

Error SequenceStore::Database::Fail() {
  const Error failure = parts_.connection.Failure();
  Error told = {ErrorCode::kSystem,
                "sequence numbers could not be reserved on disk (" +
                    failure.message +
                    "); make room or repair the disk, until then the "
                    "SA stops at what it has reserved"};
  if (parts_.connection.failed_for_good()) {
    broken_ = told;
  }
  return told;
}

Result<std::uint64_t> SequenceStore::Database::Reserved(
    const KeyFingerprint& key) {
  SqliteStatement& select = parts_.select;
  select.Bind(1, key.octets);
  const SqliteStatement::Step found = select.Next();
  std::uint64_t reserved = 0;
  Status read = Ok();
  if (found == SqliteStatement::Step::kFailed) {
    read = Fail();
  } else if (found == SqliteStatement::Step::kRow) {
    const ConstBytes octets = select.Blob(0);
    if (octets.size() == sizeof(reserved)) {
      reserved = LoadBe<std::uint64_t>(octets);
    } else {
      read = Damaged(parts_.directory.path() / kFileName, "a row's size");
    }
  }
  select.Reset();
  if (!read.ok()) {
    return read.error();
  }
  return reserved;
}

Status SequenceStore::Database::Reserve(const KeyFingerprint& key,
                                        std::uint64_t up_to) {
  if (broken_.has_value()) {
    return *broken_;
  }
  NumberOctets number{};
  StoreBe<std::uint64_t>(number, up_to);
  parts_.upsert.Bind(1, key.octets);
  parts_.upsert.Bind(2, number);
  const bool done = parts_.upsert.Next() == SqliteStatement::Step::kDone;
  Status reserved = done ? Ok() : Status(Fail());
  parts_.upsert.Reset();
  return reserved;
}

Result<SecurityAssociation::Start> SequenceStore::Database::Begin(
    const KeyFingerprint& key, std::uint64_t block, std::uint64_t limit) {
  if (block == 0) {
    return Invalid("block is 0 numbers; it must be 1 or more");
  }
  if (broken_.has_value()) {
    return *broken_;
  }
  if (in_use_.contains(key)) {
    return Error{ErrorCode::kExists,
                 "encryption_key is in use by another SA; give each SA its own "
                 "key or salt"};
  }
  const Result<std::uint64_t> last = Reserved(key);
  if (!last.ok()) {
    return last.error();
  }
  if (*last >= limit) {
    return Error{ErrorCode::kExhausted,
                 "sequence numbers up to " + std::to_string(*last) +
                     " may have been used with this key, and " +
                     std::to_string(limit) +
                     " is the largest; give the SA a new key"};
  }
  const bool is_new = *last == 0;
  if (is_new && parts_.keys >= kMaxKeys) {
    return Error{
        ErrorCode::kExhausted,
        "the state directory remembers " + std::to_string(parts_.keys) +
            " keys, as many as it may; remove " + std::string(kFileName) +
            " while the daemon is stopped, and give every SA a new "
            "key"};
  }
  const std::uint64_t reserved = *last + std::min(block, limit - *last);
  if (Status written = Reserve(key, reserved); !written.ok()) {
    return written.error();
  }
  parts_.keys += is_new ? 1 : 0;
  in_use_[key] = {reserved, limit};
  return SecurityAssociation::Start{.last_used = *last, .reserved = reserved};
}

Result<std::uint64_t> SequenceStore::Database::Extend(const KeyFingerprint& key,
                                                      std::uint64_t up_to) {
  const auto use = in_use_.find(key);
  if (use == in_use_.end()) {
    return Error{ErrorCode::kNotFound,
                 "this key is not in use; begin with it before extending"};
  }
  if (broken_.has_value()) {
    return *broken_;
  }
  const std::uint64_t wanted = std::min(up_to, use->second.limit);
  if (wanted <= use->second.reserved) {
    return use->second.reserved;
  }
  if (Status written = Reserve(key, wanted); !written.ok()) {
    return written.error();
  }
  use->second.reserved = wanted;
  return wanted;
}

SequenceStore::SequenceStore(std::unique_ptr<Database> database)
    : database_(std::move(database)) {}

SequenceStore::SequenceStore(SequenceStore&&) noexcept = default;
SequenceStore& SequenceStore::operator=(SequenceStore&&) noexcept = default;
SequenceStore::~SequenceStore() = default;

Result<SequenceStore> SequenceStore::Open(
    const std::filesystem::path& directory) {
  Result<StateDirectory> held = StateDirectory::Hold(directory);
  if (!held.ok()) {
    return held.error();
  }
  const std::filesystem::path file = directory / kFileName;
  std::error_code unknown;
  const bool exists = std::filesystem::exists(file, unknown);
  if (!exists && std::filesystem::exists(file.string() + "-wal", unknown)) {
    return Damaged(file, "its log is there and the file itself is not");
  }
  if (!exists) {
    if (Status created = Create(*held, file); !created.ok()) {
      return created.error();
    }
  }
  Result<SqliteConnection> connection = SqliteConnection::Open(file);
  if (!connection.ok()) {
    return connection.error();
  }
  if (Status ours = CheckOurs(*connection, file); !ours.ok()) {
    return ours.error();
  }
  if (Status durable = MakeDurable(*connection, file); !durable.ok()) {
    return durable.error();
  }
  Result<SecretBytes> secret = ReadSecret(*connection, file);
  if (!secret.ok()) {
    return secret.error();
  }
  Result<std::string> keys =
      connection->Ask("SELECT count(*) FROM reservation");
  Result<SqliteStatement> select = connection->Prepare(
      "SELECT reserved FROM reservation WHERE fingerprint = ?1");
  // Only upwards, whatever the caller believes.
  Result<SqliteStatement> upsert = connection->Prepare(
      "INSERT INTO reservation VALUES (?1, ?2) ON CONFLICT (fingerprint) "
      "DO UPDATE SET reserved = max(reserved, excluded.reserved)");
  if (!keys.ok() || !select.ok() || !upsert.ok()) {
    return Damaged(file, connection->Failure().message);
  }
  return SequenceStore(std::make_unique<Database>(Database::Parts{
      std::move(*held), std::move(*connection), std::move(*secret),
      std::move(*select), std::move(*upsert), std::stoull(*keys)}));
}

Result<KeyFingerprint> SequenceStore::Fingerprint(
    const SaParameters& parameters) const {
  return FingerprintOf(parameters, database_->secret());
}

Result<SecurityAssociation::Start> SequenceStore::Begin(
    const KeyFingerprint& key, std::uint64_t block, std::uint64_t limit) {
  return database_->Begin(key, block, limit);
}

Result<std::uint64_t> SequenceStore::Extend(const KeyFingerprint& key,
                                            std::uint64_t up_to) {
  return database_->Extend(key, up_to);
}

void SequenceStore::End(const KeyFingerprint& key) {
  database_->End(key);
}

}  // namespace postern
