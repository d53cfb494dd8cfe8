// SPDX-License-Identifier: Apache-2.0
//
// The part of SQLite that we use, with owners for its two kinds of objects.
//
// Thread safety: Control-confined.

#ifndef POSTERN_STATE_SQLITE_H_
#define POSTERN_STATE_SQLITE_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "core/bytes.h"
#include "core/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace postern {

// One prepared statement. Indices of parameters count from 1, of columns from
// 0, as SQLite's.
class SqliteStatement {
 public:
  enum class Step : std::uint8_t { kRow, kDone, kFailed };

  // The octets must live until the next Reset().
  void Bind(int parameter, ConstBytes octets);

  Step Next();

  // Valid until the next Next() or Reset().
  ConstBytes Blob(int column) const;
  std::string Text(int column) const;
  std::int64_t Number(int column) const;

  // Ready for the next use; a statement that is not reset keeps its locks.
  void Reset();

 private:
  friend class SqliteConnection;

  struct Free {
    void operator()(sqlite3_stmt* statement) const;
  };

  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Free> statement_;
};

class SqliteConnection {
 public:
  // Opens a database that exists; never makes one.
  // Errors: kSystem.
  static Result<SqliteConnection> Open(const std::filesystem::path& file);

  // Runs statements that give no rows.
  Status Run(const std::string& sql);

  // Errors: as Failure().
  Result<SqliteStatement> Prepare(const std::string& sql);

  // The first column of the first row, as text.
  // Errors: as Failure(); kInvalid when there is no row.
  Result<std::string> Ask(const std::string& sql);

  // What went wrong last: kInvalid when the file is no database or a damaged
  // one, otherwise kSystem.
  Error Failure() const;

  // Whether it was such that nothing more may be believed: an I/O error or
  // damage, as opposed to a full disk.
  bool failed_for_good() const;

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };

  using Handle = std::unique_ptr<sqlite3, Close>;

  SqliteConnection(Handle connection, std::filesystem::path file)
      : connection_(std::move(connection)), file_(std::move(file)) {}

  Handle connection_;
  std::filesystem::path file_;
};

}  // namespace postern

#endif  // POSTERN_STATE_SQLITE_H_
